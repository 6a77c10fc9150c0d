"""What providers still keep of erased leads: remembered with the erasure, deleted by the worker, asked until done.

GDPR art. 17 and 28: erasure reaches who processes data for us.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.utils.module_loading import import_string

from database import clock
from leads.channels import Trace, get_channel
from leads.models import Erasure
from providers.errors import OutcomeUnknown, ProviderError, Unavailable
from workspaces.journal import Crossing, record
from workspaces.models import LogEntry

logger = logging.getLogger(__name__)

# Who claimed a row and died is followed by another one after so long.
LEASE = timedelta(minutes=5)
# What still goes on (a call, a message on its way) is looked at again after so long.
NOT_YET = timedelta(minutes=2)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=30)
OPERATION = "erase"
# No answer, or one that is not about the call or message that was asked about.
_ABOUT_ALL = frozenset({None, 401, 403, 429})


def remember(traces: Iterable[Trace], *, workspace_id: UUID, now: datetime) -> None:
    """Write down what is to be deleted at providers, inside the caller's transaction. Twice is once."""
    Erasure.objects.bulk_create(
        [
            Erasure(
                workspace_id=workspace_id,
                provider=trace.provider,
                reference=trace.reference,
                due_at=now,
                created_at=now,
            )
            for trace in traces
        ],
        ignore_conflicts=True,
    )


def sweep(*, now: datetime, limit: int) -> int:
    """Have what is due deleted. Returns how much is gone now."""
    done = 0
    for row in Erasure.objects.filter(due_at__lte=now).order_by("due_at")[:limit]:
        if not _claim(row, now=now):
            continue
        try:
            done += _erase(row)
        except ProviderError as error:
            _put_off(row, error, now=clock.now())
            if error.status in _ABOUT_ALL:
                # Then its others would fare the same, and keep those of other workspaces waiting.
                others = Erasure.objects.filter(workspace_id=row.workspace_id, provider=row.provider, due_at__lte=now)
                others.update(due_at=now + FIRST_WAIT)
    return done


def _claim(row: Erasure, *, now: datetime) -> bool:
    """Take a row for this worker. False: someone else has it."""
    same = Erasure.objects.filter(pk=row.pk, due_at=row.due_at)
    return same.update(due_at=now + LEASE, attempts=F("attempts") + 1) == 1


def _erase(row: Erasure) -> bool:
    """Ask the provider. True: it is gone there. Raises ProviderError."""
    gone = _eraser(row)(Trace(row.provider, row.reference), workspace_id=row.workspace_id)
    now = clock.now()
    if not gone:
        Erasure.objects.filter(pk=row.pk).update(due_at=now + NOT_YET, reason="it still goes on")
        return False
    Erasure.objects.filter(pk=row.pk).delete()
    _journal(row, LogEntry.Outcome.OK, "erased", now=now)
    return True


def _put_off(row: Erasure, error: ProviderError, *, now: datetime) -> None:
    """Ask again later, each time a little later; give up, loudly, where it was asked for a month."""
    if now - row.created_at >= GIVEN_UP_AFTER:
        Erasure.objects.filter(pk=row.pk).delete()
        logger.error("erasure %s of workspace %s at %s is given up", row.pk, row.workspace_id, row.provider)
        why = (
            f"Given up after {GIVEN_UP_AFTER.days} days: delete it at the provider by hand. Last reason: {_said(error)}"
        )
        _journal(row, LogEntry.Outcome.REJECTED, why, now=now, error=error)
        return
    wait = min(FIRST_WAIT * 2 ** min(row.attempts, 9), LONGEST_WAIT)
    Erasure.objects.filter(pk=row.pk).update(due_at=now + wait, reason=_said(error))
    if not row.attempts:
        _journal(row, _outcome(error), _said(error), now=now, error=error)


def _eraser(row: Erasure) -> Callable[..., bool]:
    if path := settings.TRACE_ERASERS.get(row.provider):
        own: Callable[..., bool] = import_string(path)
        return own
    channels = (get_channel(name) for name in settings.LEAD_CHANNELS)
    return next(channel for channel in channels if channel.keeps_traces_at == row.provider).erase


def _said(error: ProviderError) -> str:
    """Say what went wrong without the provider's words, which may be about a person."""
    return f"{type(error).__name__}, status {error.status}" if error.status else error.reason


def _outcome(error: ProviderError) -> LogEntry.Outcome:
    if isinstance(error, Unavailable):
        return LogEntry.Outcome.UNAVAILABLE
    return LogEntry.Outcome.UNKNOWN if isinstance(error, OutcomeUnknown) else LogEntry.Outcome.REJECTED


def _journal(
    row: Erasure, outcome: LogEntry.Outcome, said: str, *, now: datetime, error: ProviderError | None = None
) -> None:
    """Write down that it was asked for: the provider's id of it, nothing of the person and not which lead it was."""
    crossing = Crossing(
        provider=row.provider,
        operation=OPERATION,
        outcome=outcome,
        status_code=error.status if error else None,
        request={"id": row.reference},
        response=said,
    )
    record(crossing, workspace_id=row.workspace_id, now=now)
