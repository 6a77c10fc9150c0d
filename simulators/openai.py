"""OpenAI: the Responses API and Chat Completions, scripted or with a friendly default."""

import asyncio
import json
import re
import time
import uuid
from typing import Any

from aiohttp import web

from simulators.openai_agent import default_entry, schema_problem, with_slot
from simulators.replies import JsonDict, bearer_of, json_body, json_reply, names
from simulators.state import State

NAME = re.compile(
    r"(?:first[ _-]?name|firstName|lead(?:'s)? name|\bname)\b[\"'*]*\s*(?:is|[:=])\s*[\"'*]*([A-ZÀ-Þ][\w'’-]*)",
    re.IGNORECASE,
)
SENTENCES = (
    "Hi{name}! Thanks for reaching out. What would you like to achieve first?",
    "Great to hear{name}! Would a short call on Tuesday or Wednesday suit you better?",
    "Perfect{name}, that works. Which email address should the invitation go to?",
    "Thank you{name}! You are all set. Is there anything else I can help with?",
)
ERRORS = {
    "invalid_api_key": ("Incorrect API key provided.", "invalid_request_error"),
    "insufficient_quota": (
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
    ),
    "rate_limit_exceeded": ("Rate limit reached for requests.", "requests"),
    "model_not_found": ("The model does not exist or you do not have access to it.", "invalid_request_error"),
}
SCRIPT_KEYS = names("text tool_calls incomplete refusal empty failed status code sleep match headers message")


def error_reply(status: int, code: str | None, message: str | None = None) -> web.Response:
    """An error in OpenAI's envelope."""
    known = ERRORS.get(code or "", ("The server had an error while processing your request.", "server_error"))
    kind = known[1] if code in ERRORS or status >= 500 else "invalid_request_error"
    headers = {"x-request-id": f"req_{uuid.uuid4().hex}"}
    if code == "rate_limit_exceeded":
        headers |= {"retry-after": "1", "x-ratelimit-remaining-requests": "0"}
    error = {"message": message or known[0], "type": kind, "param": None, "code": code}
    return json_reply({"error": error}, status, headers)


def checked_script(replies: Any) -> list[JsonDict]:
    """The entries of `POST /_sim/openai/script`. Raises ValueError with words for the caller."""
    if not isinstance(replies, list) or not all(isinstance(entry, dict) for entry in replies):
        raise ValueError("replies must be a list of objects")
    for entry in replies:
        if unknown := set(entry) - SCRIPT_KEYS:
            raise ValueError(f"unknown keys in a reply: {', '.join(sorted(unknown))}")
    return list(replies)


