"""What Vapi's words about a call mean for us."""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_datetime

from voice.models import CallSession
from voice.reasons import SILENCES, advise, classify, is_never_dialled, is_not_connected

Outcome = CallSession.Outcome

# The order of a call's life. An event that would lead backwards came late and changes nothing.
RANK = {
    "scheduled": 0,
    "queued": 1,
    CallSession.SIMULATED: 1,
    "ringing": 2,
    "in-progress": 3,
    "forwarding": 4,
    "ended": 5,
}
RANG = frozenset({"ringing", "in-progress", "forwarding"})
# A line of a transcript that the person on the phone has said.
SPOKEN = re.compile(r"^\s*(?:user|customer)\s*:\s*\S", re.IGNORECASE | re.MULTILINE)


def explain(ended_reason: str) -> str:
    """Say in an operator's words why a call never came about."""
    told = ended_reason or "no reason given"
    return f"Vapi accepted the call and then did not make it ({told}). {advise(ended_reason)}".strip()


def explain_end(session: CallSession) -> str:
    """Say in an operator's words why a call came to nothing, or broke off."""
    reason = session.ended_reason or ""
    told = reason or "no reason given"
    match session.outcome:
        case Outcome.INVALID_NUMBER:
            return f"The phone network doesn't know this number ({told}). Check it before anybody calls again."
        case Outcome.CANCELLED:
            return f"The call was canceled at Vapi before anybody was reached ({told})."
        case Outcome.TRANSFERRED:
            return f"The lead was to be put through to a person and may not have reached one ({told})."
    if session.rang or was_answered(session):
        return f"The call broke off after the phone had rung ({told}). {advise(reason)}".strip()
    if session.outcome == Outcome.FAILED:
        return f"The call ended in a way that Coachbot doesn't know ({told}). Look at the call in Vapi."
    return explain(reason)


def may_dial_again(session: CallSession) -> bool:
    """Tell whether a call surely ended before the phone could ring, by a fault that passes."""
    return (
        session.outcome == Outcome.TRANSIENT
        and not was_answered(session)
        and not session.rang
        and is_not_connected(session.ended_reason or "")
    )


def was_answered(session: CallSession) -> bool:
    """Tell whether there was any talk."""
    return bool(session.duration_s or session.started_at or session.transcript)


def never_came_about(call: dict[str, Any]) -> bool:
    """Tell whether a call of Vapi's list surely ended before the phone could ring, by a fault that passes."""
    reason = words(call.get("endedReason"), limit=160) or ""
    ended = call.get("status") == "ended" and not call.get("startedAt")
    return ended and classify(reason) == Outcome.TRANSIENT and is_never_dialled(reason)


def is_silent(session: CallSession) -> bool:
    """Tell whether somebody, or a machine, picked up and said nothing until the call was ended."""
    return session.ended_reason in SILENCES and not SPOKEN.search(session.transcript or "")


def is_reported(session: CallSession) -> bool:
    """Tell whether the report on a call has come, as far as it holds anything."""
    return not (session.duration_s is None and session.cost_usd is None and session.transcript is None)


def going_on(vapi_status: object) -> str:
    """Return a status for a session that begins; its end is told by an event or by asking."""
    return vapi_status if isinstance(vapi_status, str) and vapi_status in RANK and vapi_status != "ended" else "queued"


def moment(value: object) -> datetime | None:
    """Read Vapi's times: ISO 8601, or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            parsed = parse_datetime(value)
            return None if parsed is None else parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def seconds(value: object) -> float | None:
    """Read a duration; None for what can't be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < 1_000_000 else None


def dollars(value: object) -> Decimal | None:
    """Read a cost in USD; None for what can't be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        cost = Decimal(str(value)).quantize(Decimal("0.0001"))
    except InvalidOperation:
        return None
    return cost if 0 <= cost < 1_000_000 else None


def words(value: object, *, limit: int) -> str | None:
    """Read text that a database can hold; None for anything else and for nothing."""
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode()[:limit].strip() or None
