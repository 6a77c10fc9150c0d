"""OpenAI's wire: one answer from a model, over /responses or, for servers that lack it, /chat/completions.

Asking reaches nobody, so a request whose outcome is unknown may be repeated; it may be paid for twice.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from django.conf import settings

from providers import http
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable

# Reasoning counts as output, and a reply cut in the middle is of no use.
MAX_OUTPUT_TOKENS = 2000
# A 429 with one of these is an empty purse, not load: asking again changes nothing.
NO_MONEY = frozenset({"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"})
LOAD = frozenset({408, 409, 429, 503})


class Turn(TypedDict):
    """One message of the conversation so far."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model wrote, what it cost, and how it looked on the wire. `text` is never empty."""

    text: str
    input_tokens: int | None
    output_tokens: int | None
    status_code: int
    request: dict[str, Any]
    response: str
    duration_ms: int


def write_reply(
    *,
    api_key: str,
    model: str,
    instructions: str,
    turns: Sequence[Turn],
    max_output_tokens: int = MAX_OUTPUT_TOKENS,
    safety_identifier: str = "",
) -> Reply:
    """Ask the model for its next message. Nothing is stored at OpenAI.

    Raises Rejected for a refusal, an empty or cut-off text, a bad key, an unknown model, an empty purse;
    Unavailable (with `retry_after_s` where it was told) for load; OutcomeUnknown for time-outs and 5xx.
    """
    chat = settings.OPENAI_API == "chat"
    request: dict[str, Any]
    if chat:
        messages = [{"role": "system", "content": instructions}, *turns]
        request = {"model": model, "messages": messages, "max_completion_tokens": max_output_tokens}
    else:
        request = {
            "model": model,
            "instructions": instructions,
            "input": list(turns),
            "max_output_tokens": max_output_tokens,
            "store": False,
        }
        if safety_identifier:
            request["safety_identifier"] = safety_identifier
    answer = _ask("/chat/completions" if chat else "/responses", api_key=api_key, request=request)
    if answer.status != 200:
        raise _refusal(answer, request=request)
    body = _object(answer, request=request)
    try:
        text, usage = _chat_text(body) if chat else _response_text(body)
    except Rejected as said:
        raise Rejected(said.message, **_details(answer, request=request, code=said.code)) from None
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise _unreadable(answer, request=request) from error
    return Reply(
        text=text,
        input_tokens=_count(usage, "input_tokens", "prompt_tokens"),
        output_tokens=_count(usage, "output_tokens", "completion_tokens"),
        status_code=answer.status,
        request=request,
        response=answer.body,
        duration_ms=answer.duration_ms,
    )


def _ask(path: str, *, api_key: str, request: dict[str, Any]) -> http.Answer:
    try:
        return http.send(
            "POST",
            settings.OPENAI_BASE_URL + path,
            timeout_s=settings.OPENAI_TIMEOUT_S,
            headers={"Authorization": f"Bearer {api_key}"},
            json=request,
        )
    except ProviderError as error:
        error.message = f"OpenAI: {error.message}"
        error.request = request
        raise


def _response_text(body: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
    status = body.get("status", "completed")
    if status == "failed":
        error = body.get("error") or {}
        raise Rejected(f"OpenAI failed: {error.get('message') or 'no reason given'}", code=str(error.get("code") or ""))
    if status != "completed":
        reason = str((body.get("incomplete_details") or {}).get("reason") or status)
        raise Rejected(f"OpenAI did not finish its text: {reason}", code=reason)
    parts = [part for item in body["output"] if item.get("type") == "message" for part in item.get("content") or []]
    refusals = [part for part in parts if part.get("type") == "refusal"]
    if refusals:
        raise Rejected(f"The model declined: {refusals[0].get('refusal') or 'no reason given'}", code="refusal")
    text = "".join(part["text"] for part in parts if part.get("type") == "output_text")
    return _not_empty(text), body.get("usage") or {}


def _chat_text(body: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
    choice = body["choices"][0]
    message = choice["message"]
    if message.get("refusal"):
        raise Rejected(f"The model declined: {message['refusal']}", code="refusal")
    finished = choice.get("finish_reason") or "stop"
    if finished != "stop":
        raise Rejected(f"OpenAI did not finish its text: {finished}", code=finished)
    return _not_empty(message.get("content") or ""), body.get("usage") or {}


def _not_empty(text: str) -> str:
    # Half a surrogate pair is no text that a database or a wire could hold.
    text = text.replace("\x00", "").encode("utf-8", "replace").decode().strip()
    if not text:
        raise Rejected("OpenAI answered with an empty text", code="empty")
    return text


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    counts = (usage.get(name) for name in names)
    return next((count for count in counts if isinstance(count, int) and count >= 0), None)


def _object(answer: http.Answer, *, request: object) -> dict[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError as error:
        raise _unreadable(answer, request=request) from error
    if not isinstance(body, dict):
        raise _unreadable(answer, request=request)
    return body


def _refusal(answer: http.Answer, *, request: object) -> ProviderError:
    """Turn an answer that is no 200 into the error it is."""
    try:
        error = json.loads(answer.body)["error"]
        said, code = str(error["message"]), str(error.get("code") or error.get("type") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        said, code = "no reason given", ""
    message = f"OpenAI refused ({answer.status}): {said}"
    details = _details(answer, request=request, code=code)
    if answer.status in LOAD and code not in NO_MONEY:
        return Unavailable(message, retry_after_s=_retry_after_s(answer.headers), **details)
    if answer.status >= 500:
        return OutcomeUnknown(f"OpenAI failed ({answer.status}): {said}", **details)
    return Rejected(message, **details)


def _unreadable(answer: http.Answer, *, request: object) -> OutcomeUnknown:
    return OutcomeUnknown("OpenAI's answer could not be read", **_details(answer, request=request))


def _details(answer: http.Answer, *, request: object, code: str = "") -> dict[str, Any]:
    return {
        "status": answer.status,
        "body": answer.body,
        "code": code,
        "request": request,
        "duration_ms": answer.duration_ms,
    }


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read `retry-after-ms` or `retry-after` (seconds; a date is not worth the trouble), at most an hour."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait_s = float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
        if 0 <= wait_s < float("inf"):
            return min(wait_s, 3600.0)
    return None
