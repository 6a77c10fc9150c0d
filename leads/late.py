"""What is sent late keeps to quiet hours, a maximum age and a gentle pace.

A fresh submission is answered within seconds, at any hour its workspace allows: somebody waits. One that an outage
held up is another matter: its person may be asleep, may have forgotten it, and hundreds of others are late with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from leads.hours import Hours, hours_of, when_to_call
from leads.models import Dispatch, LatePace
from workspaces.insert_once import insert_once
from workspaces.models import Workspace

# Why a dispatch waits, as its row says it.
QUIET = "quiet_hours"
PACED = "paced"
WORDS = {
    QUIET: _("It is late and waits for the hours in which people may be contacted."),
    PACED: _("It is late. Late contacts are made a few per minute."),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: `until` when, and why. `slot_at` is set where that moment was reserved for this dispatch alone."""

    until: datetime
    reason: str
    slot_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TooOld:
    """Never: nobody wants a call about what they sent that long ago. `reason` is for the operator."""

    reason: str


def judge(dispatch: Dispatch, *, now: datetime) -> Wait | TooOld | None:
    """Say why a dispatch that was read with its lead and workspace is not sent now; None: send it.

    May reserve a slot, which is gone then; so ask once, after claiming the dispatch.
    """
    planned_at = dispatch.planned_at or dispatch.created_at
    if dispatch.lead.is_test or now - planned_at <= timedelta(seconds=settings.LATE_AFTER_S):
        return None
    workspace, phone = dispatch.lead.workspace, dispatch.lead.phone
    opens_at = when_to_call(quiet_hours_of(workspace), phone, at=now)
    if is_too_old(planned_at, now=opens_at):
        return TooOld(_too_old(opens_at - planned_at, waited_for=dispatch.reason))
    if opens_at > now:
        return Wait(opens_at, QUIET)
    slot_at = dispatch.slot_at
    if slot_at is not None and timedelta() <= now - slot_at <= timedelta(seconds=settings.LATE_AFTER_S):
        return None
    slot_at = _reserve(workspace.pk, now=now)
    if slot_at <= now:
        return None
    opens_at = when_to_call(quiet_hours_of(workspace), phone, at=slot_at)
    return Wait(slot_at, PACED, slot_at) if opens_at == slot_at else Wait(opens_at, QUIET)


def is_too_old(planned_at: datetime, *, now: datetime) -> bool:
    """Tell whether a contact that was planned for a moment may no longer be made."""
    return now - planned_at > timedelta(seconds=settings.CONTACT_MAX_AGE_S)


def quiet_hours_of(workspace: Workspace) -> Hours | None:
    """Return the workspace's calling hours or, where it has none, those in which late contacts are made."""
    own = hours_of(workspace)
    if own is not None:
        return own
    since, until = settings.LATE_HOURS
    return None if since == until else Hours(since=since, until=until, timezone=workspace.timezone)


def note_lines(workspace_id: UUID, lines: int) -> None:
    """Remember how many calls the workspace's account makes at the same time, as its provider says."""
    if not insert_once(LatePace(workspace_id=workspace_id, lines=lines)):
        LatePace.objects.filter(workspace_id=workspace_id).exclude(lines=lines).update(lines=lines)


def _reserve(workspace_id: UUID, *, now: datetime) -> datetime:
    """Reserve the next free moment for a late contact of a workspace; any number of workers may ask."""
    while True:
        pace = LatePace.objects.filter(workspace_id=workspace_id).first()
        if pace is None:
            insert_once(LatePace(workspace_id=workspace_id))
            continue
        slot_at = max(now, pace.next_at) if pace.next_at else now
        gap = timedelta(seconds=60 / max(1, pace.lines or settings.LATE_CONTACTS_PER_MINUTE))
        same = LatePace.objects.filter(workspace_id=workspace_id, taken=pace.taken)
        if same.update(next_at=slot_at + gap, taken=F("taken") + 1):
            return slot_at


def _too_old(age: timedelta, *, waited_for: str) -> str:
    hours = round(age.total_seconds() / 3600)
    why = "" if waited_for in {"", *WORDS} else f" Last: {waited_for}"
    return f"Not contacted in time: it was due {hours} hours ago.{why}"[:255]
