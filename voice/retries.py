"""Calls that nobody picked up: the next try, where the workspace wants one."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from leads import again
from leads.models import Dispatch, Lead, LeadEvent, Suppression
from leads.status import OPEN, change_status
from voice.models import CallSession

Outcome = CallSession.Outcome
VOICEMAIL = "voicemail"
PICKED_UP = "the call was answered"
# Who told of an end and died before its next try was planned is made up for by the worker, this long.
MISSED_WITHIN = timedelta(hours=2)
_TALKED = (Outcome.COMPLETED, Outcome.TRANSFERRED)
# Nobody said a word; what a machine said is no talk.
_SILENT = Q(ended_reason=VOICEMAIL) | Q(
    Q(duration_s__isnull=True) | Q(duration_s=0),
    Q(transcript__isnull=True) | Q(transcript=""),
    started_at__isnull=True,
)


def follow_up_unanswered(session: CallSession, *, now: datetime) -> bool:
    """Draw the consequences of a call that nobody answered, once however often it is told. True: there were some."""
    if not _unanswered().filter(pk=session.pk).exists():
        return False
    if session.ended_reason == VOICEMAIL:
        _was_a_machine(session, now=now)
    return again.retry_unanswered(session.dispatch_id, now=now)


def sweep(*, now: datetime, limit: int) -> int:
    """Plan what was missed. Found is only what something follows from, or the same would be found for ever."""
    stopped = Suppression.objects.filter(workspace_id=OuterRef("lead__workspace_id"), phone=OuterRef("lead__phone"))
    promised = Dispatch.objects.filter(lead_id=OuterRef("lead_id"), status__in=Dispatch.OPEN)
    missed = _unanswered().filter(
        updated_at__gte=now - MISSED_WITHIN,
        lead__status__in=OPEN,
        lead__booking_uid__isnull=True,
        lead__taken_over_at__isnull=True,
        lead__workspace__agent_enabled=True,
        lead__workspace__no_answer_retries__gt=0,
        dispatch__retry__isnull=True,
    )
    missed = missed.exclude(Exists(stopped)).exclude(Exists(promised))
    return sum(follow_up_unanswered(session, now=now) for session in missed.order_by("updated_at")[:limit])


def _unanswered() -> QuerySet[CallSession]:
    """Match calls that rang for nothing and are their lead's last; none of a lead that was talked to."""
    of_lead = CallSession.objects.filter(lead_id=OuterRef("lead_id")).exclude(pk=OuterRef("pk"))
    decides = Q(created_at__gt=OuterRef("created_at")) | Q(outcome__in=_TALKED)
    return CallSession.objects.filter(_SILENT, outcome=Outcome.NO_ANSWER).exclude(Exists(of_lead.filter(decides)))


def _was_a_machine(session: CallSession, *, now: datetime) -> None:
    """Take back that the lead is in conversation, where the agent noted it when the machine picked up."""
    moves = LeadEvent.objects.filter(lead_id=session.lead_id, kind=LeadEvent.Kind.STATUS).order_by("-at", "-pk")
    last = moves.first()
    if last is not None and last.by_id is None and last.data.get("reason") == PICKED_UP:
        change_status(
            session.lead_id,
            Lead.Status.NEW,
            now=now,
            frm=[Lead.Status.IN_CONVERSATION],
            reason="a machine answered the call",
        )
