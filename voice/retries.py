"""Calls that nobody picked up: the next try, where the workspace wants one."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from leads import again
from leads.models import Dispatch, Lead, LeadEvent, LeadQuerySet, Suppression
from leads.status import OPEN, change_status
from voice.models import CallSession
from voice.outcomes import is_reported
from voice.reasons import SILENCES

Outcome = CallSession.Outcome
PICKED_UP = "the call was answered"
# Who told of an end and died before its next try was planned is made up for by the worker, this long.
MISSED_WITHIN = timedelta(hours=2)
_TALKED = (Outcome.COMPLETED, Outcome.TRANSFERRED)
# It rang for nothing, or a machine answered.
NOBODY = (Outcome.NO_ANSWER, Outcome.VOICEMAIL)
_NO_WORD = Q(
    Q(duration_s__isnull=True) | Q(duration_s=0),
    Q(transcript__isnull=True) | Q(transcript=""),
    started_at__isnull=True,
)
# Nobody said a word; what a machine said is no talk.
_SILENT = Q(outcome=Outcome.VOICEMAIL) | _NO_WORD
_SPOKEN = Q(transcript__icontains="user:") | Q(transcript__icontains="customer:")


def follow_up_unanswered(session: CallSession, *, now: datetime) -> bool:
    """Draw the consequences of a call that nobody answered, once however often it is told. True: there were some."""
    if not _unanswered().filter(pk=session.pk).exists():
        return False
    if session.outcome == Outcome.VOICEMAIL:
        _take_back(session, reason="a machine answered the call", now=now)
    return session.dispatch_id is not None and again.retry_unanswered(session.dispatch_id, now=now)


def follow_up_silent(session: CallSession, *, now: datetime) -> None:
    """Take back that the lead is in conversation, once the report says that nobody spoke. It isn't called again."""
    if is_reported(session):
        _take_back(session, reason="nobody spoke in the call", now=now)


def unreached(leads: LeadQuerySet) -> LeadQuerySet:
    """Keep leads that are still new and whose last call reached nobody."""
    mine = CallSession.objects.filter(lead_id=OuterRef("pk"))
    later = CallSession.objects.filter(lead_id=OuterRef("lead_id"), created_at__gt=OuterRef("created_at"))
    quiet = Q(outcome=Outcome.COMPLETED) & (_NO_WORD | Q(Q(ended_reason__in=SILENCES) & ~_SPOKEN))
    ended = mine.filter(Q(outcome__in=NOBODY) | quiet, status=CallSession.Status.ENDED, inbound=False)
    last = ended.exclude(Exists(later))
    return leads.filter(Exists(last), status=Lead.Status.NEW)


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
    decides = Q(created_at__gt=OuterRef("created_at"), inbound=False) | Q(outcome__in=_TALKED)
    unanswered = CallSession.objects.filter(_SILENT, outcome__in=NOBODY, dispatch__isnull=False)
    return unanswered.exclude(Exists(of_lead.filter(decides)))


def _take_back(session: CallSession, *, reason: str, now: datetime) -> None:
    """Take back that the lead is in conversation, where the agent noted it when somebody, or a machine, picked up."""
    moves = LeadEvent.objects.filter(lead_id=session.lead_id, kind=LeadEvent.Kind.STATUS).order_by("-at", "-pk")
    last = moves.first()
    if last is not None and last.by_id is None and last.data.get("reason") == PICKED_UP:
        change_status(
            session.lead_id,
            Lead.Status.NEW,
            now=now,
            frm=[Lead.Status.IN_CONVERSATION],
            reason=reason,
        )
