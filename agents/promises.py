"""Appointments whose outcome isn't known yet."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from agents.models import Booking
from leads.promises import leave_to_humans
from workspaces.promises import REASON, OpenPromise


def open_promises(*, now: datetime) -> Iterable[OpenPromise]:
    """List bookings that Cal.com would be asked about."""
    rows = Booking.objects.filter(status__in=Booking.UNSETTLED)
    yield OpenPromise(
        name="bookings",
        title="Appointments being booked",
        closing="not settled; each lead needs a human, who looks at Cal.com",
        rows=rows,
        close=lambda at: _close(rows, now=at),
    )


def _close(rows: QuerySet[Booking], *, now: datetime) -> None:
    with transaction.atomic():
        lead_ids = list(rows.values_list("lead_id", flat=True))
        rows.update(status=Booking.Status.FAILED, reason=REASON, updated_at=now)
        leave_to_humans(lead_ids, now=now)
