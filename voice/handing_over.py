"""Calls that came to nothing, or broke off: the lead goes to a human, and the workspace learns what is wrong."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from leads.models import Dispatch, Lead, LeadEvent
from leads.status import OPEN, change_status
from voice import outcomes, reasons
from voice.models import CallSession
from workspaces.faults import mend_fault, note_fault
from workspaces.journal import Crossing, record
from workspaces.models import LogEntry

Outcome = CallSession.Outcome
# Outcomes of a call that may never have come about.
NOTHING = (Outcome.ACCOUNT, Outcome.TRANSIENT, Outcome.INVALID_NUMBER, Outcome.CANCELLED, Outcome.FAILED)
# How a call ends that broke off after it had rung.
BROKEN = (Outcome.ACCOUNT, Outcome.TRANSIENT, Outcome.INVALID_NUMBER, Outcome.FAILED)


def give_up(session: CallSession, held: tuple[Dispatch.Status, ...], *, now: datetime) -> None:
    """Fail the dispatch, hand the lead to a human and say why; whoever comes second does nothing."""
    why = outcomes.explain_end(session)
    with transaction.atomic(durable=True):
        failed = session.dispatches().filter(status__in=held).exclude(other_calls(session))
        if not failed.update(status=Dispatch.Status.FAILED, reason=why[:255], finished_at=now):
            return
        change_status(session.lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=[Lead.Status.NEW], reason=why)
        journal_end(session, why, now=now)
    _note(session, why, now=now)


def hand_over(session: CallSession, *, now: datetime, why: str = "") -> None:
    """Hand the lead of a call that broke off to a human, once. The worker never dials for it again."""
    if not CallSession.objects.filter(undecided(), pk=session.pk).exists():
        return
    why = why or outcomes.explain_end(session)
    with transaction.atomic(durable=True):
        if not change_status(session.lead_id, Lead.Status.NEEDS_HUMAN, now=now, reason=why):
            return
        journal_end(session, why, now=now)
    _note(session, why, now=now)


def undecided() -> Q:
    """Match calls that are the last thing that happened to a lead that is still open: no person has moved it since."""
    later = CallSession.objects.filter(lead_id=OuterRef("lead_id"), created_at__gt=OuterRef("created_at"))
    promised = Dispatch.objects.filter(lead_id=OuterRef("lead_id"), status__in=Dispatch.OPEN)
    by_person = LeadEvent.objects.filter(
        lead_id=OuterRef("lead_id"), kind=LeadEvent.Kind.STATUS, by__isnull=False, at__gte=OuterRef("created_at")
    )
    return Q(~Exists(later), ~Exists(promised), ~Exists(by_person), lead__status__in=OPEN)


def other_calls(session: CallSession) -> Exists:
    """Match a dispatch of which a later call exists: this one no longer decides."""
    later = CallSession.objects.filter(dispatch_id=OuterRef("pk")).exclude(pk=session.pk)
    return Exists(later.exclude(status=CallSession.Status.ENDED, outcome__in=NOTHING))


def journal_end(session: CallSession, why: str, *, now: datetime) -> None:
    """Write down how a call ended that came to nothing."""
    workspace_id = Lead.objects.filter(pk=session.lead_id).values_list("workspace_id", flat=True).get()
    crossing = Crossing(
        provider="vapi",
        operation="call ended",
        direction=LogEntry.Direction.IN,
        outcome=LogEntry.Outcome.REJECTED,
        request={"callId": session.vapi_call_id, "endedReason": session.ended_reason},
        response=why,
    )
    record(crossing, workspace_id=workspace_id, lead_id=session.lead_id, now=now)


def mend(session: CallSession, *, talked: bool) -> None:
    """Take back the notice of a fault that this call disproves: by ringing, or by talk if it was the assistant's."""
    rang = not session.inbound and (session.rang or session.outcome in {Outcome.NO_ANSWER, Outcome.VOICEMAIL})
    if not (talked or rang):
        return
    mend_fault(
        workspace_id=session.lead.workspace_id,
        provider="vapi",
        before=session.created_at,
        # A call that came in says nothing of whether one can be made.
        proves=lambda code: rang or not session.inbound if reasons.is_before_ringing(code) else talked,
    )


def _note(session: CallSession, why: str, *, now: datetime) -> None:
    if session.outcome != Outcome.ACCOUNT:
        return
    reason = session.ended_reason or ""
    advice = reasons.advise(reason)
    note_fault(
        workspace_id=session.lead.workspace_id,
        provider="vapi",
        code=reason,
        reason=f"{advice} ({reason})" if advice else why,
        now=now,
    )
