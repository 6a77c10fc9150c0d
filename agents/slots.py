"""Free times for a consultation, few enough to be said aloud."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from agents.calendar import NOT_CONNECTED, UNREACHABLE, Calendar, calendar_of, lead_zone, timeout_s, words
from agents.journal import LIST_SLOTS, journal_answer, journal_error
from agents.models import utc_text
from agents.set_up import has_slots, leave_to_human
from agents.task import Result, Task, done, refused
from providers import calcom
from providers.errors import ProviderError, Rejected
from workspaces.connections import give_back
from workspaces.integrations import NotConnected

DAYS_AHEAD = 7
MAX_DAYS_AHEAD = 30
MAX_A_DAY = 4
MAX_SLOTS = 20
SOME = "These are some of the free times. If the lead wishes for another one, try bookConsult with it."
NONE = "There is no free time in these days. Look further ahead (daysAhead up to 30), or call escalateToHuman."


def list_slots(task: Task) -> Result:
    """Answer the tool: times in the lead's zone, each with the `start` that bookConsult takes."""
    try:
        calendar = calendar_of(task.lead.workspace_id)
        zone = lead_zone(task.lead)
        days = min(max(task.values.get("daysAhead", DAYS_AHEAD), 1), MAX_DAYS_AHEAD)
        free = free_times(task, calendar, zone=zone, days=days)
    except NotConnected:
        return refused(NOT_CONNECTED)
    except Rejected as error:
        return leave_to_human(task, error) if calcom.is_about_account(error) else refused(UNREACHABLE)
    except ProviderError:
        return refused(UNREACHABLE)
    has_slots(task.lead, now=task.now)
    shown = speakable(free, zone=zone)
    note = NONE if not shown else SOME if len(shown) < len(free) else ""
    return done(timezone=zone, slots=shown, **({"note": note} if note else {}))


def alternatives(task: Task, calendar: Calendar, *, zone: str, instead_of: datetime) -> list[dict[str, Any]]:
    """Return other times than one that is gone; none where there is no time left to ask."""
    try:
        free = free_times(task, calendar, zone=zone, days=DAYS_AHEAD)
    except ProviderError:
        return []
    return speakable([start for start in free if start != instead_of], zone=zone)


def free_times(task: Task, calendar: Calendar, *, zone: str, days: int) -> list[datetime]:
    """Ask Cal.com for what is free from now on. Raises ProviderError, which is in the journal by then."""
    today = task.now.astimezone(ZoneInfo(zone)).date()
    give_back()
    try:
        slots = calcom.list_slots(
            api_key=calendar.api_key,
            event_type_id=calendar.event_type_id,
            first=today,
            last=today + timedelta(days=days),
            timezone=zone,
            timeout_s=timeout_s(task.left_s()),
        )
    except ProviderError as error:
        journal_error(task.lead, LIST_SLOTS, error, now=task.now)
        raise
    journal_answer(task.lead, LIST_SLOTS, slots.wire, now=task.now)
    return [start for start in slots.starts if start > task.now]


def speakable(free: Iterable[datetime], *, zone: str) -> list[dict[str, Any]]:
    """Choose a handful a day, spread over it, and say them in words."""
    chosen: list[datetime] = []
    for _day, starts in groupby(free, key=lambda start: start.astimezone(ZoneInfo(zone)).date()):
        chosen += _spread(list(starts), MAX_A_DAY)
    return [{"start": utc_text(start), "words": words(start, timezone=zone)} for start in chosen[:MAX_SLOTS]]


def _spread(starts: list[datetime], count: int) -> list[datetime]:
    """Keep the first, the last and some in between."""
    if len(starts) <= count:
        return starts
    return [starts[place * (len(starts) - 1) // (count - 1)] for place in range(count)]
