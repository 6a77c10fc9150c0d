"""The hours in which a lead may be called, as the clock stands where the lead is.

Source of the rule: 47 CFR 64.1200 (c) (1), the called party's local time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leads.zone import zones_of
from workspaces.models import Workspace

Span = tuple[datetime, datetime]
DAYS_AHEAD = 8
# With less left than this nobody would pick up in time.
LEAST_LEFT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A workspace's calling hours; `since` after `until` means over midnight. `timezone` is the workspace's."""

    since: time
    until: time
    timezone: str


def hours_of(workspace: Workspace) -> Hours | None:
    """Return the hours of a workspace; None where it calls at any. One end that is missing is midnight."""
    since, until = workspace.calling_from or time(), workspace.calling_until or time()
    return None if since == until else Hours(since=since, until=until, timezone=workspace.timezone)


def next_span(hours: Hours, phone: str, *, at: datetime) -> Span:
    """Return the first span of time from `at` on in which a phone (E.164) may be called, in UTC.

    A number that may be in several zones is called when the hours hold in all of them; where they never do, or the
    number tells nothing, the workspace's zone counts.
    """
    for zones in (_zones(phone, own=hours.timezone), [_zone(hours.timezone) or ZoneInfo("UTC")]):
        for since, until in _common(hours, zones, at=at):
            if since > at or until - at >= LEAST_LEFT:
                return max(since, at), until
    # A day whose hours the clocks leave out altogether is followed by one that has them.
    raise AssertionError("no calling hours within days")


def when_to_call(hours: Hours | None, phone: str, *, at: datetime) -> datetime:
    """Return the moment from `at` on at which a phone may be called: `at` itself within the hours."""
    return at if hours is None else next_span(hours, phone, at=at)[0]


def _zones(phone: str, *, own: str) -> list[ZoneInfo]:
    found = [_zone(name) for name in zones_of(phone, own=own)]
    # One that our tables lack could be anywhere.
    return [zone for zone in found if zone] if all(found) else []


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _common(hours: Hours, zones: Iterable[ZoneInfo], *, at: datetime) -> list[Span]:
    """List the spans in which the hours hold in every zone; none for no zones."""
    day = at.astimezone(UTC).date()
    days = [day + timedelta(days=n) for n in range(-2, DAYS_AHEAD)]
    common: list[Span] | None = None
    for spans in {tuple(_spans(hours, zone, days)) for zone in zones}:
        common = list(spans) if common is None else _both(common, spans)
    return common or []


def _spans(hours: Hours, zone: ZoneInfo, days: Iterable[date]) -> Iterable[Span]:
    for day in days:
        last = day if hours.since < hours.until else day + timedelta(days=1)
        # In UTC, because Python compares two times of one zone by the wall clock, which DST turns back.
        since, until = (
            datetime.combine(on, wall, tzinfo=zone).astimezone(UTC)
            for on, wall in ((day, hours.since), (last, hours.until))
        )
        if since < until:
            yield since, until


def _both(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    shared = ((max(one[0], other[0]), min(one[1], other[1])) for one in some for other in others)
    return sorted(span for span in shared if span[0] < span[1])
