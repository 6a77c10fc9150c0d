"""Calls that wait at Vapi for their hour, and must not be made any more: taken back, or found to have begun."""

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from leads.models import LeadEvent, Suppression
from leads.status import OPEN
from providers import vapi
from providers.errors import ProviderError
from voice.account import caller_of
from voice.models import CallSession
from voice.progress import News, advance, news_of_report
from workspaces.connections import give_back
from workspaces.journal import Crossing, record
from workspaces.models import LogEntry

logger = logging.getLogger(__name__)

SCHEDULED = "scheduled"
WITHDRAWN = "scheduled-call-deleted"
# A call that couldn't be taken back is tried again after so long, and one that was just planned is left so long.
LOOK_AGAIN = timedelta(seconds=20)


def sweep(*, now: datetime, limit: int) -> int:
    """Take back what is due. Returns how many were. Stops at the first that Vapi can't be asked about."""
    done = 0
    for session in _unwanted().filter(updated_at__lte=now - LOOK_AGAIN).order_by("updated_at")[:limit]:
        # Whoever moves the time on has it to do.
        mine = CallSession.objects.filter(pk=session.pk, updated_at=session.updated_at)
        if not mine.update(updated_at=now):
            continue
        try:
            news = _withdraw(session, now=now)
        except ProviderError as error:
            logger.warning("scheduled call session %s can't be taken back: %s", session.pk, type(error).__name__)
            break
        advance(session.pk, news, now=now)
        done += 1
    return done


def _unwanted() -> QuerySet[CallSession]:
    """Match scheduled calls that are not to be made any more.

    Their lead has opted out, was taken over or decided about, or has called meanwhile, or the workspace is paused.
    """
    stopped = Suppression.objects.filter(workspace_id=OuterRef("lead__workspace_id"), phone=OuterRef("lead__phone"))
    moved_on = LeadEvent.objects.filter(
        lead_id=OuterRef("lead_id"), kind=LeadEvent.Kind.STATUS, at__gt=OuterRef("created_at")
    )
    called = CallSession.objects.filter(
        lead_id=OuterRef("lead_id"), inbound=True, outcome="completed", created_at__gt=OuterRef("created_at")
    )
    scheduled = CallSession.objects.filter(status=CallSession.Status.IN_PROGRESS, vapi_status=SCHEDULED)
    return scheduled.select_related("lead").filter(
        Q(lead__taken_over_at__isnull=False)
        | Q(lead__workspace__agent_enabled=False)
        | Q(Exists(stopped))
        | Q(Exists(called))
        # Not one that was asked for by hand after that.
        | (~Q(lead__status__in=OPEN) & Q(Exists(moved_on)))
    )


def _withdraw(session: CallSession, *, now: datetime) -> News:
    """Delete a call that still waits. Returns where it stands then. Raises ProviderError."""
    caller = caller_of(session.lead.workspace_id)
    give_back()
    call = vapi.get_call(api_key=caller.api_key, call_id=session.vapi_call_id)
    if call is None:
        return News(status="ended", ended_reason="call-not-found-at-vapi")
    if call.get("status") == "ended":
        return news_of_report(call)
    if call.get("status") != SCHEDULED:
        # It has begun, and can't be taken out of the lead's ear.
        return News(status=str(call.get("status")))
    vapi.delete_call(api_key=caller.api_key, call_id=session.vapi_call_id)
    crossing = Crossing(
        provider="vapi",
        operation="DELETE /call",
        outcome=LogEntry.Outcome.OK,
        request={"callId": session.vapi_call_id},
        response="The scheduled call was taken back.",
    )
    record(crossing, workspace_id=session.lead.workspace_id, lead_id=session.lead_id, now=now)
    return News(status="ended", ended_reason=WITHDRAWN)
