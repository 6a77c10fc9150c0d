"""The agent's turn, in three durable steps: a failed send never pays the model twice, nothing is sent twice.

`run_turn` is the same under Inngest and in the worker. Durability comes from the rows: a step that is entered again
finds what the one before it left. Each step raises ProviderError; who runs it decides about repeating.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from database import clock
from leads import costly, late
from leads.again import DECIDED
from leads.insert import COSTLY, OPTED_OUT
from leads.models import Dispatch, Lead, lease_end
from leads.status import change_status
from providers.errors import OutcomeUnknown, ProviderError, Rejected
from whatsapp.accounts import connected_account, journal_answer
from whatsapp.agent import Draft, write_first_message
from whatsapp.delivery import OPTED_OUT_CODES
from whatsapp.guard import reason_to_hold
from whatsapp.models import Message
from whatsapp.sending import Held, Result, send_written, settle, settle_after_s, simulate, tell
from workspaces.connections import insist
from workspaces.insert_once import insert_once

T = TypeVar("T")
MAX_RETRY_S = 900.0
# So often the engine was woken, the event that came with the lead not counted, before the worker does it itself.
WOKEN_BEFORE = 1


class Step(Protocol):
    """What runs a step: Inngest's, which remembers what it returned, or a plain caller."""

    def run(self, step_id: str, handler: Callable[..., T], *args: str) -> T:
        """Run a step, or return what it returned before."""
        ...

    def sleep_until(self, step_id: str, until: datetime) -> bool:
        """Wait without holding anything. False: nobody waits here; the worker comes again."""
        ...


class InProcess:
    """Runs each step at once, where no engine is configured."""

    def run(self, step_id: str, handler: Callable[..., T], *args: str) -> T:
        """Call the step."""
        return handler(*args)

    def sleep_until(self, step_id: str, until: datetime) -> bool:
        """Don't: a worker's thread is too dear to sleep in, and the row says when it is due."""
        return False


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


def claim_unclaimed(*, by: str, now: datetime, limit: int) -> Iterator[Callable[[], None]]:
    """Claim first contacts that the engine was woken for and did not come for, and yield the making of each."""
    left = Dispatch.objects.filter(
        channel="whatsapp", status=Dispatch.Status.QUEUED, due_at__lte=now, attempts__gte=WOKEN_BEFORE
    )
    for pk in list(left.order_by("due_at").values_list("pk", flat=True)[:limit]):
        if _claim(str(pk), by, now=now):
            yield partial(run_here, str(pk), by)


def run_here(dispatch_id: str, run_id: str) -> None:
    """Make a claimed first contact in this thread; what can't be done now is left to the engine, or a later look."""
    try:
        run_turn(InProcess(), dispatch_id=dispatch_id, run_id=run_id)
    except Rejected as error:
        give_up_dispatch(dispatch_id, reason=error.reason, now=clock.now())
    except ProviderError as error:
        attempts = Dispatch.objects.filter(pk=dispatch_id).values_list("attempts", flat=True).first() or 0
        if attempts >= settings.DISPATCH_MAX_ATTEMPTS:
            give_up_dispatch(dispatch_id, reason=error.reason, now=clock.now())
            return
        postpone(dispatch_id, run_id, error, attempt=attempts)
        Dispatch.objects.filter(pk=dispatch_id).update(attempts=F("attempts") + 1)


def postpone(dispatch_id: str, run_id: str, error: ProviderError, *, attempt: int) -> float:
    """Queue a first contact again that this run has. Returns the seconds to wait."""
    wait_s: float = settings.DISPATCH_RETRY_S * 2 ** min(attempt, 5)
    wait_s = getattr(error, "retry_after_s", None) or wait_s
    if isinstance(error, OutcomeUnknown):
        wait_s = settle_after_s()
    mine = Dispatch.objects.filter(pk=dispatch_id, claimed_by=run_id)
    mine.filter(status__in=[Dispatch.Status.SENDING, Dispatch.Status.QUEUED]).update(
        status=Dispatch.Status.QUEUED,
        reason=error.reason,
        due_at=clock.now() + timedelta(seconds=min(wait_s, MAX_RETRY_S) + settings.TURN_UNCLAIMED_S),
    )
    return wait_s


