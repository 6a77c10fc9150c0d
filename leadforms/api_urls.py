"""The Public API's address of the form."""

from django.urls import path

from leadforms.api import FormItem

urlpatterns = [path("form", FormItem.as_view(), name="api-form")]
