"""One endpoint."""

from django.urls import path

from benchmarks.baseline.leads.views import LeadListCreate

urlpatterns = [path("leads", LeadListCreate.as_view())]