def generate_reply(dispatch_id: str, run_id: str) -> Result:
    """Claim the dispatch and have its text written, or find the text that is there already."""
    now = clock.now()
    if not _claim(dispatch_id, run_id, now=now):
        return {"outcome": "nothing"}
    dispatch = Dispatch.objects.select_related("lead__workspace").filter(pk=dispatch_id).first()
    if dispatch is None:
        return {"outcome": "nothing"}
    if reason := _why_not(dispatch):
        return _skip(dispatch, reason=reason, now=now)
    if reason := costly.why_not_dialled(dispatch):
        change_status(dispatch.lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=[Lead.Status.NEW], reason=reason[:255])
        return _skip(dispatch, reason=COSTLY, now=now)
    # Without an engine the worker has asked already.
    if settings.INNGEST_CONFIGURED and (verdict := late.judge(dispatch, now=now)):
        return _too_late(dispatch, verdict, run_id, now=now)
    message = Message.objects.filter(dispatch=dispatch).first()
    if message is None:
        draft = write_first_message(dispatch.lead, now=now)
        # It is paid for: a database that is busy or restarts is waited for, as long as the claim may last.
        message = insist(partial(_keep, dispatch, draft, run_id), within_s=settings.DISPATCH_LEASE_S)
    else:
        # Refused before it left, and somebody asked for it again.
        refused = Message.objects.filter(pk=message.pk, status=Message.Status.FAILED, twilio_sid="")
        refused.update(status=Message.Status.WRITTEN, error_code="", error_message="", updated_at=now)
    return {"outcome": "written", "message_id": str(message.pk)}


def send_message(message_id: str, run_id: str) -> Result:
    """Send what was written, once. The credentials are fetched here and stay here."""
    now = clock.now()
    message = Message.objects.select_related("lead__workspace", "dispatch").filter(pk=message_id).first()
    if message is None or message.dispatch is None:
        return {"outcome": "nothing"}
    if message.status == Message.Status.SENDING:
        settle(message, now=now)
        message.refresh_from_db(fields=["status", "twilio_sid"])
    if message.status != Message.Status.WRITTEN:
        return tell(message)
    if not _renew(message.dispatch, run_id, now=clock.now()):
        return {"outcome": "nothing"}
    return _send(message, message.dispatch)


def persist_message(message_id: str) -> Result:
    """Close the dispatch and open the conversation, unless word of a failure was faster."""
    now = clock.now()
    message = Message.objects.filter(pk=message_id).first()
    if message is None or message.dispatch_id is None:
        return {"outcome": "nothing"}
    with transaction.atomic():
        dispatches = Dispatch.objects.filter(pk=message.dispatch_id, status__in=Dispatch.OPEN)
        dispatches.update(status=Dispatch.Status.DONE, reason="", finished_at=now)
        open_conversation([message.lead_id], now=now)
    return tell(message)


def open_conversation(lead_ids: list[UUID], *, now: datetime) -> None:
    """Mark leads that have been written to."""
    for lead_id in lead_ids:
        change_status(lead_id, Lead.Status.IN_CONVERSATION, now=now, frm=[Lead.Status.NEW])


def give_up_dispatch(dispatch_id: UUID | str, *, reason: str, now: datetime) -> bool:
    """Fail a first contact that nobody can make: its lead needs a human. False: it is over already."""
    with transaction.atomic():
        dispatches = Dispatch.objects.filter(pk=dispatch_id, status__in=Dispatch.OPEN)
        if not dispatches.update(status=Dispatch.Status.FAILED, reason=reason[:255], finished_at=now):
            return False
        lead_id = Dispatch.objects.values_list("lead_id", flat=True).get(pk=dispatch_id)
        change_status(lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=[Lead.Status.NEW], reason=reason[:255])
    return True


def _send(message: Message, dispatch: Dispatch) -> Result:
    # Who asked Twilio in between is late: the time is told anew, because others count from it.
    now = clock.now()
    if message.lead.is_test:
        return simulate(message, now=now)
    account = connected_account(message.lead, "twilio")
    try:
        return send_written(message, account, as_template=True, check=partial(_why_not, dispatch), now=now)
    except Held as held:
        return _skip(dispatch, reason=held.reason, now=now)
    except Rejected as error:
        if error.code not in OPTED_OUT_CODES:
            raise
        return _skip(dispatch, reason=OPTED_OUT, now=now)


