"""The Public API's address of the key itself."""

from django.urls import path

from apikeys.api import Me

urlpatterns = [path("me", Me.as_view(), name="api-me")]
