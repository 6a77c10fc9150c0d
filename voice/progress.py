"""A call's life: news of it, in whatever order it comes, moves its session forward and never back."""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from voice import outcomes
from voice.models import CallSession
from voice.reasons import classify

logger = logging.getLogger(__name__)

# What an assistant's analysis may hold as true where the lead wants no more calls (docs/vapi.md).
OPT_OUT = "optOut"
# … and where the assistant has promised that somebody calls back.
CALL_BACK = "callBack"
MAX_REASON_CHARS = 160
MAX_SUMMARY_CHARS = 20_000
MAX_TRANSCRIPT_CHARS = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one event, or one look at Vapi, says of a call."""

    status: str = ""
    at: datetime | None = None
    # True: the last word, with exact times; False: an event on the way.
    final: bool = False
    ended_reason: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_s: float | None = None
    cost_usd: Decimal | None = None
    summary: str | None = None
    transcript: str | None = None
    has_recording: bool = False
    # The lead said that it wants no more calls, as far as the assistant's analysis tells.
    opted_out: bool = False
    # The assistant said that somebody calls back, as far as its analysis tells.
    call_back: bool = False


def news_of_status(message: dict[str, Any]) -> News:
    """Read a status-update."""
    return News(
        status=str(message.get("status") or ""),
        at=outcomes.moment(message.get("timestamp")),
        ended_reason=outcomes.words(message.get("endedReason"), limit=MAX_REASON_CHARS),
    )


def news_of_report(message: dict[str, Any]) -> News:
    """Read an end-of-call-report, or a call as GET /call/{id} shows it: old and new places of each value."""
    call = _dict(message.get("call"))
    artifact = _dict(message.get("artifact")) or _dict(call.get("artifact"))
    analysis, call_analysis = _dict(message.get("analysis")), _dict(call.get("analysis"))
    costs = _dict(message.get("costBreakdown")) or _dict(call.get("costBreakdown"))
    started_at = outcomes.moment(message.get("startedAt")) or outcomes.moment(call.get("startedAt"))
    ended_at = outcomes.moment(message.get("endedAt")) or outcomes.moment(call.get("endedAt"))
    duration_s = outcomes.seconds(message.get("durationSeconds"))
    if duration_s is None and started_at and ended_at:
        duration_s = max(0.0, (ended_at - started_at).total_seconds())
    return News(
        status="ended",
        at=outcomes.moment(message.get("timestamp")),
        final=True,
        ended_reason=_first_words(message.get("endedReason"), call.get("endedReason"), limit=MAX_REASON_CHARS),
        started_at=started_at,
        ended_at=ended_at,
        duration_s=duration_s,
        cost_usd=_first(outcomes.dollars(cost) for cost in (message.get("cost"), call.get("cost"), costs.get("total"))),
        summary=_first_words(
            analysis.get("summary"), message.get("summary"), call_analysis.get("summary"), limit=MAX_SUMMARY_CHARS
        ),
        transcript=_first_words(
            artifact.get("transcript"), message.get("transcript"), call.get("transcript"), limit=MAX_TRANSCRIPT_CHARS
        ),
        has_recording=_recorded(artifact) or _recorded(message),
        opted_out=_is_noted(OPT_OUT, analysis, call_analysis, artifact),
        call_back=_is_noted(CALL_BACK, analysis, call_analysis, artifact),
    )


def begin(*, lead_id: UUID, dispatch_id: UUID | None, vapi_call_id: str, now: datetime) -> None:
    """Make the session of a call that an event told of before its 201 did. Safe beside `confirm` doing the same.

    Without a dispatch it is a call of the lead's own. Makes none where the lead is erased in this very moment.
    """
    session = CallSession(
        lead_id=lead_id,
        dispatch_id=dispatch_id,
        inbound=dispatch_id is None,
        vapi_call_id=vapi_call_id,
        created_at=now,
        updated_at=now,
    )
    try:
        CallSession.objects.bulk_create([session], ignore_conflicts=True)
    except IntegrityError:
        logger.info("dispatch %s went while its call was told of", dispatch_id)


def advance(session_id: UUID, news: News, *, now: datetime) -> CallSession | None:
    """Bring a session up to date, in a transaction of its own. None where it is gone."""
    with transaction.atomic(durable=True):
        # On SQLite the transaction itself holds the only write lock.
        session = CallSession.objects.select_for_update().filter(pk=session_id).first()
        if session is None:
            return None
        changed = _move(session, news) | _end(session, news, now=now) | _fill(session, news)
        if changed:
            session.updated_at = now
            session.save(update_fields=[*changed, "updated_at"])
    return session


def _move(session: CallSession, news: News) -> set[str]:
    changed = set()
    if outcomes.RANK.get(news.status, -1) > outcomes.RANK.get(session.vapi_status, -1):
        session.vapi_status = news.status
        changed.add("vapi_status")
    if not session.rang and (news.status in outcomes.RANG or news.duration_s):
        session.rang = True
        changed.add("rang")
    return changed


def _end(session: CallSession, news: News, *, now: datetime) -> set[str]:
    """End it, once. A reason that comes later than the end is still taken."""
    if news.status != "ended":
        return set()
    changed = set()
    if session.status != CallSession.Status.ENDED:
        session.status = CallSession.Status.ENDED
        session.ended_at = news.ended_at or news.at or now
        changed |= {"status", "ended_at"}
    if session.ended_reason is None and news.ended_reason:
        session.ended_reason = news.ended_reason
        changed.add("ended_reason")
    outcome = classify(session.ended_reason or "")
    if session.outcome != outcome:
        session.outcome = outcome
        changed.add("outcome")
    return changed


def _fill(session: CallSession, news: News) -> set[str]:
    """Take what is missing; exact times replace those of the events."""
    changed = set()
    for name in ("started_at", "duration_s", "cost_usd", "summary", "transcript"):
        if getattr(session, name) is None and getattr(news, name) is not None:
            setattr(session, name, getattr(news, name))
            changed.add(name)
    if news.status == "in-progress" and session.started_at is None and news.at:
        session.started_at = news.at
        changed.add("started_at")
    if news.final:
        for name in ("started_at", "ended_at"):
            if (exact := getattr(news, name)) and exact != getattr(session, name):
                setattr(session, name, exact)
                changed.add(name)
    if news.has_recording and not session.has_recording:
        session.has_recording = True
        changed.add("has_recording")
    return changed


def _recorded(artifact: dict[str, Any]) -> bool:
    names = ("recording", "recordingUrl", "stereoRecordingUrl", "presignedMonoUrl", "presignedStereoUrl")
    return any(artifact.get(name) for name in names)


def _is_noted(name: str, analysis: dict[str, Any], call_analysis: dict[str, Any], artifact: dict[str, Any]) -> bool:
    """Look for a boolean that the analysis holds as true: in its structured data, or in a structured output."""
    if any(_dict(each.get("structuredData")).get(name) is True for each in (analysis, call_analysis)):
        return True
    # {id: {"name", "result"}}: one of that name, or an object that holds it.
    outputs = [_dict(output) for output in _dict(artifact.get("structuredOutputs")).values()]
    return any(
        (output.get("name") == name and output.get("result") is True) or _dict(output.get("result")).get(name) is True
        for output in outputs
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _first_words(*values: object, limit: int) -> str | None:
    text: str | None = _first(outcomes.words(value, limit=limit) for value in values)
    return text
