"""A model that uses tools: what the stand-in asks for where a request offers them and no script says otherwise.

The lead's last message decides, by a word in it; so a whole conversation, from the first question to the booking, can
be played without a script.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from simulators.replies import JsonDict

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
SLOT = "$slot"
OFFERED = 3


class Exchange:
    """The lead's last message, and the tools that were called since, with their results."""

    def __init__(self, body: JsonDict) -> None:
        self.text = ""
        self.results: list[tuple[str, JsonDict]] = []
        names: dict[str, str] = {}
        for item in _items(body):
            if item.get("role") == "user":
                self.text, self.results = _text(item.get("content")), []
            for call_id, name in _calls(item):
                names[call_id] = name
            if (output := _output(item)) is not None:
                self.results.append((names.get(output[0], ""), output[1]))

    def result_of(self, name: str) -> JsonDict | None:
        """The latest result of a tool since the lead's last message."""
        return next((result for known, result in reversed(self.results) if known == name), None)

    def first_slot(self) -> str | None:
        """`start` of the first time that listSlots gave."""
        slots = (self.result_of("listSlots") or {}).get("slots") or []
        return str(slots[0]["start"]) if slots else None


def schema_problem(body: JsonDict) -> str | None:
    """What OpenAI would refuse about the tools that ask for strict mode."""
    for tool in body.get("tools") or []:
        function = tool.get("function") or tool
        schema = function.get("parameters") or {}
        if not function.get("strict"):
            continue
        lacking = set(schema.get("properties") or {}) - set(schema.get("required") or [])
        if lacking or schema.get("additionalProperties") is not False:
            return (
                f"Invalid schema for function '{function.get('name')}': 'required' must name every property and "
                "'additionalProperties' must be false."
            )
    return None


def with_slot(entry: JsonDict, body: JsonDict) -> JsonDict:
    """A scripted entry with "$slot" in its arguments replaced by the first time that listSlots gave."""
    text = json.dumps(entry, ensure_ascii=False)
    if SLOT not in text:
        return entry
    filled: JsonDict = json.loads(text.replace(SLOT, Exchange(body).first_slot() or "no slot was given"))
    return filled


def default_entry(body: JsonDict) -> JsonDict | None:
    """What to do about the lead's last message; None where no word of it asks for a tool."""
    if not body.get("tools"):
        return None
    exchange = Exchange(body)
    if body.get("tool_choice") == "none":
        return {"text": "Is there anything else?"} if exchange.results else None
    return next((act(exchange) for word, act in INTENTS if word.search(exchange.text.lower())), None)


def _say_after(name: str, text: str, arguments: Callable[[Exchange], JsonDict]) -> Callable[[Exchange], JsonDict]:
    def act(exchange: Exchange) -> JsonDict:
        result = exchange.result_of(name)
        if result is None:
            return _call(name, **arguments(exchange))
        return {"text": text if result.get("ok") else f"Sorry. {result.get('error')}"}

    return act


def _offer(exchange: Exchange) -> JsonDict:
    result = exchange.result_of("listSlots")
    if result is None:
        return _call("listSlots", daysAhead=None)
    words = [str(slot["words"]) for slot in (result.get("slots") or [])[:OFFERED]]
    return {"text": f"I can offer {', or '.join(words)}. Which one suits you?" if words else "A person will call you."}


def _book(exchange: Exchange) -> JsonDict:
    booked = exchange.result_of("bookConsult")
    if booked is not None:
        return {"text": str(booked.get("say") if booked.get("ok") else booked.get("error"))}
    start = exchange.first_slot()
    if start is None:
        return _call("listSlots", daysAhead=None) if exchange.result_of("listSlots") is None else _offer(exchange)
    email = EMAIL.search(exchange.text)
    return _call("bookConsult", start=start, name=None, email=email[0] if email else None, phone=None, notes=None)


def _noted(exchange: Exchange) -> JsonDict:
    return {"goal": None, "budget": exchange.text[:200], "schedulePref": None, "notes": None}


INTENTS: tuple[tuple[re.Pattern[str], Callable[[Exchange], JsonDict]], ...] = (
    (
        re.compile(r"\b(human|real person)\b"),
        _say_after("escalateToHuman", "A person will get in touch with you.", lambda it: {"reason": it.text[:200]}),
    ),
    (re.compile(r"\bgoodbye\b"), lambda it: {**_call("endConversation"), "text": "Goodbye, and good luck!"}),
    (
        re.compile(r"\bno budget\b"),
        _say_after("markUnqualified", "I understand. All the best!", lambda it: {"reason": it.text[:200]}),
    ),
    (re.compile(rf"\bbook\b|{EMAIL.pattern}"), _book),
    (re.compile(r"\b(appointment|slots?|times)\b"), _offer),
    (re.compile(r"\bbudget\b"), _say_after("updateLeadProfile", "Thank you, that helps. When suits you?", _noted)),
)


def _call(name: str, /, **arguments: Any) -> JsonDict:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


def _items(body: JsonDict) -> list[JsonDict]:
    items = body.get("input") or body.get("messages") or []
    if isinstance(items, str):
        return [{"role": "user", "content": items}]
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")


def _calls(item: JsonDict) -> list[tuple[str, str]]:
    if item.get("type") == "function_call":
        return [(str(item.get("call_id")), str(item.get("name")))]
    return [(str(call.get("id")), str(call["function"]["name"])) for call in item.get("tool_calls") or []]


def _output(item: JsonDict) -> tuple[str, JsonDict] | None:
    if item.get("type") == "function_call_output":
        call_id, text = item.get("call_id"), item.get("output")
    elif item.get("role") == "tool":
        call_id, text = item.get("tool_call_id"), item.get("content")
    else:
        return None
    try:
        result = json.loads(str(text))
    except ValueError:
        result = {}
    return str(call_id), result if isinstance(result, dict) else {}
