"""Vapi's wire: start a call, look at calls, erase one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

from django.conf import settings

from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from providers.http import Answer, send
from webapi.strict_json import NotJson, read_tolerant

START_CALL = "Vapi /call failed"
MAX_LIST_BYTES = 16 * 1024 * 1024
PAGE = 100
# Vapi's words in a 400 that is about the account or its settings.
OF_ACCOUNT = (
    *(
        "assistantid",
        "phonenumberid",
        "couldn't get assistant",
        "couldn't get phone number",
        "daily outbound call limit",
    ),
    *("credit", "wallet", "subscription", "billing", "does not exist"),
)
# Who waits for these is a worker or a person who wants to hear something, not a lead.
LOOK_TIMEOUT_S = 8.0


# No account has more; a number beyond is a mistake.
MAX_LINES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted:
    """Vapi took a call. `concurrency_blocked`: but all its lines are busy, and this one will never ring.

    `lines`: how many calls the account makes at the same time; None where Vapi didn't say.
    """

    call_id: str
    status: str
    concurrency_blocked: bool
    lines: int | None = None
    answer: dict[str, Any] = field(repr=False)
    status_code: int = 201
    duration_ms: int = 0


def place_call(*, api_key: str, payload: Mapping[str, Any]) -> CallStarted:
    """Start one call: one POST, never repeated in here.

    Raises Rejected (4xx), Unavailable (never reached, or 429) and OutcomeUnknown (no answer, 5xx, or a success that
    can't be read). Their message is what the Public API quotes: `Vapi /call failed (<status>): <body, verbatim>`.
    """
    try:
        answer = send("POST", _url(), timeout_s=settings.VAPI_TIMEOUT_S, headers=_headers(api_key), json=payload)
    except ProviderError as error:
        error.message = f"{START_CALL}: {error.message}"
        error.request = payload
        raise
    if not 200 <= answer.status < 300:
        _refuse(answer, f"{START_CALL} ({answer.status}): {answer.body}", request=payload)
    call = _object(answer)
    call_id = call.get("id") if call else None
    if call is None or not isinstance(call_id, str) or not 0 < len(call_id) <= 64:
        raise OutcomeUnknown(
            f"{START_CALL} ({answer.status}): {answer.body}",
            request=payload,
            status=answer.status,
            body=answer.body,
            duration_ms=answer.duration_ms,
        )
    limits = call.get("subscriptionLimits")
    lines = limits.get("concurrencyLimit") if isinstance(limits, dict) else None
    return CallStarted(
        call_id=call_id,
        status=str(call.get("status") or "queued"),
        concurrency_blocked=isinstance(limits, dict) and limits.get("concurrencyBlocked") is True,
        lines=lines if type(lines) is int and 0 < lines <= MAX_LINES else None,
        answer=call,
        status_code=answer.status,
        duration_ms=answer.duration_ms,
    )


def is_about_account(refusal: Rejected) -> bool:
    """Tell whether Vapi refuses every call of an account, not this one alone: the key, its plan, or its ids."""
    if refusal.status in {401, 402, 403}:
        return True
    said = refusal.body.lower()
    return "customer." not in said and any(words in said for words in OF_ACCOUNT)


def list_calls(
    *, api_key: str, created_after: datetime, created_before: datetime | None = None
) -> list[dict[str, Any]]:
    """Fetch one page of at most PAGE calls of a span of time, in Vapi's order (newest first, as far as is known).

    Raises ProviderError when Vapi doesn't answer or answers anything but a list.
    """
    query = {"createdAtGe": _iso(created_after), "limit": str(PAGE)}
    if created_before is not None:
        query["createdAtLe"] = _iso(created_before)
    answer = send(
        "GET",
        _url(),
        timeout_s=LOOK_TIMEOUT_S,
        headers=_headers(api_key),
        query=query,
        max_body_bytes=MAX_LIST_BYTES,
    )
    calls = _json(answer) if answer.status == 200 else None
    if not isinstance(calls, list):
        _refuse(answer, f"Vapi GET /call failed ({answer.status}): {answer.body[:2000]}")
    return [call for call in calls if isinstance(call, dict)]


def get_call(*, api_key: str, call_id: str) -> dict[str, Any] | None:
    """Fetch one call; None where Vapi knows of none. Raises ProviderError when it can't be asked."""
    answer = send(
        "GET", _url(call_id), timeout_s=LOOK_TIMEOUT_S, headers=_headers(api_key), max_body_bytes=MAX_LIST_BYTES
    )
    if answer.status == 404:
        return None
    call = _object(answer) if answer.status == 200 else None
    if call is None:
        _refuse(answer, f"Vapi GET /call failed ({answer.status}): {answer.body[:2000]}")
    return call


def delete_call(*, api_key: str, call_id: str) -> None:
    """Erase a call's data at Vapi, where it still is. Raises ProviderError when that can't be said for sure."""
    answer = send("DELETE", _url(call_id), timeout_s=LOOK_TIMEOUT_S, headers=_headers(api_key))
    if answer.status != 404 and not 200 <= answer.status < 300:
        _refuse(answer, f"Vapi DELETE /call failed ({answer.status}): {answer.body[:2000]}")


def recording_url(*, api_key: str, call_id: str) -> str | None:
    """Ask for the short-lived address of a call's recording; None where there is none. Raises ProviderError."""
    answer = send("GET", f"{_url(call_id)}/mono-recording", timeout_s=LOOK_TIMEOUT_S, headers=_headers(api_key))
    if answer.status == 404:
        return None
    location = answer.headers.get("Location", "")
    if answer.status not in {301, 302, 303, 307, 308} or not location.startswith(("https://", "http://")):
        _refuse(answer, f"Vapi GET /call recording failed ({answer.status})")
    return location


def _url(call_id: str | None = None) -> str:
    base = f"{settings.VAPI_BASE_URL}/call"
    return base if call_id is None else f"{base}/{quote(call_id, safe='')}"


def _headers(api_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _refuse(answer: Answer, message: str, *, request: object = "") -> NoReturn:
    """Raise what an answer that is no success means for what may be done next."""
    told: dict[str, Any] = {
        "status": answer.status,
        "body": answer.body,
        "request": request,
        "duration_ms": answer.duration_ms,
    }
    if answer.status == 429:
        raise Unavailable(message, retry_after_s=_retry_after_s(answer), **told)
    if answer.status < 300 or answer.status >= 500:
        raise OutcomeUnknown(message, **told)
    raise Rejected(message, **told)


def _retry_after_s(answer: Answer) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() else None


def _json(answer: Answer) -> Any:
    try:
        return read_tolerant(answer.body)
    except NotJson:
        return None


def _object(answer: Answer) -> dict[str, Any] | None:
    value = _json(answer)
    return value if isinstance(value, dict) else None
