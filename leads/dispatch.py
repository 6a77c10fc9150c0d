"""Keeping the promise: a claimed dispatch is sent once, and what became of it is written down.

A provider call is made with no transaction open and no database connection held. Nothing here repeats a call whose
outcome is unknown: the channel is asked first.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction

from database import clock
from leads.batching import GroupCommit
from leads.channels import Order, Sent, get_channel
from leads.intake import Accepted, Submission, accept_lead
from leads.late import Wait, is_too_old
from leads.models import Dispatch, Lead, lease_end
from leads.status import change_status
from providers.errors import BLOCKED, ENGINE_AWAY, OutcomeUnknown, ProviderError, Unavailable
from webapi import request_id
from workspaces import prepared
from workspaces.connections import give_back, log_failure
from workspaces.journal import Crossing, entry, record
from workspaces.models import LogEntry

logger = logging.getLogger(__name__)

# A provider that took nothing of a workspace's for this long serves nobody, as far as we can tell.
SERVES_WITHIN = timedelta(minutes=10)
# The longest pause between two tries while all lines are busy, and while the provider is away, in seconds.
FULL_AT_MOST_S = 120.0
AWAY_AT_MOST_S = 600.0
_OUTCOMES = {
    "Rejected": LogEntry.Outcome.REJECTED,
    "Unavailable": LogEntry.Outcome.UNAVAILABLE,
    "OutcomeUnknown": LogEntry.Outcome.UNKNOWN,
}


class NotSent(Exception):
    """The provider did not take it, for certain; the phone did not ring. `cause` has the provider's words."""

    def __init__(self, cause: ProviderError) -> None:
        super().__init__(cause.message)
        self.cause = cause


class StillOpen(Exception):
    """It can't be known yet, or the provider asked to wait: the dispatch stands and the worker goes on with it."""


@dataclass(frozen=True, slots=True)
class _Record:
    order: Order
    sent: Sent
    at: datetime
    request_id: str


def send(order: Order) -> Sent:
    """Send a dispatch that this process has claimed and write down what came of it.

    Raises NotSent (the dispatch is still claimed: undo it or fail it) or StillOpen (nothing is left to do).
    """
    if not _still_mine(order, now=clock.now()):
        raise StillOpen
    give_back()
    channel = get_channel(order.channel)
    try:
        sent = channel.send(order)
    except OutcomeUnknown as unknown:
        sent = _find_out(order, unknown)
    except Unavailable as error:
        if error.code == BLOCKED:
            postpone(order, error, now=clock.now())
            raise StillOpen from error
        raise NotSent(error) from error
    except ProviderError as error:
        raise NotSent(error) from error
    _write_down(order, sent)
    return sent


def settle(order: Order) -> Sent | None:
    """Ask what became of a dispatch whose sender went silent. None: the provider never took it.

    Raises StillOpen where that can't be asked now.
    """
    give_back()
    channel = get_channel(order.channel)
    try:
        # Who sends inline may have died with the request on its way; the provider needs a moment for it.
        sent = _look(order, times=settings.DISPATCH_LOOKS if channel.inline else 1)
    except ProviderError as error:
        _journal(order, error, now=clock.now())
        raise StillOpen from error
    if sent is not None:
        _write_down(order, sent)
    return sent


def undo(order: Order, error: ProviderError, *, now: datetime) -> bool:
    """Take back a lead whose contact was refused; what was submitted stays in the journal, to be sent again.

    False: the dispatch is no longer this process' to undo (a webhook or the worker was faster); the lead stands.
    """
    with transaction.atomic(durable=True):
        if not _finish(order, Dispatch.Status.FAILED, reason=error.reason, now=now):
            return False
        # What was noted of the lead on the way goes with it; its submission and the refusal stay, as one entry.
        LogEntry.objects.filter(workspace_id=order.workspace_id, lead_id=order.lead_id).delete()
        _journal(order, error, now=now, submission=as_submitted(order))
        Lead.objects.filter(pk=order.lead_id, workspace_id=order.workspace_id).delete()
    return True


def fail(order: Order, error: ProviderError, *, now: datetime) -> None:
    """Give a dispatch up: the lead stands, needs a human, and the journal says why."""
    with transaction.atomic(durable=True):
        if not _finish(order, Dispatch.Status.FAILED, reason=error.reason, now=now):
            return
        _journal(order, error, now=now)
        change_status(order.lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=[Lead.Status.NEW], reason=error.reason)


def skip(order: Order, *, reason: str, now: datetime) -> None:
    """Leave a dispatch unsent on purpose."""
    _finish(order, Dispatch.Status.SKIPPED, reason=reason, now=now)


def give_up(order: Order, *, reason: str, now: datetime) -> None:
    """Leave a dispatch unsent that can't be sent any more: the lead needs a human."""
    with transaction.atomic(durable=True):
        if _finish(order, Dispatch.Status.FAILED, reason=reason, now=now):
            change_status(order.lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=[Lead.Status.NEW], reason=reason)


