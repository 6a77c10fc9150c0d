"""The Public API's addresses of leads."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
