"""WhatsApp's window: for 24 hours after the lead's last message one may write freely, else in approved templates."""

from datetime import datetime, timedelta
from uuid import UUID

from leads.channels import Window
from leads.models import Lead
from whatsapp.models import Message
from workspaces.models import Integration

WINDOW = timedelta(hours=24)
# Codes by which Twilio says that free text was not wanted: the workspace lacks a template.
NEEDS_TEMPLATE = ("63016",)
NEVER_WROTE = "The lead has not written yet. Until they do, WhatsApp takes approved templates only."
CLOSED = (
    "The lead's last message is more than 24 hours old. Until they write again, WhatsApp takes approved templates only."
)


def window_of(lead: Lead, *, now: datetime) -> Window:
    """Look when the lead wrote last. A test lead is never written to, so that it may always be."""
    if lead.is_test:
        return Window(open=True)
    received = Message.objects.filter(lead_id=lead.pk, role=Message.Role.USER).order_by("-created_at")
    last = received.values_list("created_at", flat=True).first()
    if last is None:
        return Window(open=False, reason=NEVER_WROTE)
    until = last + WINDOW
    return Window(open=now < until, until=until, reason="" if now < until else CLOSED)


def template_needed(workspace_id: UUID) -> bool:
    """Tell whether messages were refused for want of a template since the Twilio settings were last changed."""
    twilio = Integration.objects.filter(workspace_id=workspace_id, provider="twilio")
    changed_at = twilio.values_list("updated_at", flat=True).first()
    if changed_at is None:
        return False
    refused = Message.objects.filter(error_code__in=NEEDS_TEMPLATE, created_at__gte=changed_at)
    return refused.filter(lead__workspace_id=workspace_id).exists()
