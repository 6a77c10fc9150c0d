"""The agent's turn, in three durable steps: a failed send never pays the model twice, nothing is sent twice.

`run_turn` is the same under Inngest and in the worker. Durability comes from the rows: a step that is entered again
finds what the one before it left. Each step raises ProviderError; who runs it decides about repeating.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from leads.insert import PAUSED
from leads.models import Dispatch, Lead, lease_end
from providers import twilio
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from whatsapp.accounts import connected_account, journal_answer, journal_error
from whatsapp.agent import Draft, write_first_message
from whatsapp.delivery import record_delivery
from whatsapp.models import Message
from whatsapp.template import content_variables
from workspaces.connections import give_back
from workspaces.integrations import Account

BUSY_RETRY_S = 2.0
# How far Twilio's clock and ours may be apart.
CLOCK_SKEW = timedelta(seconds=60)

T = TypeVar("T")
# What a step hands to the next: an outcome and ids. Inngest stores and shows it.
Result = dict[str, str]


class Step(Protocol):
    """What runs a step: Inngest's, which remembers what it returned, or a plain caller."""

    def run(self, step_id: str, handler: Callable[..., T], *args: str) -> T:
        """Run a step, or return what it returned before."""
        ...


class InProcess:
    """Runs each step at once, where no engine is configured."""

    def run(self, step_id: str, handler: Callable[..., T], *args: str) -> T:
        """Call the step."""
        return handler(*args)


def run_turn(step: Step, *, dispatch_id: str, run_id: str) -> Result:
    """Make the first contact. `run_id` is who claims the dispatch; the same one may come back to it.

    The outcome is `sent`, `skipped` (paused), `nothing` (done or given up before) or `failed`.
    """
    written = step.run("generate-reply", generate_reply, dispatch_id, run_id)
    if written["outcome"] != "written":
        return written
    sent = step.run("send-message", send_message, written["message_id"], run_id)
    if sent["outcome"] != "sent":
        return sent
    return step.run("persist-message", persist_message, written["message_id"])


def generate_reply(dispatch_id: str, run_id: str) -> Result:
    """Claim the dispatch and have its text written, or find the text that is there already."""
    now = timezone.now()
    if not _claim(dispatch_id, run_id, now=now):
        return {"outcome": "nothing"}
    dispatch = Dispatch.objects.select_related("lead__workspace").filter(pk=dispatch_id).first()
    if dispatch is None:
        return {"outcome": "nothing"}
    if not dispatch.lead.workspace.agent_enabled:
        return _skip(dispatch, now=now)
    message = Message.objects.filter(dispatch=dispatch).first()
    if message is None:
        draft = write_first_message(dispatch.lead, now=now)
        message = _keep(dispatch, draft, run_id)
    else:
        # Refused before it left, and somebody asked for it again.
        refused = Message.objects.filter(pk=message.pk, status=Message.Status.FAILED, twilio_sid="")
        refused.update(status=Message.Status.WRITTEN, error_code="", error_message="", updated_at=now)
    return {"outcome": "written", "message_id": str(message.pk)}


def send_message(message_id: str, run_id: str) -> Result:
    """Send what was written, once. The credentials are fetched here and stay here."""
    now = timezone.now()
    message = Message.objects.select_related("lead__workspace", "dispatch").filter(pk=message_id).first()
    if message is None or message.dispatch is None:
        return {"outcome": "nothing"}
    if message.status == Message.Status.SENDING:
        settle(message, now=now)
        message.refresh_from_db(fields=["status", "twilio_sid"])
    if message.status != Message.Status.WRITTEN:
        return _told(message)
    if not _renew(message.dispatch, run_id, now=timezone.now()):
        return {"outcome": "nothing"}
    if not message.lead.workspace.agent_enabled:
        return _skip(message.dispatch, now=now)
    if message.lead.is_test:
        return _simulate(message, now=now)
    # Who asked Twilio in between is late: the time is told anew, because others count from it.
    return _send(message, connected_account(message.lead, "twilio"), now=timezone.now())


def persist_message(message_id: str) -> Result:
    """Close the dispatch and open the conversation, unless word of a failure was faster."""
    now = timezone.now()
    message = Message.objects.filter(pk=message_id).first()
    if message is None or message.dispatch_id is None:
        return {"outcome": "nothing"}
    with transaction.atomic():
        dispatches = Dispatch.objects.filter(pk=message.dispatch_id, status__in=Dispatch.OPEN)
        dispatches.update(status=Dispatch.Status.DONE, reason="", finished_at=now)
        open_conversation([message.lead_id], now=now)
    return _told(message)


def open_conversation(lead_ids: list[UUID], *, now: datetime) -> None:
    """Mark leads that have been written to."""
    new = Lead.objects.filter(pk__in=lead_ids, status=Lead.Status.NEW)
    new.update(status=Lead.Status.IN_CONVERSATION, updated_at=now)


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
    listed = twilio.list_messages(
        account_sid=account.credentials["account_sid"],
        auth_token=account.credentials["auth_token"],
        sender=account.credentials["from_number"],
        to=message.lead.phone,
        created_after=sending_at - CLOCK_SKEW,
    )
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


