"""WhatsApp: a promise that the engine keeps, or the worker where no engine is configured."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from leads.channels import Order, Sent
from leads.models import Dispatch
from providers import inngest
from providers.errors import Rejected, Unavailable
from whatsapp.events import Wish, sender
from whatsapp.models import Message
from whatsapp.turns import InProcess, open_conversation, run_turn, settle

# How long the process that took the lead may take to hand its event over, before the worker does.
GRACE_S = 5.0
SWEEP_MAX = 500
# How long a sweep waits for its events to be gone; an engine that hangs must not hold the worker up.
SEND_WITHIN_S = 1.0
# A turn nobody came for is asked for again after 1, 2, 4 … times TURN_UNCLAIMED_S, at most this many.
MAX_WAITS = 32


class WhatsAppChannel:
    """Contacts a lead by the agent's first message."""

    inline = False

    @property
    def keeps_journal(self) -> bool:
        """Whether `send` runs the turn itself, whose crossings to OpenAI and Twilio are journaled where they happen."""
        return not settings.INNGEST_CONFIGURED

    @property
    def provider(self) -> str:
        """Whom `send` speaks to."""
        return "inngest" if settings.INNGEST_CONFIGURED else "coachbot"

    @property
    def operation(self) -> str:
        """What `send` does."""
        return "send event" if settings.INNGEST_CONFIGURED else "agent turn"

    def grace_s(self) -> float:
        """Seconds for which the worker leaves a fresh promise to the process that made it."""
        return GRACE_S if settings.INNGEST_CONFIGURED else 0.0

    def announce(self, order: Order) -> None:
        """Hand the event to this process' sender; without an engine the worker finds the row by itself."""
        if settings.INNGEST_CONFIGURED:
            sender.put(Wish(order.dispatch_id, order.lead_id))

    def send(self, order: Order) -> Sent:
        """Ask the engine for the turn, or run it here and now where none is configured.

        Raises Rejected, Unavailable (code `inngest_away`: it will be there again) or OutcomeUnknown.
        """
        if settings.INNGEST_CONFIGURED:
            return _send_event(order)
        result = run_turn(InProcess(), dispatch_id=str(order.dispatch_id), run_id=order.claimed_by)
        if result["outcome"] != "sent":
            # Its own end is on the dispatch by now; nobody is left to fail it.
            raise Rejected("There was nothing to send.", code=result.get("reason") or result["outcome"])
        return Sent(reference=result["sid"], request={"messageId": result["message_id"]}, response=result)

    def find(self, order: Order) -> Sent | None:
        """Tell what became of an order: the message's own row knows, or Twilio does. None: safe to run again."""
        message = Message.objects.select_related("lead__workspace").filter(dispatch_id=order.dispatch_id).first()
        if message is None:
            return None
        if message.status == Message.Status.SENDING:
            settle(message, now=timezone.now())
            message.refresh_from_db(fields=["twilio_sid"])
        return Sent(reference=message.twilio_sid) if message.twilio_sid else None

    def confirm(self, sent: Sequence[tuple[Order, Sent]], *, now: datetime) -> None:
        """Open the conversation with those who were written to; what is queued reports itself."""
        written_to = [order.lead_id for order, outcome in sent if not outcome.queued]
        if written_to:
            open_conversation(written_to, now=now)

    def reference(self, dispatch_id: UUID) -> str | None:
        """There is none: the answer to a submission doesn't wait for a message."""
        return None

    def latest_call(self, lead_id: UUID) -> dict[str, Any] | None:
        """Return None: nobody is called."""
        return None

    def forget(self, lead_id: UUID) -> None:
        """Nothing is prepared: messages go with their lead, and OpenAI stores none."""

    def sweep(self, *, now: datetime, limit: int) -> int:
        """Ask again for turns that the engine took and nobody came for. Returns how many were asked for."""
        due = Dispatch.objects.filter(channel="whatsapp", status=Dispatch.Status.QUEUED, due_at__lte=now)
        rows = due.order_by("due_at")[: min(limit, SWEEP_MAX)]
        if not settings.INNGEST_CONFIGURED:
            return sum(_take_back(row, now=now) for row in rows)
        unclaimed = [row for row in rows if _postpone(row, now=now)]
        for row in unclaimed:
            sender.put(Wish(row.pk, row.lead_id, again=row.attempts))
        if unclaimed:
            sender.wait_until_idle(timeout_s=SEND_WITHIN_S)
        return len(unclaimed)


def _send_event(order: Order) -> Sent:
    event = Wish(order.dispatch_id, order.lead_id).event()
    request = {"id": event.id, "name": event.name, "data": dict(event.data)}
    try:
        ids = inngest.send_events([event])
    except Unavailable as error:
        error.request = request
        raise
    return Sent(reference=ids[0], queued=True, status_code=200, request=request, response={"ids": ids})


def _postpone(row: Dispatch, *, now: datetime) -> bool:
    """Claim an unclaimed turn for this sweep, by setting when it is next looked at. False: another worker has it."""
    waits = min(2**row.attempts, MAX_WAITS)
    same = Dispatch.objects.filter(pk=row.pk, status=Dispatch.Status.QUEUED, due_at=row.due_at)
    return same.update(due_at=now + timedelta(seconds=settings.TURN_UNCLAIMED_S * waits)) == 1


def _take_back(row: Dispatch, *, now: datetime) -> bool:
    """Leave a turn to the worker, because there is no engine any more."""
    same = Dispatch.objects.filter(pk=row.pk, status=Dispatch.Status.QUEUED, due_at=row.due_at)
    return same.update(status=Dispatch.Status.PENDING, due_at=now) == 1
