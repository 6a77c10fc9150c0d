"""Calls that another call might follow."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from leads.promises import leave_to_humans
from leads.status import OPEN
from voice.models import CallSession
from voice.reconcile import MISSED_WITHIN
from workspaces.promises import OpenPromise


def open_promises(*, now: datetime) -> Iterable[OpenPromise]:
    """List calls that go on, or that nobody answered lately, of leads that the agent may still call."""
    recent = Q(outcome__in=[CallSession.Outcome.NO_ANSWER, CallSession.Outcome.VOICEMAIL])
    recent &= Q(updated_at__gte=now - MISSED_WITHIN, dispatch__retry__isnull=True)
    rows = CallSession.objects.filter(
        Q(status=CallSession.Status.IN_PROGRESS) | recent, lead__status__in=OPEN, lead__is_test=False
    )
    yield OpenPromise(
        name="calls",
        title="Calls that may be followed by another",
        closing="not followed; each lead needs a human",
        rows=rows,
        close=lambda at: leave_to_humans(list(rows.values_list("lead_id", flat=True).distinct()), now=at),
    )