def _claim(dispatch_id: str, run_id: str, *, now: datetime) -> bool:
    """Take the dispatch for this run, or find that it has it already. Raises Unavailable while another one has it."""
    waiting = Q(status__in=[Dispatch.Status.PENDING, Dispatch.Status.QUEUED])
    mine_or_silent = Q(status=Dispatch.Status.SENDING) & (Q(claimed_by=run_id) | Q(due_at__lte=now))
    dispatches = Dispatch.objects.filter(pk=dispatch_id)
    claimed = dispatches.filter(waiting | mine_or_silent).update(
        status=Dispatch.Status.SENDING, claimed_by=run_id, claimed_at=now, due_at=lease_end(now)
    )
    if not claimed and dispatches.filter(status=Dispatch.Status.SENDING).exists():
        raise Unavailable("Another process is at this dispatch.", retry_after_s=BUSY_RETRY_S)
    return claimed == 1


def _renew(dispatch: Dispatch, run_id: str, *, now: datetime) -> bool:
    """Keep the claim for the time of the send. False: the dispatch was given up meanwhile."""
    mine = Dispatch.objects.filter(pk=dispatch.pk, status__in=Dispatch.OPEN)
    return mine.update(status=Dispatch.Status.SENDING, claimed_by=run_id, claimed_at=now, due_at=lease_end(now)) == 1


def _skip(dispatch: Dispatch, *, now: datetime) -> Result:
    open_ones = Dispatch.objects.filter(pk=dispatch.pk, status__in=Dispatch.OPEN)
    open_ones.update(status=Dispatch.Status.SKIPPED, reason=PAUSED, finished_at=now)
    return {"outcome": "skipped", "reason": PAUSED}


def _keep(dispatch: Dispatch, draft: Draft, run_id: str) -> Message:
    """Store the text before anything is sent; the constraint keeps a second one out."""
    now = timezone.now()
    try:
        with transaction.atomic():
            if not _renew(dispatch, run_id, now=now):
                raise Rejected("The lead was erased, or given up, while the model wrote.", code="gone")
            message = Message.objects.create(
                lead=dispatch.lead,
                dispatch=dispatch,
                role=Message.Role.ASSISTANT,
                text=draft.text,
                status=Message.Status.WRITTEN,
                input_tokens=draft.reply.input_tokens if draft.reply else None,
                output_tokens=draft.reply.output_tokens if draft.reply else None,
                created_at=now,
                updated_at=now,
            )
            if draft.reply is not None:
                journal_answer(dispatch.lead, "openai", draft.reply, now=now)
            return message
    except IntegrityError:
        # Somebody who took over was faster; what they stored is what is sent.
        return Message.objects.get(dispatch=dispatch)


def _send(message: Message, account: Account, *, now: datetime) -> Result:
    content_sid = str(account.options.get("content_sid") or "")
    variables = content_variables(account.options, lead=message.lead, sentence=message.text) if content_sid else {}
    if not _mark_sending(message, content_sid=content_sid, now=now):
        raise Unavailable("Another process is sending this message.", retry_after_s=BUSY_RETRY_S)
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
    now = timezone.now()
    with transaction.atomic():
        record_delivery(message, sid=sent.sid, twilio_status="sent", error_code="", now=now)
        journal_answer(message.lead, "twilio", sent, now=now)
    return {"outcome": "sent", "message_id": str(message.pk), "sid": sent.sid}


def _mark_sending(message: Message, *, content_sid: str, now: datetime) -> bool:
    written = Message.objects.filter(pk=message.pk, status=Message.Status.WRITTEN)
    return written.update(status=Message.Status.SENDING, sending_at=now, content_sid=content_sid, updated_at=now) == 1


def _record_error(message: Message, error: ProviderError) -> None:
    """Leave the message as what may be done next wants it: refused, to be sent again, or still to be found out."""
    now = timezone.now()
    sending = Message.objects.filter(pk=message.pk, status=Message.Status.SENDING)
    with transaction.atomic():
        if isinstance(error, Rejected):
            words = twilio.explain(error.code) if error.code else error.reason
            sending.update(
                status=Message.Status.FAILED, error_code=error.code[:16], error_message=words[:255], updated_at=now
            )
        elif not isinstance(error, OutcomeUnknown):
            sending.update(status=Message.Status.WRITTEN, sending_at=None, updated_at=now)
        journal_error(message.lead, "twilio", error, now=now)


def _simulate(message: Message, *, now: datetime) -> Result:
    """Answer for Twilio: a test lead is never written to."""
    sid = f"SM{uuid4().hex}"
    record_delivery(message, sid=sid, twilio_status="delivered", error_code="", now=now)
    return {"outcome": "sent", "message_id": str(message.pk), "sid": sid}


def _told(message: Message) -> Result:
    """Say what is known of a message that needs no sending."""
    if not message.twilio_sid:
        return {"outcome": "failed", "message_id": str(message.pk)}
    return {"outcome": "sent", "message_id": str(message.pk), "sid": message.twilio_sid}
