"""One message over the wire, once: marked before it leaves, and asked about before it could leave twice."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from database import clock
from leads import erasures
from leads.channels import Trace
from providers import twilio
from providers.errors import ProviderError, Rejected, Unavailable
from whatsapp.accounts import LOOK, connected_account, journal_answer, journal_error, journal_look
from whatsapp.delivery import record_delivery, respect_opt_out
from whatsapp.models import Message
from whatsapp.template import content_variables
from workspaces.connections import give_back
from workspaces.integrations import Account

BUSY_RETRY_S = 2.0
# How far Twilio's clock and ours may be apart.
CLOCK_SKEW = timedelta(minutes=5)

# What a step hands to the next: an outcome and ids. Inngest stores and shows it.
Result = dict[str, str]


class Held(Exception):
    """The lead must not be written to after all; nothing has left. `reason` is one of whatsapp.guard's."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def settle(message: Message, *, now: datetime) -> None:
    """Find out what became of a message whose sender went silent: adopt it, or let it be sent again.

    Raises Unavailable while the sender may still be at it, and ProviderError when Twilio can't be asked.
    """
    sending_at = message.sending_at or message.created_at
    wait_s = settle_after_s() - (now - sending_at).total_seconds()
    if wait_s > 0:
        raise Unavailable("It is not known yet whether Twilio took the message.", retry_after_s=wait_s)
    account = connected_account(message.lead, "twilio")
    give_back()
    try:
        listed = twilio.list_messages(
            account_sid=account.credentials["account_sid"],
            auth_token=account.credentials["auth_token"],
            sender=account.credentials["from_number"],
            to=message.lead.phone,
            created_after=sending_at - CLOCK_SKEW,
        )
    except ProviderError as error:
        journal_error(message.lead, "twilio", error, now=now, operation=LOOK)
        raise
    journal_look(message.lead, listed, now=now)
    known = set(
        Message.objects.filter(twilio_sid__in=[each.sid for each in listed]).values_list("twilio_sid", flat=True)
    )
    for each in listed:
        # A template's text comes back rendered, with our sentence somewhere in it or not at all.
        if each.sid not in known and (message.content_sid or each.body.strip() == message.text.strip()):
            record_delivery(message, sid=each.sid, twilio_status=each.status, error_code=each.error_code, now=now)
            return
    lost = Message.objects.filter(pk=message.pk, status=Message.Status.SENDING, sending_at=message.sending_at)
    lost.update(status=Message.Status.WRITTEN, sending_at=None, updated_at=now)


def settle_after_s() -> float:
    """Tell for how long a request to Twilio may still be under way."""
    return float(settings.TWILIO_TIMEOUT_S + settings.PROVIDER_CONNECT_TIMEOUT_S + 5)


def send_written(
    message: Message, account: Account, *, as_template: bool, check: Callable[[], str], now: datetime
) -> Result:
    """Send a WRITTEN message: as free text, or in the variables of the workspace's template.

    `check` is asked last and says why it must not leave, "" where it may. Raises Held with what it said, Unavailable
    where another process is at it, and ProviderError, having recorded what came of it.
    """
    content_sid = str(account.options.get("content_sid") or "") if as_template else ""
    variables = content_variables(account.options, lead=message.lead, sentence=message.text) if content_sid else {}
    with transaction.atomic():
        if not _mark_sending(message, content_sid=content_sid, now=now):
            raise Unavailable("Another process is sending this message.", retry_after_s=BUSY_RETRY_S)
        # With the mark in place: waiting for the database may have taken longer than a stop takes to arrive.
        if reason := check():
            raise Held(reason)
    give_back()
    try:
        sent = twilio.send_message(
            account_sid=account.credentials["account_sid"],
            auth_token=account.credentials["auth_token"],
            sender=account.credentials["from_number"],
            to=message.lead.phone,
            body=message.text,
            content_sid=content_sid,
            content_variables=variables,
            status_callback=f"{settings.PUBLIC_BASE_URL}{reverse('whatsapp-status')}?message={message.pk}",
        )
    except ProviderError as error:
        _record_error(message, error)
        raise
    now = clock.now()
    with transaction.atomic():
        record_delivery(message, sid=sent.sid, twilio_status="sent", error_code="", now=now)
        journal_answer(message.lead, "twilio", sent, now=now)
        if not Message.objects.filter(pk=message.pk).exists():
            # The lead was erased while Twilio was asked: nothing of it may stay there.
            erasures.remember([Trace("twilio", sent.sid)], workspace_id=message.lead.workspace_id, now=now)
    return {"outcome": "sent", "message_id": str(message.pk), "sid": sent.sid}


def _mark_sending(message: Message, *, content_sid: str, now: datetime) -> bool:
    written = Message.objects.filter(pk=message.pk, status=Message.Status.WRITTEN)
    return written.update(status=Message.Status.SENDING, sending_at=now, content_sid=content_sid, updated_at=now) == 1


def _record_error(message: Message, error: ProviderError) -> None:
    """Leave the message as what may be done next wants it: refused, to be sent again, or still to be found out."""
    now = clock.now()
    sending = Message.objects.filter(pk=message.pk, status=Message.Status.SENDING)
    with transaction.atomic():
        if isinstance(error, Rejected):
            words = twilio.explain(error.code) if error.code else error.reason
            sending.update(
                status=Message.Status.FAILED, error_code=error.code[:16], error_message=words[:255], updated_at=now
            )
            respect_opt_out(message.lead, code=error.code, now=now)
        elif isinstance(error, Unavailable):
            sending.update(status=Message.Status.WRITTEN, sending_at=None, updated_at=now)
        journal_error(message.lead, "twilio", error, now=now)


def simulate(message: Message, *, now: datetime) -> Result:
    """Answer for Twilio: a test lead is never written to."""
    sid = f"SM{uuid4().hex}"
    record_delivery(message, sid=sid, twilio_status="delivered", error_code="", now=now)
    return {"outcome": "sent", "message_id": str(message.pk), "sid": sid}


def tell(message: Message) -> Result:
    """Say what is known of a message that needs no sending."""
    if not message.twilio_sid:
        return {"outcome": "failed", "message_id": str(message.pk)}
    return {"outcome": "sent", "message_id": str(message.pk), "sid": message.twilio_sid}
