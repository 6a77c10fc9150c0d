"""Contacting a lead once more: because a person pressed the button, or because nobody picked up."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.channels import get_channel
from leads.hours import when_to_call
from leads.insert import OPTED_OUT, PAUSED
from leads.late import quiet_hours_of
from leads.models import Dispatch, Lead, LeadEvent
from leads.status import OPEN, change_status
from leads.suppression import is_suppressed
from workspaces.insert_once import insert_once

# Why a dispatch is not sent after all, besides those of leads.insert.
TAKEN_OVER = "taken_over"
DECIDED = "decided"
WORDS = {
    OPTED_OUT: gettext_lazy("This phone has opted out. Nobody may call or write to it."),
    PAUSED: gettext_lazy("The agent is paused in this workspace. Switch it on in settings first."),
    TAKEN_OVER: gettext_lazy("A person has taken over this conversation. Hand it back first."),
}


class CannotContact(Exception):
    """This lead is not contacted now; the message tells the operator why."""


def why_not(lead: Lead, *, now: datetime) -> str:
    """Say in an operator's words why a lead can't be contacted again now, "" where it can."""
    if reason := why_not_now(lead):
        return str(WORDS[reason])
    if Dispatch.objects.filter(lead_id=lead.pk, status__in=Dispatch.OPEN).exists():
        return _("This lead is being contacted already.")
    return get_channel(lead.channel).why_not_again(lead.pk)


def contact_again(lead: Lead, *, by_id: Any, now: datetime) -> Dispatch:
    """Promise to contact a lead once more, by hand; the worker sends it. Raises CannotContact."""
    if reason := why_not(lead, now=now):
        raise CannotContact(reason)
    with transaction.atomic():
        dispatch = _promise(lead, due_at=now, now=now, by_hand=True)
        if dispatch is None:
            # Another one was promised, or the lead erased, in this very moment.
            raise CannotContact(_("This lead is being contacted already."))
        LeadEvent.objects.create(lead=lead, kind=LeadEvent.Kind.CALL_AGAIN, at=now, by_id=by_id)
    return dispatch


def retry_unanswered(dispatch_id: UUID, *, now: datetime) -> bool:
    """Plan the next try after nobody picked up, where the workspace wants one; after the last a human is needed.

    May be called any number of times for one dispatch: it is followed by one at most. True: something was changed.
    """
    dispatch = Dispatch.objects.select_related("lead__workspace").filter(pk=dispatch_id).first()
    if dispatch is None or not dispatch.lead.workspace.no_answer_retries:
        return False
    lead = dispatch.lead
    promised = Q(retry_of_id=dispatch_id) | Q(lead_id=lead.pk, status__in=Dispatch.OPEN)
    if why_not_retry(lead) or Dispatch.objects.filter(promised).exists():
        return False
    done = Dispatch.objects.filter(lead_id=lead.pk, retry_of__isnull=False).count()
    if done >= lead.workspace.no_answer_retries:
        reason = f"no answer after {done + 1} calls"
        return change_status(lead.pk, Lead.Status.NEEDS_HUMAN, now=now, reason=reason)
    return _plan(dispatch, attempt=done + 1, now=now)


def why_not_now(lead: Lead) -> str:
    """Say why nobody may be contacted by the agent in this moment, "" where it may. `lead` with its workspace."""
    if is_suppressed(lead.workspace_id, lead.phone):
        return OPTED_OUT
    if not lead.workspace.agent_enabled:
        return PAUSED
    return TAKEN_OVER if lead.taken_over_at is not None else ""


def why_not_retry(lead: Lead) -> str:
    """Say why a lead that didn't pick up is not called again by itself, "" where it is."""
    if reason := why_not_now(lead):
        return reason
    return DECIDED if lead.status not in OPEN or lead.booking_uid else ""


def _plan(dispatch: Dispatch, *, attempt: int, now: datetime) -> bool:
    lead = dispatch.lead
    wait = timedelta(minutes=lead.workspace.no_answer_wait_min)
    due_at = when_to_call(quiet_hours_of(lead.workspace), lead.phone, at=now + wait)
    data = {"attempt": attempt, "of": lead.workspace.no_answer_retries, "at": due_at.isoformat()}
    with transaction.atomic():
        if _promise(lead, due_at=due_at, now=now, retry_of=dispatch, by_hand=dispatch.by_hand) is None:
            # The same end was told twice in the same moment, or somebody else promised a call.
            return False
        LeadEvent.objects.create(lead=lead, kind=LeadEvent.Kind.CALL_RETRY, data=data, at=now)
    return True


def hold_promises(lead_id: UUID) -> bool:
    """Keep others from promising to contact a lead until the caller's transaction ends. False: the lead is gone."""
    rows = Lead.objects.select_for_update(no_key=True).filter(pk=lead_id)
    return bool(list(rows.values_list("pk", flat=True)))


def _promise(
    lead: Lead, *, due_at: datetime, now: datetime, retry_of: Dispatch | None = None, by_hand: bool = False
) -> Dispatch | None:
    """Write the promise down, inside the caller's transaction. None: there is one already, or the lead is gone."""
    dispatch = Dispatch(
        workspace_id=lead.workspace_id,
        lead=lead,
        channel=lead.channel,
        due_at=due_at,
        planned_at=due_at,
        created_at=now,
        retry_of=retry_of,
        by_hand=by_hand,
    )
    return dispatch if hold_promises(lead.pk) and insert_once(dispatch) else None
