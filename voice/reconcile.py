"""What follows from a call's course for its lead and its dispatch, and what the worker does so that none is forgotten.

All of it is conditional UPDATEs that leave the state they start from: two deliveries at once, or a webhook and the
worker, do nothing twice.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from leads.again import hold_promises, why_not_now
from leads.models import Dispatch, Lead, Suppression
from leads.status import change_status
from leads.suppression import suppress
from providers import vapi
from providers.errors import ProviderError
from voice import callers, outcomes, retries, withdrawal
from voice.account import caller_of
from voice.handing_over import BROKEN, NOTHING, give_up, hand_over, journal_end, mend, other_calls, undecided
from voice.models import CallSession
from voice.progress import News, advance, news_of_report
from voice.reasons import is_not_put_through
from workspaces.connections import give_back

logger = logging.getLogger(__name__)

Outcome = CallSession.Outcome
# Webhooks do this at once; the worker looks for what they missed, also while there was no worker for some hours.
MISSED_WITHIN = timedelta(hours=24)
SIMULATED_FOR = timedelta(seconds=4)
SILENT_FOR = timedelta(hours=2)
GIVEN_UP_AFTER = timedelta(hours=24)
# The report comes seconds after the end, and is told again for a minute; then we ask for it ourselves.
REPORT_AFTER = timedelta(minutes=10)
REPORT_WITHIN = timedelta(hours=3)
LOOKS_PER_SWEEP = 5
# Our own words for how a call ended.
NOT_FOUND = "call-not-found-at-vapi"
NO_NEWS = "no-news-from-vapi"
CALL_BACK = "The agent promised in the call that somebody calls back."
# A late refusal may overtake the 201 that its sender still waits for.
_SENT = (Dispatch.Status.SENDING, Dispatch.Status.DONE)
_SIMULATED_END = News(
    status="ended",
    ended_reason="customer-ended-call",
    duration_s=42.0,
    summary="Simulated call: the lead confirmed the request and asked for a consultation on Tuesday at ten.",
    transcript="AI: Hi, this is a simulated call about your request. Is now a good time?\n"
    "User: Yes, go ahead.\nAI: Would Tuesday at ten suit you?\nUser: Tuesday at ten works.\nAI: Wonderful, goodbye!\n",
)


def follow_up(session: CallSession, *, now: datetime) -> None:
    """Draw the consequences of where a call stands now. May be called any number of times."""
    if session.inbound:
        if not _is_unexplained(session, now=now):
            callers.follow_up(session, talked=_talked(session), now=now)
    elif _is_unexplained(session, now=now):
        _close_dispatch(session, now=now)
    elif session.outcome in NOTHING and not session.rang and not outcomes.was_answered(session):
        _came_to_nothing(session, now=now)
    else:
        _keep(session, now=now)


def take_news(session_id: UUID, news: News, *, now: datetime) -> CallSession | None:
    """Bring a call up to date and draw the consequences. None where it is gone."""
    session = advance(session_id, news, now=now)
    if session is None:
        return None
    if news.opted_out:
        lead = session.lead
        suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason=Suppression.Reason.CALL, now=now)
    follow_up(session, now=now)
    if news.call_back:
        hand_over(session, why=CALL_BACK, now=now)
    return session


def sweep(*, now: datetime, limit: int) -> int:
    """Do the worker's part. Returns how many calls it brought forward."""
    kept = _end_simulated(now=now, limit=limit) + _catch_up(now=now, limit=limit)
    kept += retries.sweep(now=now, limit=limit) + withdrawal.sweep(now=now, limit=min(limit, LOOKS_PER_SWEEP))
    return kept + _ask_vapi(now=now, limit=min(limit, LOOKS_PER_SWEEP))


def _came_to_nothing(session: CallSession, *, now: datetime) -> None:
    """The phone can't have rung, as far as is known: dial again where that passes, else leave it to a human."""
    if session.outcome == Outcome.CANCELLED:
        if not _was_wanted_off(session):
            give_up(session, _SENT, now=now)
    elif session.outcome != Outcome.TRANSIENT:
        give_up(session, _SENT, now=now)
    elif outcomes.may_dial_again(session) and _attempts_left(session):
        _dial_again(session, now=now)
    else:
        give_up(session, (Dispatch.Status.DONE,), now=now)


