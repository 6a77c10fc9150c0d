"""OpenAI's wire: one answer from a model, over /responses or, for servers that lack it, /chat/completions.

Asking reaches nobody, so a request whose outcome is unknown may be repeated; it may be paid for twice. Nothing is
stored at OpenAI: what the model said and which tools it called goes along with the next request, as `items` in the
shape of /responses (whichever flavour is spoken), which the caller keeps.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from django.conf import settings

from providers import http
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from webapi.strict_json import read_tolerant

# Reasoning counts as output, and a reply cut in the middle is of no use.
MAX_OUTPUT_TOKENS = 4000
# /responses repeats the instructions and the tools, which a long offer in another script than Latin makes long.
MAX_ANSWER_BYTES = 1024 * 1024
# A 429 with one of these is an empty purse, not load: asking again changes nothing.
NO_MONEY = frozenset({"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"})
LOAD = frozenset({408, 409, 429, 503})
# These refuse to be asked for reasoning that they don't do.
NO_REASONING = ("gpt-3", "gpt-4", "chatgpt-4")


class Turn(TypedDict):
    """One message of the conversation so far."""

    role: Literal["user", "assistant"]
    content: str


class Tool(TypedDict):
    """Something the model may ask for. `parameters` is a JSON schema as strict mode wants it."""

    name: str
    description: str
    parameters: dict[str, Any]


# The type of an item that is ours, see `note`.
NOTE = "coachbot_note"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were paid for; reasoning counts as output."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Sum two."""
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool that the model wants called. `arguments` is what it wrote: JSON, if all is well."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model wrote, what it cost, and how it looked on the wire. `text` is empty only beside `calls`."""

    text: str
    calls: tuple[Call, ...] = ()
    # The answer as it is to be sent along with the next request.
    items: tuple[dict[str, Any], ...] = ()
    input_tokens: int | None
    output_tokens: int | None
    status_code: int
    request: dict[str, Any]
    response: str
    duration_ms: int

    @property
    def usage(self) -> Usage:
        """What it cost; nothing where the server didn't say."""
        return Usage(self.input_tokens or 0, self.output_tokens or 0)


def write_reply(
    *,
    api_key: str,
    model: str,
    instructions: str,
    turns: Sequence[Turn],
    items: Sequence[dict[str, Any]] = (),
    tools: Sequence[Tool] = (),
    may_call: bool = True,
    max_output_tokens: int = MAX_OUTPUT_TOKENS,
    safety_identifier: str = "",
) -> Reply:
    """Ask the model for its next message, or for the tools it wants called. Nothing is stored at OpenAI.

    `items` follow the turns: earlier answers of this same exchange with the results of their tools (`tool_result`).
    Without `may_call` the model knows of the tools, for it has called some, and answers in words.

    Raises Rejected for a refusal, an empty or cut-off text (each with its `usage`), a bad key, an unknown model, an
    empty purse;
    Unavailable (with `retry_after_s` where it was told) for load; OutcomeUnknown for time-outs and 5xx.
    """
    request = _request(model=model, instructions=instructions, turns=turns, items=items, limit=max_output_tokens)
    request |= _tools(tools, model=model, may_call=may_call) if tools else {}
    if safety_identifier and not _speaks_chat():
        request["safety_identifier"] = safety_identifier
    answer = _ask(api_key=api_key, request=request)
    if answer.status != 200:
        raise _refusal(answer, request=request)
    return _read(answer, request=request)