class OpenAI:
    """Routes under /openai/v1."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """All routes of this provider."""
        return [
            web.post("/openai/v1/responses", self.create_response),
            web.post("/openai/v1/chat/completions", self.create_completion),
            web.get("/openai/v1/models", self.list_models, allow_head=False),
            web.get("/openai/v1/models/{id}", self.get_model, allow_head=False),
        ]

    async def create_response(self, request: web.Request) -> web.Response:
        """POST /responses."""
        body = await self._accepted(request, needs="input")
        if isinstance(body, web.Response):
            return body
        entry = await self._next_entry(request, body)
        return entry if isinstance(entry, web.Response) else json_reply(as_response(body, entry), headers=_id_header())

    async def create_completion(self, request: web.Request) -> web.Response:
        """POST /chat/completions."""
        body = await self._accepted(request, needs="messages")
        if isinstance(body, web.Response):
            return body
        entry = await self._next_entry(request, body)
        if isinstance(entry, web.Response):
            return entry
        if "failed" in entry:
            return error_reply(500, None, str(entry["failed"]))
        return json_reply(as_completion(body, entry), headers=_id_header())

    async def list_models(self, request: web.Request) -> web.Response:
        """GET /models: enough to check a key."""
        return _refusal(request) or json_reply({"object": "list", "data": [_model("gpt-5.4-mini")]})

    async def get_model(self, request: web.Request) -> web.Response:
        """GET /models/{id}: exists unless its name starts with `missing`."""
        model = request.match_info["id"]
        if (refusal := _refusal(request)) is not None:
            return refusal
        return error_reply(404, "model_not_found") if model.startswith("missing") else json_reply(_model(model))

    async def _accepted(self, request: web.Request, *, needs: str) -> JsonDict | web.Response:
        if (refusal := _refusal(request)) is not None:
            return refusal
        try:
            body = json_body(await request.read())
        except ValueError:
            return error_reply(400, None, "We could not parse the JSON body of your request.")
        if not isinstance(body, dict):
            return error_reply(400, None, "The body must be a JSON object.")
        return _problem(body, needs=needs) or body

    async def _next_entry(self, request: web.Request, body: JsonDict) -> JsonDict | web.Response:
        """The script's next entry for this request, its error as a response, or the default reply."""
        entry = self._take(await request.read())
        if "sleep" in entry:
            await asyncio.sleep(float(entry["sleep"]))
        if "status" in entry:
            return _scripted_error(entry)
        if not entry.keys() - {"sleep", "match", "headers"}:
            if self._state.settings.echo:
                return {**entry, "text": echo(body)}
            return {**entry, **(default_entry(body) or {"text": default_text(body)})}
        return with_slot(entry, body)

    def _take(self, raw: bytes) -> JsonDict:
        script = self._state.memory.script
        text = raw.decode("utf-8", "replace")
        for place, entry in enumerate(script):
            if entry.get("match") is None or str(entry["match"]) in text:
                return script.pop(place)
        return {}


def _refusal(request: web.Request) -> web.Response | None:
    token = bearer_of(request)
    return error_reply(401, "invalid_api_key") if token is None or token.startswith("sk-bad") else None


def _problem(body: JsonDict, *, needs: str) -> web.Response | None:
    """What OpenAI would refuse about a request that it could read."""
    for key in ("model", needs):
        if not body.get(key):
            return error_reply(400, "missing_required_parameter", f"Missing required parameter: '{key}'.")
    if str(body["model"]).startswith("missing"):
        return error_reply(404, "model_not_found")
    if (problem := schema_problem(body)) is not None:
        return error_reply(400, "invalid_function_parameters", problem)
    if isinstance(limit := body.get("max_output_tokens"), int) and limit < 16:
        return error_reply(400, "integer_below_min_value", "Invalid 'max_output_tokens': expected a value >= 16.")
    return None


def _id_header() -> dict[str, str]:
    return {"x-request-id": f"req_{uuid.uuid4().hex}"}


def _model(model: str) -> JsonDict:
    return {"id": model, "object": "model", "created": 1_767_225_600, "owned_by": "sim"}


def _scripted_error(entry: JsonDict) -> web.Response:
    status = int(entry["status"])
    fallback = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}.get(status)
    answer = error_reply(status, entry.get("code", fallback), entry.get("message"))
    answer.headers.update({key: str(value) for key, value in entry.get("headers", {}).items()})
    return answer


def echo(body: JsonDict) -> str:
    """What the user has written since the last answer: it shows which messages a reply is about."""
    said: list[str] = []
    for turn in body.get("input") or body.get("messages") or []:
        if isinstance(turn, dict) and turn.get("role") == "assistant":
            said = []
        elif isinstance(turn, dict) and turn.get("role") == "user":
            said.append(str(turn.get("content")))
    return f"You wrote: {' | '.join(said)}"


def default_text(body: JsonDict) -> str:
    """A friendly sentence for the turn of the conversation; JSON when the request asks for a schema."""
    turns = body.get("input") or body.get("messages") or []
    spoken = turns if isinstance(turns, list) else []
    users = sum(1 for turn in spoken if isinstance(turn, dict) and turn.get("role") == "user")
    found = NAME.search(_instructions(body, spoken))
    name = f" {found[1]}" if found else ""
    sentence = SENTENCES[min(max(users, 1), len(SENTENCES)) - 1].format(name=name)
    schema = _wanted_schema(body)
    return sentence if schema is None else json.dumps(filled(schema, sentence), ensure_ascii=False)