def _claim(dispatch_id: str, run_id: str, *, now: datetime) -> bool:
    """Take the dispatch for this run, or find that it has it already. False: it is over, or another one has it.

    Should that one die, the worker finds the dispatch when its lease is over.
    """
    waiting = Q(status__in=[Dispatch.Status.PENDING, Dispatch.Status.QUEUED])
    mine_or_silent = Q(status=Dispatch.Status.SENDING) & (Q(claimed_by=run_id) | Q(due_at__lte=now))
    dispatches = Dispatch.objects.filter(pk=dispatch_id)
    claimed = dispatches.filter(waiting | mine_or_silent).update(
        status=Dispatch.Status.SENDING, claimed_by=run_id, claimed_at=now, due_at=lease_end(now)
    )
    return claimed == 1


def _renew(dispatch: Dispatch, run_id: str, *, now: datetime) -> bool:
    """Keep the claim for the time of the send. False: the dispatch was given up meanwhile."""
    mine = Dispatch.objects.filter(pk=dispatch.pk, status__in=Dispatch.OPEN)
    return mine.update(status=Dispatch.Status.SENDING, claimed_by=run_id, claimed_at=now, due_at=lease_end(now)) == 1


def _why_not(dispatch: Dispatch) -> str:
    """Say why the first message must not leave, "" where it may. Who wrote meanwhile gets an answer, no greeting."""
    written = Message.objects.filter(lead_id=dispatch.lead_id, role=Message.Role.USER)
    begun = written.filter(created_at__gt=dispatch.created_at)
    return reason_to_hold(dispatch.lead_id) or (DECIDED if begun.exists() else "")


def _too_late(dispatch: Dispatch, verdict: late.Wait | late.TooOld, run_id: str, *, now: datetime) -> Result:
    """Put a first contact that an engine came for late back until it may be made, or give it up."""
    if isinstance(verdict, late.TooOld):
        give_up_dispatch(dispatch.pk, reason=verdict.reason, now=now)
        return {"outcome": "skipped", "reason": verdict.reason}
    mine = Dispatch.objects.filter(pk=dispatch.pk, status=Dispatch.Status.SENDING, claimed_by=run_id)
    mine.update(
        status=Dispatch.Status.PENDING,
        due_at=verdict.until,
        slot_at=verdict.slot_at,
        reason=verdict.reason,
        claimed_by="",
    )
    return {"outcome": "skipped", "reason": verdict.reason}


def _skip(dispatch: Dispatch, *, reason: str, now: datetime) -> Result:
    open_ones = Dispatch.objects.filter(pk=dispatch.pk, status__in=Dispatch.OPEN)
    open_ones.update(status=Dispatch.Status.SKIPPED, reason=reason, finished_at=now)
    # A text that never left is no part of the conversation.
    Message.objects.filter(dispatch=dispatch, status=Message.Status.WRITTEN).delete()
    return {"outcome": "skipped", "reason": reason}


def _keep(dispatch: Dispatch, draft: Draft, run_id: str) -> Message:
    """Store the text before anything is sent; the constraint keeps a second one out."""
    now = clock.now()
    message = Message(
        lead=dispatch.lead,
        dispatch=dispatch,
        role=Message.Role.ASSISTANT,
        text=draft.text,
        status=Message.Status.WRITTEN,
        input_tokens=draft.reply.input_tokens if draft.reply else None,
        output_tokens=draft.reply.output_tokens if draft.reply else None,
        cost_usd=draft.cost_usd,
        created_at=now,
        updated_at=now,
    )
    with transaction.atomic():
        if not _renew(dispatch, run_id, now=now):
            raise Rejected("The lead was erased, or given up, while the model wrote.", code="gone")
        if not insert_once(message):
            # Somebody who took over was faster; what they stored is what is sent.
            return Message.objects.get(dispatch=dispatch)
        if draft.reply is not None:
            journal_answer(dispatch.lead, "openai", draft.reply, now=now)
    return message
