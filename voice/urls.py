"""Where Vapi, and who was given the link to a recording, reach us: under /api/vapi/."""

from django.urls import path

from voice import tools, webhooks

urlpatterns = [
    path("recordings/<str:token>", webhooks.redirect_to_recording, name="voice-recording"),
    path("<slug:slug>/events", webhooks.receive_event, name="voice-events"),
    path("<slug:slug>/tools/<str:tool>", tools.answer_tools, name="voice-tools"),
]