def tool_result(call_id: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the item that answers a call."""
    return {
        "type": "function_call_output",
        "call_id": call_id,
        "output": json.dumps(result, ensure_ascii=False, separators=(",", ":")),
    }


def note(text: str) -> dict[str, Any]:
    """Return an item by which we tell the model something about what it just wrote."""
    return {"type": NOTE, "text": text}


def unanswered(items: Sequence[Mapping[str, Any]]) -> list[Call]:
    """Return the calls among items that have no result yet, in the order in which the model made them."""
    answered = {item.get("call_id") for item in items if item.get("type") == "function_call_output"}
    return [call for call in _calls_of(items) if call.call_id not in answered]


def last_text(items: Sequence[Mapping[str, Any]]) -> str:
    """Return what the latest answer among items says in words: what follows the last result of a tool."""
    ends = [place for place, item in enumerate(items) if item.get("type") in {"function_call_output", NOTE}]
    return _text_of(items[ends[-1] + 1 :] if ends else items)


def text_beside(items: Sequence[Mapping[str, Any]], name: str) -> str:
    """Return the words of the answer in which a tool of this name was called."""
    answer: list[Mapping[str, Any]] = []
    for item in items:
        if item.get("type") != "function_call_output":
            answer.append(item)
        elif any(call.name == name for call in _calls_of(answer)):
            break
        else:
            answer = []
    return _text_of(answer)


def _speaks_chat() -> bool:
    return bool(settings.OPENAI_API == "chat")


def _request(
    *,
    model: str,
    instructions: str,
    turns: Sequence[Turn],
    items: Sequence[dict[str, Any]],
    limit: int,
) -> dict[str, Any]:
    if _speaks_chat():
        messages = [{"role": "system", "content": instructions}, *turns, *_chat_messages(items)]
        return {"model": model, "messages": messages, "max_completion_tokens": limit}
    said = [*turns, *(_developers(item) if item.get("type") == NOTE else item for item in items)]
    return {"model": model, "instructions": instructions, "input": said, "max_output_tokens": limit, "store": False}


def _tools(tools: Sequence[Tool], *, model: str, may_call: bool) -> dict[str, Any]:
    choice = "auto" if may_call else "none"
    if _speaks_chat():
        listed: list[dict[str, Any]] = [{"type": "function", "function": {**tool, "strict": True}} for tool in tools]
        return {"tools": listed, "tool_choice": choice}
    listed = [{"type": "function", **tool, "strict": True} for tool in tools]
    # What the model thought before it called a tool must come back to it, and is stored nowhere else.
    thoughts = {} if model.startswith(NO_REASONING) else {"include": ["reasoning.encrypted_content"]}
    return {"tools": listed, "tool_choice": choice, **thoughts}


def _developers(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "developer", "content": item["text"]}


def _from_us(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Write what is no part of the model's answer as Chat Completions has it: a tool's result, a note of ours."""
    if item.get("type") == "function_call_output":
        return {"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]}
    return {"role": "system", "content": item["text"]} if item.get("type") == NOTE else None


def _chat_messages(items: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Write items as Chat Completions has them: an answer's words and calls are one message there."""
    answer: dict[str, Any] = {}
    for item in items:
        kind = item.get("type")
        if own := _from_us(item):
            if answer:
                yield answer
                answer = {}
            yield own
            continue
        answer = answer or {"role": "assistant", "content": None}
        if kind == "message":
            answer["content"] = _text_of([item])
        elif kind == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            answer.setdefault("tool_calls", []).append(call)
    if answer:
        yield answer


def _ask(*, api_key: str, request: dict[str, Any]) -> http.Answer:
    try:
        return http.send(
            "POST",
            settings.OPENAI_BASE_URL + ("/chat/completions" if _speaks_chat() else "/responses"),
            timeout_s=settings.OPENAI_TIMEOUT_S,
            headers={"Authorization": f"Bearer {api_key}"},
            json=request,
            max_body_bytes=MAX_ANSWER_BYTES,
        )
    except ProviderError as error:
        error.message = f"OpenAI: {error.message}"
        error.request = request
        raise


def _read(answer: http.Answer, *, request: dict[str, Any]) -> Reply:
    body = _object(answer, request=request)
    try:
        usage = body.get("usage") or {}
        tokens = _count(usage, "input_tokens", "prompt_tokens"), _count(usage, "output_tokens", "completion_tokens")
        said = list(_chat_items(body) if _speaks_chat() else _response_items(body))
        text, calls = _text_of(said), tuple(_calls_of(said))
        if not text and not calls:
            raise Rejected("OpenAI answered with an empty text", code="empty")
    except Rejected as refusal:
        paid = Usage(tokens[0] or 0, tokens[1] or 0)
        details = _details(answer, request=request, code=refusal.code)
        raise Rejected(refusal.message, usage=paid, **details) from None
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise _unreadable(answer, request=request) from error
    return Reply(
        text=text,
        calls=calls,
        items=tuple(said),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        status_code=answer.status,
        request=request,
        response=answer.body,
        duration_ms=answer.duration_ms,
    )


def _response_items(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    status = body.get("status", "completed")
    if status == "failed":
        error = body.get("error") or {}
        raise Rejected(f"OpenAI failed: {error.get('message') or 'no reason given'}", code=str(error.get("code") or ""))
    if status != "completed":
        reason = str((body.get("incomplete_details") or {}).get("reason") or status)
        raise Rejected(f"OpenAI did not finish its text: {reason}", code=reason)
    for item in body["output"]:
        for part in item.get("content") or [] if item.get("type") == "message" else []:
            if part.get("type") == "refusal":
                raise Rejected(f"The model declined: {part.get('refusal') or 'no reason given'}", code="refusal")
        yield _storable(item)


def _chat_items(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    choice = body["choices"][0]
    message = choice["message"]
    if message.get("refusal"):
        raise Rejected(f"The model declined: {message['refusal']}", code="refusal")
    finished = choice.get("finish_reason") or "stop"
    if finished not in {"stop", "tool_calls", "function_call"}:
        raise Rejected(f"OpenAI did not finish its text: {finished}", code=finished)
    if text := message.get("content"):
        content = [{"type": "output_text", "text": text}]
        yield _storable({"type": "message", "role": "assistant", "content": content})
    for call in message.get("tool_calls") or []:
        function = call["function"]
        yield _storable(
            {
                "type": "function_call",
                "call_id": str(call.get("id") or ""),
                "name": function["name"],
                "arguments": function["arguments"],
            }
        )


def _text_of(items: Sequence[Mapping[str, Any]]) -> str:
    parts = [part for item in items if item.get("type") == "message" for part in item.get("content") or []]
    return "".join(part["text"] for part in parts if part.get("type") == "output_text").strip()


def _calls_of(items: Sequence[Mapping[str, Any]]) -> Iterator[Call]:
    for item in items:
        if item.get("type") == "function_call":
            yield Call(call_id=str(item["call_id"]), name=str(item["name"]), arguments=str(item["arguments"]))


def _storable(value: Any) -> Any:
    """Drop what neither a database nor a wire could hold: NULs and half surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _storable(part) for key, part in value.items()}
    return [_storable(part) for part in value] if isinstance(value, list) else value


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    counts = (usage.get(name) for name in names)
    return next((count for count in counts if isinstance(count, int) and count >= 0), None)


def _object(answer: http.Answer, *, request: object) -> dict[str, Any]:
    try:
        body = read_tolerant(answer.body)
    except ValueError as error:
        raise _unreadable(answer, request=request) from error
    if not isinstance(body, dict):
        raise _unreadable(answer, request=request)
    return body


def _refusal(answer: http.Answer, *, request: object) -> ProviderError:
    """Turn an answer that is no 200 into the error it is."""
    try:
        error = read_tolerant(answer.body)["error"]
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