def leave_to_person(order: Order, *, code: str, reason: str, now: datetime) -> None:
    """Leave a dispatch unsent on purpose: a person decides whether to contact the lead. `reason` is in their words."""
    with transaction.atomic(durable=True):
        if _finish(order, Dispatch.Status.SKIPPED, reason=code, now=now):
            change_status(order.lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=[Lead.Status.NEW], reason=reason[:255])


def put_off(order: Order, wait: Wait) -> None:
    """Put a dispatch back until it may be sent. That is no attempt."""
    _mine(order).update(
        status=Dispatch.Status.PENDING,
        due_at=wait.until,
        slot_at=wait.slot_at,
        reason=wait.reason,
        attempts=max(0, order.attempt - 1),
    )


def postpone(order: Order, error: ProviderError, *, now: datetime) -> None:
    """Put a dispatch back to be tried later, each time a little later; after DISPATCH_MAX_ATTEMPTS give it up.

    While all lines are busy or the provider serves nobody, no attempt is counted: that says nothing about the lead. It
    waits until it is too old (leads.late).
    """
    if error.code == ENGINE_AWAY:
        _mine(order).update(
            status=Dispatch.Status.PENDING,
            due_at=now + timedelta(seconds=settings.ENGINE_RETRY_S),
            reason=error.reason,
            attempts=max(0, order.attempt - 1),
        )
        return
    if error.code == BLOCKED or (get_channel(order.channel).inline and _serves_nobody(order, now=now)):
        _wait_for_provider(order, error, now=now)
        return
    wait_s = settings.DISPATCH_RETRY_S * 2 ** min(order.attempt - 1, 5)
    _put_back(order, error, now=now, wait_s=max(wait_s, getattr(error, "retry_after_s", None) or 0))


def release(order: Order, error: ProviderError, *, now: datetime) -> None:
    """Put a dispatch back to be tried at once, because whoever held it is gone without having sent it."""
    _put_back(order, error, now=now, wait_s=0)


def _serves_nobody(order: Order, *, now: datetime) -> bool:
    """Tell whether the provider has taken nothing of the workspace's lately."""
    taken = Dispatch.objects.filter(
        workspace_id=order.workspace_id, channel=order.channel, status=Dispatch.Status.DONE, lead__is_test=False
    )
    return not taken.filter(finished_at__gte=now - SERVES_WITHIN).exists()


def _wait_for_provider(order: Order, error: ProviderError, *, now: datetime) -> None:
    """Put a dispatch back without counting the attempt, or give it up where it has grown too old."""
    row = Dispatch.objects.filter(pk=order.dispatch_id).first()
    if row is None:
        return
    planned_at = row.planned_at or row.created_at
    if is_too_old(planned_at, now=now):
        fail(order, error, now=now)
        return
    longest_s = FULL_AT_MOST_S if error.code == BLOCKED else AWAY_AT_MOST_S
    wait_s = min(max(settings.DISPATCH_RETRY_S, (now - planned_at).total_seconds() / 4), longest_s)
    wait_s = max(wait_s, getattr(error, "retry_after_s", None) or 0)
    with transaction.atomic(durable=True):
        mine = _mine(order).update(
            status=Dispatch.Status.PENDING,
            due_at=now + timedelta(seconds=wait_s),
            reason=error.reason,
            attempts=max(0, order.attempt - 1),
        )
        # The same hundreds of times over tells nobody more.
        if mine and row.reason != error.reason:
            _journal(order, error, now=now)


def _put_back(order: Order, error: ProviderError, *, now: datetime, wait_s: float) -> None:
    if order.attempt >= settings.DISPATCH_MAX_ATTEMPTS:
        fail(order, error, now=now)
        return
    with transaction.atomic(durable=True):
        mine = _mine(order).update(
            status=Dispatch.Status.PENDING, due_at=now + timedelta(seconds=wait_s), reason=error.reason
        )
        if mine:
            _journal(order, error, now=now)


def deliver(accepted: Accepted, *, undo_refused: bool) -> Sent | None:
    """Send what was just accepted, where its channel sends while the request waits; else set it going.

    None: the promise stands and is kept later (or never: paused, opted out). With `undo_refused` a refusal
    takes the lead back and raises NotSent; without, the lead stays and needs a human.
    """
    order = accepted.order
    channel = get_channel(order.channel)
    if accepted.skipped:
        return None
    if not order.claimed_by:
        channel.announce(order)
        return None
    try:
        return send(order)
    except StillOpen:
        return None
    except NotSent as refusal:
        if not undo_refused:
            fail(order, refusal.cause, now=clock.now())
            return None
        if undo(order, refusal.cause, now=clock.now()):
            raise
        return None


def send_again(log_entry: LogEntry, *, now: datetime) -> UUID:
    """Submit once more what the journal kept of a refused submission. Returns the lead's id.

    Raises leads.intake.DuplicatePhone when the phone came in meanwhile, NotSent when it is refused again.
    """
    if not log_entry.submission:
        raise ValueError("This journal entry holds no submission.")
    submission = Submission(
        workspace_id=log_entry.workspace_id, channel=log_entry.workspace.channel, **log_entry.submission
    )
    accepted = accept_lead(submission, now=now)
    old = LogEntry.objects.filter(pk=log_entry.pk)
    try:
        deliver(accepted, undo_refused=True)
    except NotSent:
        # The new refusal's entry holds the submission now; two would be sent twice, and erased once.
        old.delete()
        raise
    old.update(submission=None, lead_id=accepted.order.lead_id)
    return accepted.order.lead_id