def _keep(session: CallSession, *, now: datetime) -> None:
    """The call is real: nobody undoes or repeats its dispatch, and who talked is in conversation."""
    _close_dispatch(session, now=now)
    talked = _talked(session)
    if talked:
        new = [Lead.Status.NEW]
        change_status(session.lead_id, Lead.Status.IN_CONVERSATION, now=now, frm=new, reason=retries.PICKED_UP)
    if session.status != CallSession.Status.ENDED:
        return
    mend(session, talked=talked)
    if session.outcome in retries.NOBODY:
        retries.follow_up_unanswered(session, now=now)
    elif outcomes.is_silent(session):
        retries.follow_up_silent(session, now=now)
    elif _needs_human(session, talked=talked):
        hand_over(session, now=now)


def _needs_human(session: CallSession, *, talked: bool) -> bool:
    """Tell whether a call that rang ended in a way after which somebody has to look at the lead."""
    if session.outcome == Outcome.CANCELLED:
        return not talked and not _was_wanted_off(session)
    return session.outcome in BROKEN or is_not_put_through(session.ended_reason or "")


def _close_dispatch(session: CallSession, *, now: datetime) -> None:
    held = session.dispatches().filter(status__in=Dispatch.OPEN)
    held.update(status=Dispatch.Status.DONE, reason="", finished_at=now)


def _talked(session: CallSession) -> bool:
    if session.vapi_status in {"in-progress", "forwarding"}:
        return True
    if outcomes.is_silent(session):
        return False
    return outcomes.was_answered(session) and session.outcome in {Outcome.COMPLETED, Outcome.TRANSFERRED}


def _is_unexplained(session: CallSession, *, now: datetime) -> bool:
    """Tell whether a call has ended, and why is still to be told: by an event, or by asking for it."""
    is_open = session.outcome == Outcome.FAILED and not session.ended_reason and not outcomes.is_reported(session)
    # By our own clock: Vapi's may be another.
    return is_open and session.updated_at > now - REPORT_WITHIN


def _was_wanted_off(session: CallSession) -> bool:
    """Tell whether a call was called off because the lead is not to be called, or needs no call."""
    lead = Lead.objects.select_related("workspace").get(pk=session.lead_id)
    return lead.status != Lead.Status.NEW or bool(why_not_now(lead))


def _dial_again(session: CallSession, *, now: datetime) -> None:
    """Put the dispatch back for a later try, unless the lead is being contacted or was decided about meanwhile.

    Not at once: news that it did ring may still be under way, and takes this back (see `_keep`).
    """
    why = f"Vapi could not start the call ({session.ended_reason}); it is tried again."
    wait_s = max(settings.DISPATCH_RETRY_S, 15)
    undecided = Exists(Lead.objects.filter(pk=OuterRef("lead_id"), status=Lead.Status.NEW))
    # No join: Django would move the state into a subquery, which a waiting UPDATE does not look at again.
    again = session.dispatches().filter(undecided, status=Dispatch.Status.DONE)
    again = again.exclude(other_calls(session))
    others = Dispatch.objects.filter(lead_id=session.lead_id, status__in=Dispatch.OPEN)
    with transaction.atomic(durable=True):
        # Somebody may press "Call again" in this very moment: then that is the later try. The dispatch first, as in
        # leads.erasure.
        list(session.dispatches().select_for_update())
        hold_promises(session.lead_id)
        if others.exists() or not again.update(
            status=Dispatch.Status.PENDING,
            reason=why[:255],
            due_at=now + timedelta(seconds=wait_s),
            finished_at=None,
        ):
            return
        journal_end(session, why, now=now)


def _attempts_left(session: CallSession) -> bool:
    attempts = session.dispatches().values_list("attempts", flat=True).first()
    return attempts is not None and attempts < settings.DISPATCH_MAX_ATTEMPTS