def _instructions(body: JsonDict, spoken: list[Any]) -> str:
    parts = [str(body.get("instructions") or "")]
    for turn in spoken:
        if isinstance(turn, dict) and turn.get("role") in ("system", "developer"):
            content = turn.get("content")
            parts += [content] if isinstance(content, str) else [json.dumps(content, ensure_ascii=False)]
    return "\n".join(parts)


def _wanted_schema(body: JsonDict) -> JsonDict | None:
    wanted = (body.get("text") or {}).get("format") or body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted.get("schema") or (wanted.get("json_schema") or {}).get("schema") or {}
        return dict(schema)
    return (
        {"type": "object", "properties": {"text": {"type": "string"}}} if wanted.get("type") == "json_object" else None
    )


def filled(schema: JsonDict, sentence: str) -> Any:
    """A value that fits the JSON schema: strings become `sentence`, choices their first."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object" or "properties" in schema:
        return {name: filled(part, sentence) for name, part in schema.get("properties", {}).items()}
    simple: dict[str, Any] = {"array": [], "boolean": True, "integer": 1, "number": 1.0, "null": None}
    return simple.get(str(kind), sentence)


def _tokens(value: object) -> int:
    return max(1, len(str(value)) // 4)


def _spoken(entry: JsonDict) -> str:
    return "" if entry.get("empty") else str(entry.get("text", ""))


def _tool_calls(entry: JsonDict) -> list[tuple[str, str, str]]:
    """(call id, name, arguments as a JSON string) of each scripted tool call."""
    return [
        (f"call_{uuid.uuid4().hex[:24]}", call["name"], _arguments(call.get("arguments", {})))
        for call in entry.get("tool_calls", [])
    ]


def _arguments(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def as_response(body: JsonDict, entry: JsonDict) -> JsonDict:
    """A reply in the shape of the Responses API."""
    status = "failed" if "failed" in entry else "incomplete" if "incomplete" in entry else "completed"
    output: list[JsonDict] = [
        {
            "type": "function_call",
            "id": f"fc_{call_id[5:]}",
            "call_id": call_id,
            "name": name,
            "arguments": arguments,
            "status": "completed",
        }
        for call_id, name, arguments in _tool_calls(entry)
    ]
    if (content := _content(entry)) is not None:
        state = "incomplete" if status == "incomplete" else "completed"
        message_id = f"msg_{uuid.uuid4().hex}"
        output.append({"type": "message", "id": message_id, "role": "assistant", "status": state, "content": [content]})
    used, made = _tokens(body.get("input")) + _tokens(body.get("instructions") or ""), _tokens(output)
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "model": body["model"],
        "error": {"code": "server_error", "message": str(entry["failed"])} if status == "failed" else None,
        "incomplete_details": {"reason": entry["incomplete"]} if status == "incomplete" else None,
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "metadata": body.get("metadata") or {},
        "instructions": body.get("instructions"),
        "usage": _usage(used, made),
    }


def _usage(used: int, made: int) -> JsonDict:
    return {
        "input_tokens": used,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": used + made,
    }


def _content(entry: JsonDict) -> JsonDict | None:
    if "refusal" in entry:
        return {"type": "refusal", "refusal": entry["refusal"]}
    if "text" in entry or entry.get("empty"):
        return {"type": "output_text", "text": _spoken(entry), "annotations": []}
    return None


def as_completion(body: JsonDict, entry: JsonDict) -> JsonDict:
    """The same reply in the shape of Chat Completions."""
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in _tool_calls(entry)
    ]
    silent = bool(calls) or "refusal" in entry
    message: JsonDict = {"role": "assistant", "content": None if silent else _spoken(entry)}
    message["refusal"] = entry.get("refusal")
    if calls:
        message |= {"content": entry.get("text"), "tool_calls": calls}
    reasons = {"max_output_tokens": "length", "content_filter": "content_filter"}
    finish = "tool_calls" if calls else reasons.get(entry.get("incomplete", ""), "stop")
    used, made = _tokens(body["messages"]), _tokens(message)
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": used, "completion_tokens": made, "total_tokens": used + made},
    }