def order_of(dispatch: Dispatch) -> Order:
    """Build the order of a dispatch that was read with its lead."""
    lead = dispatch.lead
    return Order(
        dispatch_id=dispatch.pk,
        lead_id=lead.pk,
        workspace_id=dispatch.workspace_id,
        channel=dispatch.channel,
        is_test=lead.is_test,
        name=lead.name,
        phone=lead.phone,
        email=lead.email,
        goal=lead.goal,
        metadata=lead.metadata or {},
        form_responses=lead.form_responses,
        form_version_id=lead.form_version_id,
        claimed_at=dispatch.claimed_at or dispatch.created_at,
        claimed_by=dispatch.claimed_by,
        attempt=dispatch.attempts,
    )


def as_submitted(order: Order) -> dict[str, Any]:
    """Return the fields of a submission, as `send_again` takes them."""
    names = ("name", "phone", "email", "goal", "metadata", "form_responses", "is_test")
    return {name: getattr(order, name) for name in names}


def _find_out(order: Order, unknown: OutcomeUnknown) -> Sent:
    """Ask until the answer is sure enough: a request that timed out here may still be on its way there."""
    try:
        sent = _look(order, times=settings.DISPATCH_LOOKS)
    except ProviderError as error:
        _journal(order, unknown, now=clock.now())
        raise StillOpen from error
    if sent is not None:
        return sent
    raise NotSent(unknown)


def _look(order: Order, *, times: int) -> Sent | None:
    """Ask the provider for a dispatch, a few seconds apart, before "not there" is believed. Raises ProviderError."""
    for attempt in range(times):
        if attempt:
            time.sleep(settings.DISPATCH_LOOK_AGAIN_S)
        if (sent := get_channel(order.channel).find(order)) is not None:
            return sent
    return None


def _write_down(order: Order, sent: Sent) -> None:
    """Record what the provider took. The database may be away by now: then the worker finds it out again."""
    try:
        _record(_Record(order, sent, clock.now(), request_id.current()))
    except DatabaseError as error:
        log_failure(logger, error, "sent but not recorded, the worker will: dispatch %s", order.dispatch_id)


def _record_all(records: Sequence[_Record]) -> list[None]:
    """Write down many outcomes in one transaction."""
    now = records[0].at
    with transaction.atomic(durable=True):
        for name in {record.order.channel for record in records}:
            pairs = [(record.order, record.sent) for record in records if record.order.channel == name]
            get_channel(name).confirm(pairs, now=now)
        for queued in (False, True):
            ids = [record.order.dispatch_id for record in records if record.sent.queued is queued]
            if ids:
                Dispatch.objects.conclude(ids, queued=queued, at=now)
        entries = [_sent_entry(record) for record in records if not get_channel(record.order.channel).keeps_journal]
        prepared.insert(entries)
    return [None] * len(records)


_record = GroupCommit(_record_all)


def _sent_entry(record: _Record) -> LogEntry:
    channel = get_channel(record.order.channel)
    crossing = Crossing(
        provider=channel.provider,
        operation=channel.operation,
        outcome=LogEntry.Outcome.OK,
        status_code=record.sent.status_code,
        duration_ms=record.sent.duration_ms,
        request=record.sent.request,
        response=record.sent.response,
    )
    return entry(
        crossing,
        workspace_id=record.order.workspace_id,
        lead_id=record.order.lead_id,
        request_id=record.request_id,
        now=record.at,
    )


def _journal(order: Order, error: ProviderError, *, now: datetime, submission: dict[str, Any] | None = None) -> None:
    channel = get_channel(order.channel)
    if channel.keeps_journal and submission is None:
        return
    crossing = Crossing(
        provider=channel.provider,
        operation=channel.operation,
        outcome=_OUTCOMES[type(error).__name__],
        status_code=error.status,
        duration_ms=error.duration_ms,
        request=error.request,
        response=error.body or error.message,
        submission=submission,
    )
    lead_id = None if submission else order.lead_id
    record(crossing, workspace_id=order.workspace_id, lead_id=lead_id, request_id=request_id.current(), now=now)


def _still_mine(order: Order, *, now: datetime) -> bool:
    """Renew a claim that has grown old. False: who slept that long was taken for dead, and another one sends.

    The half of the lease that is left at least is longer than a request to a provider takes.
    """
    if now - order.claimed_at < timedelta(seconds=settings.DISPATCH_LEASE_S / 2):
        return True
    return bool(_mine(order).update(due_at=lease_end(now)))


def _mine(order: Order) -> Any:
    return Dispatch.objects.filter(pk=order.dispatch_id, status=Dispatch.Status.SENDING, claimed_by=order.claimed_by)


def _finish(order: Order, status: Dispatch.Status, *, reason: str, now: datetime) -> bool:
    return bool(_mine(order).update(status=status, reason=reason[:255], finished_at=now))
