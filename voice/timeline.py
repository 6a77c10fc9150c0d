"""The calls of a lead, for its timeline."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from leads.models import Lead
from leads.timeline import Item
from voice import outcomes, recordings
from voice.models import CallSession
from voice.reasons import is_not_put_through
from voice.withdrawal import SCHEDULED, WITHDRAWN

Outcome = CallSession.Outcome
_GOING_ON = {
    SCHEDULED: _("planned"),
    "queued": _("about to ring"),
    "ringing": _("ringing"),
    "in-progress": _("talking"),
    "forwarding": _("being put through"),
    CallSession.SIMULATED: _("simulated"),
}
_ENDS = {
    "customer-did-not-answer": _("Nobody picked up."),
    "customer-busy": _("The line was busy."),
    "voicemail": _("A voicemail box answered."),
    "customer-ended-call": _("The lead hung up."),
    "silence-timed-out": _("Nobody said anything any more."),
    "exceeded-max-duration": _("The call reached its longest duration."),
    WITHDRAWN: _("It was taken back before it rang."),
    "manually-canceled": _("It was cancelled at Vapi."),
    "call-not-found-at-vapi": _("Vapi doesn't know this call any more."),
    "no-news-from-vapi": _("Vapi has told nothing of how it ended."),
}
_OUTCOMES = {
    Outcome.COMPLETED: _("The conversation came to its end."),
    Outcome.TRANSFERRED: _("The lead was put through to a person."),
    Outcome.NO_ANSWER: _("Nobody picked up."),
    Outcome.VOICEMAIL: _("A voicemail box answered."),
    Outcome.INVALID_NUMBER: _("The number doesn't exist."),
    Outcome.CANCELLED: _("It was cancelled."),
    Outcome.TRANSIENT: _("A passing fault ended it."),
    Outcome.FAILED: _("It failed."),
}


def items(lead: Lead) -> Iterator[Item]:
    """Return the lead's calls, in no order."""
    for session in CallSession.objects.filter(lead_id=lead.pk):
        yield Item(
            at=session.started_at or session.created_at,
            key=f"call-{session.pk}",
            template="voice/_timeline_call.html",
            data=_of_call(session),
        )


def _of_call(session: CallSession) -> dict[str, Any]:
    ended = session.status == CallSession.Status.ENDED
    return {
        "call_id": session.vapi_call_id,
        "inbound": session.inbound,
        "status": session.status,
        "outcome": session.outcome,
        "label": session.get_outcome_display() if ended else _GOING_ON.get(session.vapi_status, session.vapi_status),
        "ended": _how_it_ended(session) if ended else "",
        "ended_reason": session.ended_reason or "",
        "duration": _spoken(session.duration_s),
        "cost": "" if session.cost_usd is None else f"${session.cost_usd:.2f}",
        "summary": session.summary or "",
        "transcript": session.transcript or "",
        "recording": recordings.path(session) if session.has_recording else "",
    }


def _how_it_ended(session: CallSession) -> str:
    reason = session.ended_reason or ""
    if session.outcome == Outcome.ACCOUNT or is_not_put_through(reason):
        return outcomes.explain_end(session)
    words = _ENDS.get(reason) or _OUTCOMES.get(Outcome(session.outcome)) if session.outcome else ""
    return str(words or "")


def _spoken(duration_s: float | None) -> str:
    """Write a duration as 2:07."""
    if not duration_s:
        return ""
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes}:{seconds:02d}"
