"""What leads promises yet: contacts, alerts, erasures at providers."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from leads.models import Alert, Dispatch, Erasure, Lead
from leads.status import change_status
from workspaces.promises import REASON, OpenPromise

NEEDS_A_LOOK = "Restored from a backup: look whether the agent had contacted this lead since."


def open_promises(*, now: datetime) -> Iterable[OpenPromise]:
    """List them, alerts first: what is closed after them makes new ones."""
    # Those that this command makes itself are news, also to a second run of it.
    alerts = Alert.objects.filter(due_at__isnull=False).exclude(reason=NEEDS_A_LOOK)
    yield OpenPromise(
        name="alerts",
        title="E-mail alerts to members",
        closing="not sent",
        rows=alerts,
        close=lambda at: alerts.update(due_at=None, claim=None),
    )
    dispatches = Dispatch.objects.filter(status__in=Dispatch.OPEN)
    yield OpenPromise(
        name="contacts",
        title="Calls and first messages",
        closing="not made; each lead needs a human",
        rows=dispatches,
        close=lambda at: _close_dispatches(dispatches, now=at),
        held=dispatches.filter(status=Dispatch.Status.SENDING, due_at__gt=now),
    )
    erasures = Erasure.objects.all()
    yield OpenPromise(
        name="erasures",
        title="Deletions at providers",
        closing="not asked for any more: what the providers hold stays there",
        rows=erasures,
        close=lambda at: erasures.delete(),
        harmless=True,
    )


def leave_to_humans(lead_ids: Iterable[UUID], *, now: datetime) -> None:
    """Have a person look at leads that nobody has decided about, inside the caller's transaction."""
    for lead_id in lead_ids:
        change_status(lead_id, Lead.Status.NEEDS_HUMAN, now=now, reason=NEEDS_A_LOOK)


def _close_dispatches(rows: QuerySet[Dispatch], *, now: datetime) -> None:
    with transaction.atomic():
        lead_ids = list(rows.values_list("lead_id", flat=True))
        rows.update(status=Dispatch.Status.SKIPPED, reason=REASON, finished_at=now)
        leave_to_humans(lead_ids, now=now)
