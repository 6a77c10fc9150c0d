"""Where a message is: forward only, whoever tells it and in whatever order."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from leads.models import Dispatch, Lead
from providers.twilio import explain
from whatsapp.models import Message

Status = Message.Status
# Twilio's word → ours.
OURS = {
    "accepted": Status.SENT,
    "scheduled": Status.SENT,
    "queued": Status.SENT,
    "sending": Status.SENT,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "failed": Status.FAILED,
    "undelivered": Status.FAILED,
    "canceled": Status.FAILED,
}
# From where a message may come. WRITTEN too: word of it proves that it went out.
_ON_ITS_WAY = (Status.WRITTEN, Status.SENDING)
BEFORE = {
    Status.SENT: _ON_ITS_WAY,
    Status.DELIVERED: (*_ON_ITS_WAY, Status.SENT),
    Status.READ: (*_ON_ITS_WAY, Status.SENT, Status.DELIVERED),
    Status.FAILED: (*_ON_ITS_WAY, Status.SENT),
}
UNANSWERED = (Lead.Status.NEW, Lead.Status.IN_CONVERSATION)


def record_delivery(message: Message, *, sid: str, twilio_status: str, error_code: str, now: datetime) -> bool:
    """Move a message to what Twilio says of it. False: it is there or beyond, or the word is not known.

    A first contact that failed leaves the lead to a human, with the reason on its dispatch.
    """
    status = OURS.get(twilio_status)
    if status is None:
        return False
    with transaction.atomic():
        rows = Message.objects.filter(pk=message.pk, status__in=BEFORE[status])
        fields = {"status": status, "twilio_sid": sid, "updated_at": now}
        if status == Status.FAILED:
            fields |= {"error_code": error_code, "error_message": explain(error_code)[:255]}
        if not rows.update(**fields):
            return False
        if status == Status.FAILED and message.dispatch_id is not None:
            reason = f"{error_code} {explain(error_code)}".strip()
            _leave_to_human(dispatch_id=message.dispatch_id, lead_id=message.lead_id, reason=reason, now=now)
    return True


def _leave_to_human(*, dispatch_id: UUID, lead_id: UUID, reason: str, now: datetime) -> None:
    Dispatch.objects.filter(pk=dispatch_id).update(status=Dispatch.Status.FAILED, reason=reason[:255], finished_at=now)
    leads = Lead.objects.filter(pk=lead_id, status__in=UNANSWERED)
    leads.exclude(messages__role=Message.Role.USER).update(status=Lead.Status.NEEDS_HUMAN, updated_at=now)
