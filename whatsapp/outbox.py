"""Messages that stand for themselves: a person's own, and the confirmation of an opt-out. The row is the outbox."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef

from database import clock
from leads.insert import OPTED_OUT
from leads.models import Lead, lease_end
from providers.errors import OutcomeUnknown, ProviderError, Rejected
from whatsapp.accounts import connected_account
from whatsapp.guard import WORDS, may_be_written_to
from whatsapp.models import Message
from whatsapp.sending import Held, send_written, settle, settle_after_s, simulate
from whatsapp.splitting import split_text
from whatsapp.window import window_of

logger = logging.getLogger(__name__)

MAX_WAITS = 32
GAVE_UP = "It could not be sent."


def put_confirmation(lead: Lead, text: str, *, now: datetime) -> None:
    """Have an opt-out, or its end, confirmed once."""
    _put(lead, [text], role=Message.Role.ASSISTANT, kind=Message.Kind.CONFIRMATION, by_id=None, now=now)


def put_operators(lead: Lead, text: str, *, by_id: Any, now: datetime) -> list[Message]:
    """Have sent what a person wrote, in as many messages as it takes."""
    return _put(lead, split_text(text), role=Message.Role.OPERATOR, kind=Message.Kind.TEXT, by_id=by_id, now=now)


def claim_due(*, now: datetime, limit: int) -> Iterator[Callable[[], None]]:
    """Claim what is due, oldest first, and yield the sending of each. Of a lead's messages one at a time."""
    earlier = Message.objects.filter(lead_id=OuterRef("lead_id"), due_at__isnull=False)
    due = Message.objects.filter(due_at__lte=now).exclude(Exists(earlier.filter(created_at__lt=OuterRef("created_at"))))
    for pk, due_at in list(due.order_by("due_at").values_list("pk", "due_at")[:limit]):
        lease = lease_end(now)
        # Counted before anything is tried: what kills its sender each time must come to an end as well.
        if Message.objects.filter(pk=pk, due_at=due_at).update(due_at=lease, attempts=F("attempts") + 1):
            yield lambda pk=pk, lease=lease: send_claimed(pk, lease=lease)  # type: ignore[misc]


def send_claimed(pk: UUID, *, lease: datetime) -> None:
    """Send a message that this process holds until `lease`; what came of it is on its row."""
    message = Message.objects.select_related("lead__workspace").filter(pk=pk, due_at=lease).first()
    if message is None:
        return
    try:
        if message.attempts > settings.DISPATCH_MAX_ATTEMPTS:
            raise Rejected(GAVE_UP, code="broken")
        _send(message)
    except Rejected as error:
        _give_up(message, error.reason, code=error.code)
    except ProviderError as error:
        _try_later(message, error, lease=lease)


def _send(message: Message) -> None:
    if message.status == Message.Status.SENDING:
        settle(message, now=clock.now())
        message.refresh_from_db(fields=["status"])
    if message.status != Message.Status.WRITTEN:
        Message.objects.filter(pk=message.pk).update(due_at=None)
        return
    if message.lead.is_test:
        simulate(message, now=clock.now())
        return
    account = connected_account(message.lead, "twilio")
    now = clock.now()
    window = window_of(message.lead, now=now)
    if not window.open:
        raise Rejected(window.reason, code="window_closed")
    try:
        send_written(message, account, as_template=False, check=partial(_reason_to_hold, message), now=now)
    except Held as held:
        raise Rejected(WORDS[held.reason], code=held.reason) from held


def _reason_to_hold(message: Message) -> str:
    """Say whether an opt-out is in the way. Its confirmation is the one thing that may still be said after it."""
    may = message.kind == Message.Kind.CONFIRMATION or may_be_written_to(message.lead)
    return "" if may else OPTED_OUT


def _put(lead: Lead, texts: list[str], *, role: str, kind: str, by_id: Any, now: datetime) -> list[Message]:
    rows = [
        Message(
            lead=lead,
            role=role,
            kind=kind,
            by_id=by_id,
            text=text,
            status=Message.Status.WRITTEN,
            due_at=now,
            # Their order is that of the times.
            created_at=now + timedelta(microseconds=n),
            updated_at=now,
        )
        for n, text in enumerate(texts)
    ]
    return Message.objects.bulk_create(rows)


def _try_later(message: Message, error: ProviderError, *, lease: datetime) -> None:
    if message.attempts >= settings.DISPATCH_MAX_ATTEMPTS:
        _give_up(message, f"{GAVE_UP} {error.reason}", code=error.code)
        return
    wait_s = settings.REPLY_RETRY_S * min(2 ** (message.attempts - 1), MAX_WAITS)
    if isinstance(error, OutcomeUnknown):
        wait_s = max(wait_s, settle_after_s())
    wait_s = max(wait_s, getattr(error, "retry_after_s", None) or 0)
    mine = Message.objects.filter(pk=message.pk, due_at=lease)
    mine.update(due_at=clock.now() + timedelta(seconds=wait_s))


def _give_up(message: Message, reason: str, *, code: str) -> None:
    """Leave a message unsent; one of which nobody knows whether it was sent stays as it is, for a callback to tell."""
    now = clock.now()
    rows = Message.objects.filter(pk=message.pk)
    unsent = rows.filter(status=Message.Status.WRITTEN)
    unsent.update(status=Message.Status.FAILED, error_code=code[:16], error_message=reason[:255], updated_at=now)
    rows.update(due_at=None)
