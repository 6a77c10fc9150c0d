"""Replies over Chat Completions, for servers that have nothing else: the same turn, tools and all."""

import json
from typing import Any

import pytest
import responses
from pytest_django import Settings

from leads.models import Lead
from whatsapp.models import AgentTurn
from whatsapp.tests.conftest import Phone, Wire, work
from whatsapp.tests.test_replies import FALLBACK, answered

CHAT = "https://api.openai.com/v1/chat/completions"


@pytest.fixture(autouse=True)
def _chat(settings: Settings) -> None:
    settings.OPENAI_API = "chat"


def completion(finish: str = "stop", **message: Any) -> dict[str, Any]:
    """Make an answer."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": None} | message}
    return {"object": "chat.completion", "choices": [choice], "usage": {"prompt_tokens": 300, "completion_tokens": 20}}


def call(name: str, call_id: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def test_answers_with_tools_on_the_way_and_pays_no_answer_twice(wire: Wire, phone: Phone) -> None:
    calls = [call("updateLeadProfile", "call_1", budget="20k"), call("updateLeadProfile", "call_2", goal="A kitchen")]
    wire.mock.add(responses.POST, CHAT, json=completion("tool_calls", content="One moment.", tool_calls=calls))
    wire.mock.add(responses.POST, CHAT, status=500, json={"error": {"message": "Sorry"}})
    wire.mock.add(responses.POST, CHAT, json=completion(content="Noted. Which day?"))
    wire.twilio()
    phone.write("A kitchen for 20k")

    work()
    assert (AgentTurn.objects.get().state, wire.sent) == ("running", [])
    work(minutes=2)

    assert [sent["Body"] for sent in wire.sent] == ["Noted. Which day?"]
    lead = Lead.objects.get()
    assert ((lead.profile or {})["budget"], (lead.profile or {})["goal"]) == ("20k", "A kitchen")
    first, _, third = wire.asked
    assert [turn["role"] for turn in first["messages"]] == ["system", "assistant", "user"]
    added = third["messages"][3:]
    assert [turn["role"] for turn in added] == ["assistant", "tool", "tool"]
    assert (added[0]["content"], [each["id"] for each in added[0]["tool_calls"]]) == (
        "One moment.",
        ["call_1", "call_2"],
    )
    assert [turn["tool_call_id"] for turn in added[1:]] == ["call_1", "call_2"]
    turn = AgentTurn.objects.get()
    assert (turn.state, turn.input_tokens, turn.output_tokens) == ("done", 600, 40)


@pytest.mark.parametrize(
    "answer",
    [
        {"json": completion(refusal="I can't.")},
        {"json": completion("length", content="Half a sen")},
        {"json": completion("content_filter", content="")},
        {"json": completion(content="")},
        {"status": 429, "json": {"error": {"message": "No quota", "code": "insufficient_quota"}}},
    ],
)
def test_tells_the_lead_that_a_colleague_will_answer(wire: Wire, phone: Phone, answer: dict[str, Any]) -> None:
    wire.mock.add(responses.POST, CHAT, **answer)
    wire.twilio()
    phone.write("Hi")

    work()
    work(hours=1)

    assert [sent["Body"] for sent in wire.sent] == [FALLBACK]
    assert (len(wire.asked), answered(), Lead.objects.get().status) == (1, [("Hi", "failed")], "needs_human")
