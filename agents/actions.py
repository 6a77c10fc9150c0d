"""The agent's tools that need no calendar: remember, sort out, hand over, end all contact, say goodbye."""

from typing import Any

from django.db import transaction

from agents.task import Result, Task, done, refused
from database import clock
from leads.channels import get_channel
from leads.models import Lead, Suppression
from leads.status import OPEN, change_status
from leads.suppression import suppress
from workspaces.models import Channel

MAX_NOTES_CHARS = 8000
ASKED_FOR_A_PERSON = "The lead asked for a person."
NO_MORE_CALLS = "Say in one sentence that nobody will call or write to them again, say goodbye and end the call."
NO_MORE_MESSAGES = "The lead gets one confirmation of it. Nothing else you write reaches them."


def update_profile(task: Task) -> Result:
    """Merge what was learned into the profile; notes add up, everything else is replaced by what is newer."""
    if not task.values:
        return refused("Nothing to remember: give at least one value.")
    with transaction.atomic():
        # One after the other: SQLite's transactions are exclusive from their beginning, PostgreSQL locks the row.
        lead = Lead.objects.select_for_update().filter(pk=task.lead.pk).first()
        if lead is None:
            return refused("This lead is no longer known.")
        profile = {**(lead.profile or {}), **task.values}
        if "notes" in task.values:
            profile["notes"] = _noted((lead.profile or {}).get("notes"), task.values["notes"])
        changed: dict[str, Any] = {"profile": profile}
        # What the lead itself submitted stays.
        if "goal" in task.values and not lead.goal:
            changed["goal"] = task.values["goal"]
        Lead.objects.filter(pk=lead.pk).update(**changed, updated_at=clock.now())
    return done(remembered=sorted(task.values))


def mark_unqualified(task: Task) -> Result:
    """Move a lead that is still open to `unqualified`; one that a person or an appointment has, stays there."""
    reason = task.values["reason"]
    if change_status(
        task.lead.pk, Lead.Status.UNQUALIFIED, now=task.now, frm=OPEN, reason=reason, qualification_notes=reason
    ):
        return done(status="unqualified")
    status = Lead.objects.filter(pk=task.lead.pk).values_list("status", flat=True).first()
    if status == Lead.Status.UNQUALIFIED:
        return done(status="unqualified")
    if status == Lead.Status.BOOKED:
        return refused("The lead has an appointment, so it stays qualified. If it must not be kept: escalateToHuman.")
    return refused("A person of the team takes care of this lead already; they decide.")


def escalate_to_human(task: Task) -> Result:
    """Move a lead to `needs_human`, wherever it is: an appointment stays, and somebody looks at the lead."""
    reason = task.values.get("reason") or ASKED_FOR_A_PERSON
    change_status(task.lead.pk, Lead.Status.NEEDS_HUMAN, now=task.now, frm=Lead.Status.values, reason=reason)
    return done(status="needs_human", say="A person of the team will get in touch.")


def opt_out(task: Task) -> Result:
    """Stop every contact with the lead's phone. A test lead has none: the phone may be a real lead's as well."""
    lead, detail = task.lead, task.values.get("reason") or ""
    if lead.is_test:
        return done(say=NO_MORE_CALLS)
    is_call = task.channel == Channel.VOICE
    reason = Suppression.Reason.CALL if is_call else Suppression.Reason.MESSAGE
    with transaction.atomic():
        if suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason=reason, detail=detail, now=task.now):
            get_channel(lead.channel).opted_out(lead, now=task.now)
    return done(say=NO_MORE_CALLS if is_call else NO_MORE_MESSAGES)


def end_conversation(task: Task) -> Result:
    """Agree that it is over."""
    return done(say="Say goodbye, if you have not yet.")


def _noted(before: Any, note: str) -> str:
    """Add a note to those that are there; of too many the newest stay."""
    known = before if isinstance(before, str) else ""
    if note in known:
        return known
    return f"{known}\n{note}".strip()[-MAX_NOTES_CHARS:]
