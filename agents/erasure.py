"""Appointments of erased leads: what lies ahead is called off at Cal.com, whose own record of it stays there."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from agents.calendar import calendar_of
from agents.models import Booking, utc_text
from database import clock
from leads import erasures
from leads.channels import Trace
from leads.models import Lead
from providers import calcom
from providers.errors import Rejected
from workspaces.integrations import NotConnected
from workspaces.journal import Crossing, record
from workspaces.models import LogEntry

CALCOM = "calcom"
TIMEOUT_S = 8.0
# Cal.com's own have 22.
MAX_UID_CHARS = 64
REASON = "The attendee's data was deleted."
LOOK_YOURSELF = (
    "It was not known yet whether Cal.com has this appointment of a deleted lead. Call it off there by hand."
)
MADE = (Booking.Status.BOOKED, Booking.Status.REPLACED)


def forget(lead: Lead) -> None:
    """Remember a lead's appointments that lie ahead, inside the transaction of its erasure; a test lead has none."""
    now = clock.now()
    ahead = Booking.objects.filter(lead_id=lead.pk, lead__is_test=False, start__gt=now)
    uids = ahead.filter(status__in=MADE).values_list("uid", flat=True)
    remember(uids, workspace_id=lead.workspace_id, now=now)
    for start in ahead.filter(status__in=Booking.UNSETTLED).values_list("start", flat=True):
        crossing = Crossing(
            provider=CALCOM,
            operation=erasures.OPERATION,
            outcome=LogEntry.Outcome.UNKNOWN,
            request={"start": utc_text(start)},
            response=LOOK_YOURSELF,
        )
        record(crossing, workspace_id=lead.workspace_id, now=now)


def remember(uids: Iterable[str], *, workspace_id: UUID, now: datetime) -> None:
    """Have appointments called off by the worker."""
    traces = [Trace(CALCOM, uid) for uid in uids if len(uid) <= MAX_UID_CHARS]
    erasures.remember(traces, workspace_id=workspace_id, now=now)


def cancel(trace: Trace, *, workspace_id: UUID) -> bool:
    """Call an appointment off. Raises ProviderError."""
    try:
        api_key = calendar_of(workspace_id).api_key
    except NotConnected:
        raise Rejected("Cal.com is not connected any more.", code="not_connected") from None
    calcom.cancel(api_key=api_key, uid=trace.reference, reason=REASON, now=clock.now(), timeout_s=TIMEOUT_S)
    return True
