"""The Public API's addresses of leads."""

from django.urls import path

from leads.api import LeadCollection, LeadItem

urlpatterns = [
    path("leads", LeadCollection.as_view(), name="api-lead-list"),
    # Any word: an id that is no UUID gets the same 404 as one that does not exist.
    path("leads/<str:lead_id>", LeadItem.as_view(), name="api-lead-detail"),
]
