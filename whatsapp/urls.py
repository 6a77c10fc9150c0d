"""What Twilio and Inngest call."""

from django.urls import path

from whatsapp import webhooks

urlpatterns = [
    path("inngest", webhooks.engine, name="inngest"),
    path("whatsapp/inbound", webhooks.inbound, name="whatsapp-inbound"),
    path("whatsapp/status", webhooks.status, name="whatsapp-status"),
]
