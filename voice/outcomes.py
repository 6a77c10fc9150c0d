"""What Vapi's words about a call mean for us."""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_datetime

from voice.models import CallSession

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

# Vapi's endedReason is an open set of some 600: rules for those that matter, first match wins, the rest is `failed`.
# Source: docs.vapi.ai, calls/call-ended-reason and calls/troubleshoot-call-errors.
_RULES: tuple[tuple[Outcome, str], ...] = (
    (Outcome.TRANSFERRED, r"assistant-forwarded-call|customer-ended-call-.*transfer.*|call\.forwarding\..*"),
    (
        Outcome.COMPLETED,
        r"assistant-ended-call(-.*)?|assistant-said-end-call-phrase|customer-ended-call(-.*)?|exceeded-max-duration"
        r"|silence-timed-out|call\.in-progress\.twilio-completed-call|vonage-completed",
    ),
    (Outcome.NO_ANSWER, r"customer-did-not-answer|customer-busy|voicemail"),
    (Outcome.INVALID_NUMBER, r"twilio-reported-customer-misdialed"),
    (
        Outcome.ACCOUNT,
        r"assistant-not-(found|valid)|call-start-error-neither-assistant-nor-server-set|call\.start\.error-get-.*"
        r"|call\.start\.error-subscription-(frozen|insufficient-credits|wallet-does-not-exist|upgrade-failed)"
        r"|call\.start\.error-vapi-number-.*|call\.start\.error-fraud-check-failed",
    ),
    (
        Outcome.TRANSIENT,
        r"call\.start\.error-subscription-concurrency-limit-reached|call\.start\.error-vapifault-.*"
        r"|call\.in-progress\.error-(vapifault|providerfault)-.*|pipeline-error-.*|.*-(llm|voice|transcriber)-failed"
        r"|worker-shutdown|phone-call-provider-closed-websocket|(twilio|vonage)-failed-to-connect-call",
    ),
    (Outcome.CANCELLED, r"manually-canceled|scheduled-call-deleted|call-deleted"),
)
_COMPILED = tuple((outcome, re.compile(rule)) for outcome, rule in _RULES)
_NEVER_DIALLED = re.compile(r"call\.start\..*|(twilio|vonage)-failed-to-connect-call")

# What an operator is told to do about it.
ADVICE: tuple[tuple[str, str], ...] = (
    ("insufficient-credits", "The Vapi account has run out of credits: top it up or switch on auto-reload."),
    ("wallet", "The Vapi account has no way of paying: add one under Billing in Vapi."),
    ("frozen", "The Vapi account is frozen: see Billing in Vapi."),
    ("outbound-daily-limit", "Numbers bought at Vapi may make few calls a day: import a number of your own."),
    ("vapi-number-international", "Numbers bought at Vapi can't call abroad: import a number of your own."),
    ("fraud-check", "Vapi's fraud check stopped the call: ask Vapi's support."),
    ("assistant", "The assistant chosen in settings doesn't exist at Vapi or isn't valid: choose another."),
    ("error-get-", "Vapi can't find what the call needs (assistant, number or customer): check the ids in settings."),
)


def classify(ended_reason: str) -> CallSession.Outcome:
    """Say what a reason for ending means; `failed` for one that no rule knows."""
    return next((outcome for outcome, rule in _COMPILED if rule.fullmatch(ended_reason)), Outcome.FAILED)


def explain(ended_reason: str) -> str:
    """Say in an operator's words why a call never came about."""
    advice = next((text for part, text in ADVICE if part in ended_reason), "")
    return f"Vapi accepted the call and then did not make it ({ended_reason or 'no reason given'}). {advice}".strip()


def may_dial_again(session: CallSession) -> bool:
    """Tell whether a call surely ended before the phone could ring, by a fault that passes."""
    return (
        session.outcome == Outcome.TRANSIENT
        and not was_answered(session)
        and not session.rang
        and _NEVER_DIALLED.fullmatch(session.ended_reason or "") is not None
    )


def was_answered(session: CallSession) -> bool:
    """Tell whether there was any talk."""
    return bool(session.duration_s or session.started_at or session.transcript)


def never_came_about(call: dict[str, Any]) -> bool:
    """Tell whether a call of Vapi's list surely ended before the phone could ring, by a fault that passes."""
    reason = words(call.get("endedReason"), limit=160) or ""
    ended = call.get("status") == "ended" and not call.get("startedAt")
    return ended and classify(reason) == Outcome.TRANSIENT and _NEVER_DIALLED.fullmatch(reason) is not None


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