def _end_simulated(*, now: datetime, limit: int) -> int:
    """Let test leads' calls end some seconds after they began, as real ones do."""
    due = CallSession.objects.filter(
        status=CallSession.Status.IN_PROGRESS, vapi_status=CallSession.SIMULATED, updated_at__lte=now - SIMULATED_FOR
    )
    rows = list(due.order_by("updated_at").values_list("pk", "created_at")[:limit])
    for pk, began_at in rows:
        session = advance(pk, replace(_SIMULATED_END, started_at=began_at), now=now)
        if session is not None:
            _keep(session, now=now)
    return len(rows)


def _catch_up(*, now: datetime, limit: int) -> int:
    """Act on calls that came to nothing, or broke off, and whose consequences nobody has drawn.

    Finds only calls from which something follows, or it would find the same ones in every sweep.
    """
    rang = Q(rang=True) | Q(duration_s__gt=0) | Q(started_at__isnull=False) | Q(transcript__isnull=False)
    others = CallSession.objects.filter(dispatch_id=OuterRef("dispatch_id")).exclude(pk=OuterRef("pk"))
    decides = others.exclude(status=CallSession.Status.ENDED, outcome__in=NOTHING)
    promised = Dispatch.objects.filter(lead_id=OuterRef("lead_id"), status__in=Dispatch.OPEN)
    of_account = Q(outcome=Outcome.ACCOUNT) | Q(lead__status=Lead.Status.NEW)
    never_came = of_account & Q(dispatch__status=Dispatch.Status.DONE) & ~Exists(decides) & ~Exists(promised)
    unexplained = Q(outcome=Outcome.FAILED, ended_reason__isnull=True, updated_at__gt=now - REPORT_WITHIN)
    missed = CallSession.objects.filter(
        (~rang & never_came) | (rang & undecided()), outcome__in=BROKEN, updated_at__gte=now - MISSED_WITHIN
    )
    sessions = list(missed.exclude(unexplained).order_by("updated_at")[:limit])
    for session in sessions:
        follow_up(session, now=now)
    return len(sessions)


def _ask_vapi(*, now: datetime, limit: int) -> int:
    """Ask about calls that should have ended long ago, or ended and were never reported on.

    Stops at the first that can't be asked about.
    """
    silent = CallSession.objects.filter(
        status=CallSession.Status.IN_PROGRESS, updated_at__lte=now - SILENT_FOR
    ).exclude(vapi_status=CallSession.SIMULATED)
    unreported = CallSession.objects.filter(
        CallSession.UNREPORTED, updated_at__lte=now - REPORT_AFTER, ended_at__gte=now - REPORT_WITHIN
    ).exclude(ended_reason__in=[NOT_FOUND, NO_NEWS])
    kept = 0
    for session in [
        session
        for rows in (silent, unreported)
        for session in rows.select_related("lead").order_by("updated_at")[:limit]
    ]:
        # Whoever moves the time on has the looking to do; a call that can't be asked about waits for its next turn.
        mine = CallSession.objects.filter(pk=session.pk, updated_at=session.updated_at)
        if not mine.update(updated_at=now):
            continue
        try:
            news = _ask(session, now=now)
        except ProviderError as error:
            logger.warning("call session %s can't be asked about: %s", session.pk, type(error).__name__)
            if session.status == CallSession.Status.ENDED or now - session.created_at < GIVEN_UP_AFTER:
                break
            news = News(status="ended", ended_reason=NO_NEWS)
        if news is not None and take_news(session.pk, news, now=now) is not None:
            kept += 1
    return kept


def _ask(session: CallSession, *, now: datetime) -> News | None:
    """Look at a call. None: it goes on. Raises ProviderError."""
    caller = caller_of(session.lead.workspace_id)
    give_back()
    call = vapi.get_call(api_key=caller.api_key, call_id=session.vapi_call_id)
    if call is None:
        return News(status="ended", ended_reason=NOT_FOUND)
    if call.get("status") != "ended":
        return None
    news = news_of_report(call)
    return news if news.ended_reason or session.ended_reason else replace(news, ended_reason=NO_NEWS)
