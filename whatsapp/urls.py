"""What Twilio and Inngest call."""

from django.urls import path

from whatsapp import webhooks

urlpatterns = [
    path("inngest", webhooks.engine, name="inngest"),
    path("whatsapp/status", webhooks.status, name="whatsapp-status"),
]
