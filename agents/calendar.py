"""The workspace's calendar at Cal.com, and the words for times."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings

from agents.prompt import local_time
from leads.models import Lead
from leads.zone import zone_of
from providers.errors import Unavailable
from workspaces.integrations import NotConnected, account
from workspaces.secrets import SecretUnreadable

NOT_CONNECTED = "Cal.com not connected"
UNREACHABLE = (
    "The calendar can't be reached just now. Say so, ask when it would suit the lead, note that with "
    "updateLeadProfile, and call escalateToHuman."
)
# With less than that left nobody is asked any more.
TOO_SHORT_S = 0.3
SPARE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Whose times are free: an account and one of its event types."""

    api_key: str = field(repr=False)
    event_type_id: str


def calendar_of(workspace_id: UUID) -> Calendar:
    """Fetch the calendar now: a disconnect works at once.

    Raises workspaces.integrations.NotConnected, also for an account that is not complete, and Unavailable when our
    encryption key is missing.
    """
    try:
        found = account(workspace_id=workspace_id, provider="calcom")
    except SecretUnreadable as error:
        raise Unavailable("The credentials of Cal.com can't be read: an encryption key is missing.") from error
    api_key, event_type_id = (found.credentials.get(name, "") for name in ("api_key", "event_type_id"))
    if not api_key or not event_type_id:
        raise NotConnected("calcom")
    return Calendar(api_key=api_key, event_type_id=str(event_type_id).strip())


def lead_zone(lead: Lead) -> str:
    """Return the time zone in which a lead is told times."""
    zone = zone_of(lead.phone, fallback=lead.workspace.timezone)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        # A zone that this machine's tables lack must not keep a lead waiting.
        return "UTC"
    return zone


def appointment_of(lead: Lead) -> str | None:
    """Say when a lead's appointment is, in the zone in which it was offered; None where there is none."""
    return local_time(lead.booking_start, timezone=lead_zone(lead)) if lead.booking_start else None


def timeout_s(left_s: float, *, share: float = 1.0) -> float:
    """Return how long a request may take when an answer is due in `left_s`. Raises Unavailable when that is too short.

    `share` is the part of the time that this request may use; the rest is for what follows it.
    """
    if left_s < TOO_SHORT_S:
        raise Unavailable("There was no time left to ask Cal.com.")
    return min(settings.CALCOM_TIMEOUT_S, max(TOO_SHORT_S, (left_s - SPARE_S) * share))


def words(at: datetime, *, timezone: str) -> str:
    """Say a time as people of a zone say it: Monday, June 8, 9:00 AM."""
    local = at.astimezone(ZoneInfo(timezone))
    return f"{local:%A, %B} {local.day}, {local.hour % 12 or 12}:{local:%M %p}"
