"""What the worker does: every promise that a row makes is kept, whoever made it and however it was interrupted.

Any number of workers may run: each row is claimed by a conditional UPDATE before anything is done about it.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from apikeys.models import IdempotentRequest
from database import clock
from leads import costly, dispatch, late
from leads.again import why_not_now, why_not_retry
from leads.channels import get_channel
from leads.insert import COSTLY
from leads.models import Dispatch
from providers.errors import ProviderError, Rejected, Unavailable
from workspaces.models import LogEntry

logger = logging.getLogger(__name__)

Job = Callable[[], None]
Sweep = Callable[..., int]
RETENTION_BATCH = 1000
# Between two batches, so that others get at the database: SQLite has one lock for everybody who writes.
RETENTION_PAUSE_S = 0.05
IDEMPOTENCY_KEPT = timedelta(hours=24)
# Who can't be asked for that long (a key that was revoked, say) will not answer tomorrow either.
ASKED_FOR = timedelta(hours=24)


def claim_jobs(*, by: str, now: datetime, limit: int) -> Iterator[Job]:
    """Claim up to `limit` dispatches, those gone silent first, and yield what is to be done about each.

    A yielded job must be run: its row is claimed.
    """
    left = limit
    for row in Dispatch.objects.stale(now)[:left]:
        if Dispatch.objects.take_over(row.pk, stale=row.due_at, by=by, at=now):
            left -= 1
            yield _job(settle_silent, row.pk, by=by)
    # Who is in a conversation waits for an answer; half of what is free goes to them first.
    for job in _channels_jobs(by=by, now=now, limit=(left + 1) // 2):
        left -= 1
        yield job
    for row in Dispatch.objects.due(now)[:left]:
        if Dispatch.objects.claim(row.pk, by=by, at=now):
            yield _job(send_claimed, row.pk, by=by)


def _channels_jobs(*, by: str, now: datetime, limit: int) -> Iterator[Job]:
    """Claim the channels' own work. One channel's fault does not keep the others from theirs."""
    for name in settings.LEAD_CHANNELS:
        try:
            for job in get_channel(name).claim_jobs(by=by, now=now, limit=limit):
                limit -= 1
                yield job
        except DatabaseError:
            raise
        except Exception:
            logger.exception("jobs of channel %s", name)


def send_claimed(row: Dispatch) -> None:
    """Send a dispatch that this worker has claimed; refused means a human is needed, not reached means later."""
    order = dispatch.order_of(row)
    if reason := reason_to_skip(row):
        dispatch.skip(order, reason=reason, now=clock.now())
        return
    if reason := costly.why_not_dialled(row):
        dispatch.leave_to_person(order, code=COSTLY, reason=reason, now=clock.now())
        return
    match late.judge(row, now=clock.now()):
        case late.TooOld(reason):
            dispatch.give_up(order, reason=reason, now=clock.now())
            return
        case late.Wait() as wait:
            dispatch.put_off(order, wait)
            return
    try:
        dispatch.send(order)
    except dispatch.StillOpen:
        return
    except dispatch.NotSent as refusal:
        if isinstance(refusal.cause, Rejected):
            dispatch.fail(order, refusal.cause, now=clock.now())
        else:
            dispatch.postpone(order, refusal.cause, now=clock.now())


def reason_to_skip(row: Dispatch) -> str:
    """Say why a lead must not be contacted now, "" where it may: asked anew before everything that is sent."""
    return why_not_now(row.lead) if row.retry_of_id is None else why_not_retry(row.lead)


def settle_silent(row: Dispatch) -> None:
    """Ask the provider about a dispatch whose sender went silent: adopt it, or let it be sent again.

    One that can't be asked about for a day needs a human: it may have been sent, so it is not sent again.
    """
    order = dispatch.order_of(row)
    try:
        sent = dispatch.settle(order)
    except dispatch.StillOpen as still_open:
        now = clock.now()
        if isinstance(still_open.__cause__, ProviderError) and now - order.claimed_at >= ASKED_FOR:
            dispatch.fail(order, still_open.__cause__, now=now)
        return
    if sent is None:
        lost = Unavailable("The provider did not have it when it was asked; it is sent again.")
        dispatch.release(order, lost, now=clock.now())


def keep_channels_promises(*, now: datetime, limit: int) -> int:
    """Let each channel, and each of LEAD_SWEEPS, do its own part. One's fault does not keep the others from theirs."""
    sweeps: dict[str, Sweep] = {name: get_channel(name).sweep for name in settings.LEAD_CHANNELS}
    return _do_each(sweeps | _named(settings.LEAD_SWEEPS), now=now, limit=limit)


def send_mail(*, now: datetime, limit: int) -> int:
    """Let each of MAIL_SWEEPS send what is due. A mail server may take its time, so nothing else waits for this."""
    return _do_each(_named(settings.MAIL_SWEEPS), now=now, limit=limit)


def _named(paths: Iterable[str]) -> dict[str, Sweep]:
    return {path: import_string(path) for path in paths}


def _do_each(sweeps: dict[str, Sweep], *, now: datetime, limit: int) -> int:
    done = 0
    for name, sweep in sweeps.items():
        try:
            done += sweep(now=now, limit=limit)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("sweep of %s", name)
    return done


def retire(*, now: datetime, stop: Callable[[], bool] = lambda: False) -> int:
    """Delete all that was kept for a time only, in batches, unless `stop` says to end. Returns how many rows went."""
    old: list[QuerySet[Any]] = [
        LogEntry.objects.filter(created_at__lt=now - timedelta(days=settings.JOURNAL_RETENTION_DAYS)),
        IdempotentRequest.objects.filter(created_at__lt=now - IDEMPOTENCY_KEPT),
    ]
    for path in settings.EXPIRED_ROWS:
        old += import_string(path)(now=now)
    return sum(_retire(rows, stop=stop) for rows in old)


def _retire(rows: QuerySet[Any], *, stop: Callable[[], bool]) -> int:
    gone = 0
    while not stop():
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:RETENTION_BATCH])
        gone += rows.model._default_manager.filter(pk__in=ids).delete()[0] if ids else 0
        if len(ids) < RETENTION_BATCH:
            break
        time.sleep(RETENTION_PAUSE_S)
    return gone


def _job(act: Callable[[Dispatch], None], pk: UUID, *, by: str) -> Job:
    """Act on a row, unless its claim is somebody else's by the time the job gets to it."""

    def run() -> None:
        mine = Dispatch.objects.filter(pk=pk, status=Dispatch.Status.SENDING, claimed_by=by)
        row = mine.select_related("lead__workspace").first()
        if row is not None:
            act(row)

    return run
