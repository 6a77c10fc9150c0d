"""Where a message is: forward only, whoever tells it and in whatever order."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, QuerySet

from leads.models import Dispatch, Lead, LeadEvent, Suppression
from leads.status import OPEN, change_status
from leads.suppression import suppress
from providers.twilio import LOAD, explain
from whatsapp.models import Message
from whatsapp.numbers import spellings

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
# So often a message is sent again that WhatsApp had no room for, and after so many seconds, twice as many each time.
MOST_AGAIN = 5
FIRST_AGAIN_S = 60
# The lead told Twilio or WhatsApp that it wants nothing more from us: it stopped us, or blocked the sender.
OPTED_OUT_CODES = frozenset({"21610", "63014"})


def record_delivery(message: Message, *, sid: str, twilio_status: str, error_code: str, now: datetime) -> bool:
    """Move a message to what Twilio says of it. False: it is there or beyond, or the word is not known.

    What the agent wrote and nobody got leaves the lead to a human, with the reason.
    """
    status = OURS.get(twilio_status)
    if status is None:
        return False
    with transaction.atomic():
        rows = Message.objects.filter(pk=message.pk, status__in=BEFORE[status])
        if status == Status.FAILED and error_code in LOAD and _send_later(message, rows, code=error_code, now=now):
            return True
        fields = {"status": status, "twilio_sid": sid, "due_at": None, "updated_at": now}
        if status == Status.FAILED:
            fields |= {"error_code": error_code, "error_message": explain(error_code)[:255]}
        if not rows.update(**fields):
            return False
        if status == Status.FAILED:
            _answer_failure(message, code=error_code, now=now)
    return True


def _send_later(message: Message, rows: QuerySet[Message], *, code: str, now: datetime) -> bool:
    """Have a message sent again that WhatsApp had no room for. False: that was tried often enough."""
    if message.attempts >= MOST_AGAIN:
        return False
    due_at = now + timedelta(seconds=FIRST_AGAIN_S * 2**message.attempts)
    again = {"status": Status.WRITTEN, "twilio_sid": "", "attempts": F("attempts") + 1, "updated_at": now}
    # The first message goes out by its dispatch, in its template; the others by the outbox.
    if not rows.update(**again, due_at=None if message.dispatch_id else due_at):
        return False
    if message.dispatch_id:
        other = Dispatch.objects.filter(lead_id=message.lead_id, status__in=Dispatch.OPEN).exclude(
            pk=message.dispatch_id
        )
        done = Dispatch.objects.filter(pk=message.dispatch_id).exclude(Exists(other))
        done.update(
            status=Dispatch.Status.PENDING, reason=f"{code} {explain(code)}"[:255], due_at=due_at, finished_at=None
        )
    return True


def respect_opt_out(lead: Lead, *, code: str, now: datetime) -> bool:
    """Stop every contact with a lead whom the provider reports as opted out. False: the code says something else."""
    if code not in OPTED_OUT_CODES:
        return False
    for phone in spellings(lead.phone):
        suppress(
            workspace_id=lead.workspace_id,
            phone=phone,
            reason=Suppression.Reason.PROVIDER,
            now=now,
            detail=f"{code} {explain(code)}",
        )
    return True


def leave_to_human(
    lead_id: UUID, *, reason: str, code: str, now: datetime, frm: Iterable[str] = (*OPEN, Lead.Status.BOOKED)
) -> None:
    """Note that the agent could not go on, and ask for a person where the lead is in one of `frm`."""
    with transaction.atomic():
        if not Lead.objects.filter(pk=lead_id).exists():
            return
        data = {"reason": reason[:255], "code": code}
        LeadEvent.objects.create(lead_id=lead_id, kind=LeadEvent.Kind.AGENT_STOPPED, data=data, at=now)
        change_status(lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=frm, reason=reason[:255])


def _answer_failure(message: Message, *, code: str, now: datetime) -> None:
    """Draw the consequences of a message that did not arrive. Who wants none has nothing to wait for a human for."""
    reason = f"{code} {explain(code)}".strip()[:255]
    opted_out = respect_opt_out(message.lead, code=code, now=now)
    if message.dispatch_id is not None:
        dispatches = Dispatch.objects.filter(pk=message.dispatch_id)
        dispatches.update(status=Dispatch.Status.FAILED, reason=reason, finished_at=now)
        # Whoever has written meanwhile got the conversation going without it.
        if not opted_out and not Message.objects.filter(lead_id=message.lead_id, role=Message.Role.USER).exists():
            change_status(message.lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=OPEN, reason=reason)
    elif message.turn_id is not None and not opted_out:
        leave_to_human(message.lead_id, reason=reason, code=code or "not_delivered", now=now)
