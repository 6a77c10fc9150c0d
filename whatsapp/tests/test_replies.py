"""The agent answers, in the worker: every message once, a burst with one reply, nothing paid or sent twice."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone
from requests import ReadTimeout

from leads.models import Lead, LeadEvent
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import OPENAI, TWILIO, Phone, Wire, make_message, message, pass_time, reply, work
from whatsapp.waiting import ask_for_reply
from workspaces.models import Integration, LogEntry

FALLBACK = "Thanks, a colleague will get back to you shortly."


def tool_call(name: str, call_id: str = "call_1", **arguments: Any) -> dict[str, Any]:
    """Make an answer of OpenAI's that calls a tool."""
    item = {"type": "function_call", "id": "fc_1", "call_id": call_id, "name": name, "arguments": json.dumps(arguments)}
    return reply(output=[item])


def answered() -> list[tuple[str, str]]:
    """The lead's messages and the state of the turns that took them."""
    rows = Message.objects.filter(role="user").exclude(turn=None).order_by("created_at")
    return [(row.text, row.turn.state) for row in rows if row.turn]


def rfc2822() -> str:
    return f"{timezone.now():%a, %d %b %Y %H:%M:%S} +0000"


def test_answers_a_message(wire: Wire, phone: Phone) -> None:
    wire.openai(json=reply("Great! Which day suits you?"))
    wire.twilio()
    phone.write("A new kitchen, please.")

    work()

    assert [(sent["Body"], sent["To"]) for sent in wire.sent] == [
        ("Great! Which day suits you?", f"whatsapp:{phone.lead.phone}")
    ]
    assert answered() == [("A new kitchen, please.", "done")]
    said = Message.objects.get(role="assistant", text="Great! Which day suits you?")
    assert (said.status, said.turn_id) == ("sent", AgentTurn.objects.get().pk)


def test_tells_the_model_the_conversation_and_offers_the_tools(wire: Wire, phone: Phone) -> None:
    make_message(phone.lead, text="Lost on the way", status="failed")
    make_message(phone.lead, role="operator", text="This is Kim from Acme.")
    wire.openai()
    wire.twilio()
    phone.write("Hi Kim!")

    work()

    (asked,) = wire.asked
    assert [(turn["role"], turn["content"]) for turn in asked["input"]] == [
        ("assistant", "Hi Jane!"),
        ("assistant", "[written by a human colleague from the team] This is Kim from Acme."),
        ("user", "Hi Kim!"),
    ]
    assert asked["store"] is False
    assert {tool["name"] for tool in asked["tools"]} >= {"listSlots", "bookConsult", "escalateToHuman"}


def test_answers_a_burst_once(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio()
    for text in ("Hi", "I'd like a kitchen", "in June"):
        phone.write(text)

    work()

    assert (len(wire.asked), len(wire.sent)) == (1, 1)
    assert [turn["content"] for turn in wire.asked[0]["input"]][1:] == ["Hi", "I'd like a kitchen", "in June"]
    assert len(answered()) == 3


def test_waits_until_the_lead_is_silent(wire: Wire, phone: Phone) -> None:
    phone.write("Hi")
    call_command("sweep")
    pass_time(seconds=3)
    phone.write("I'd like a kitchen")

    work(seconds=3)

    assert (wire.asked, AgentTurn.objects.get().state) == ([], "waiting")


def test_answers_who_never_stops_writing_within_half_a_minute(phone: Phone) -> None:
    phone.write("1")
    begun = AgentTurn.objects.get()

    for second in range(3, 60, 3):
        assert ask_for_reply(phone.lead, after_s=4, now=begun.created_at + timedelta(seconds=second)) is None

    assert AgentTurn.objects.get().due_at == begun.created_at + timedelta(seconds=30)


def test_what_comes_while_the_model_writes_is_answered_by_the_next_turn(wire: Wire, phone: Phone) -> None:
    def interrupt(request: Any) -> Any:
        if len(wire.mock.calls) == 0:
            phone.write("One more thing")
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, OPENAI, callback=interrupt)
    wire.twilio_each()
    phone.write("Hi")

    work()
    assert answered() == [("Hi", "done")]
    work()

    assert answered() == [("Hi", "done"), ("One more thing", "done")]
    assert [asked["input"][-1]["content"] for asked in wire.asked] == ["Hi", "One more thing"]
    assert len(wire.sent) == 2


def test_answers_once_however_often_the_worker_sweeps(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio()
    phone.write("Hi")

    work()
    work(hours=1)
    work(hours=1)

    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_calls_tools_on_the_way(wire: Wire, phone: Phone) -> None:
    wire.openai(json=tool_call("updateLeadProfile", goal="A new kitchen", budget="20k"))
    wire.openai(json=reply("Noted. Which day?"))
    wire.twilio()
    phone.write("A kitchen for 20k")

    work()

    assert wire.sent[0]["Body"] == "Noted. Which day?"
    assert (Lead.objects.get().profile or {}).get("budget") == "20k"
    turn = AgentTurn.objects.get()
    assert (turn.input_tokens, turn.output_tokens) == (624, 36)
    assert turn.cost_usd > 0


def test_pays_no_answer_twice_that_was_stored_before_the_end(wire: Wire, phone: Phone) -> None:
    wire.openai(json=tool_call("updateLeadProfile", budget="20k"))
    wire.openai(status=500, json={"error": {"message": "Sorry"}})
    wire.openai(json=reply("Noted."))
    wire.twilio()
    phone.write("A kitchen for 20k")

    work()
    assert (AgentTurn.objects.get().state, wire.sent) == ("running", [])
    work(minutes=2)

    assert wire.sent[0]["Body"] == "Noted."
    assert len(wire.asked) == 3
    assert [item.get("type") for item in wire.asked[2]["input"]][-2:] == ["function_call", "function_call_output"]


@pytest.mark.parametrize("answer", [{"body": ReadTimeout("timed out")}, {"status": 502, "body": "<html>Bad Gateway"}])
def test_sends_no_reply_twice_when_twilios_answer_gets_lost(wire: Wire, phone: Phone, answer: dict[str, Any]) -> None:
    wire.openai()
    wire.twilio(**answer)
    wire.twilio_list(message(date_created=rfc2822()))
    phone.write("Hi")

    work()
    work(minutes=3)

    assert answered() == [("Hi", "done")]
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_sends_again_what_twilio_never_got(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio(body=ReadTimeout("timed out"))
    wire.twilio()
    wire.twilio_list()
    phone.write("Hi")

    work()
    work(minutes=3)

    assert answered() == [("Hi", "done")]
    assert (len(wire.asked), len(wire.sent)) == (1, 2)
    look = LogEntry.objects.get(operation="look for message")
    assert (look.outcome, look.direction, look.lead_id) == ("ok", "out", phone.lead.pk)


@pytest.mark.parametrize("arrived", [True, False])
def test_is_not_confused_by_the_same_words_in_the_reply_before(wire: Wire, phone: Phone, arrived: bool) -> None:
    wire.openai()
    wire.twilio()
    wire.twilio(body=ReadTimeout("timed out"))
    wire.twilio_each()
    before = message(date_created=rfc2822())
    wire.twilio_list(*([message(sid="SM" + "c" * 32, date_created=rfc2822())] if arrived else []), before)
    phone.write("Hi")
    work()
    phone.write("Hi?")
    work()
    work(minutes=3)

    assert answered() == [("Hi", "done"), ("Hi?", "done")]
    assert len(wire.sent) == (2 if arrived else 3)
    sids = set(Message.objects.filter(role="assistant", turn__isnull=False).values_list("twilio_sid", flat=True))
    assert len(sids) == 2
    assert ("SM" + "c" * 32 in sids) is arrived


class Killed(BaseException):
    """kill -9, as far as a test can have it."""


@pytest.mark.parametrize("step", ["send_part", "finish_turn"])
def test_pays_and_sends_once_when_killed_between_the_steps(
    wire: Wire, phone: Phone, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def die(*args: str) -> Any:
        raise Killed

    wire.openai()
    wire.twilio()
    phone.write("Hi")
    with monkeypatch.context() as patched:
        patched.setattr(f"whatsapp.replies.{step}", die)
        with pytest.raises(Killed):
            work()

    work(minutes=3)

    assert answered() == [("Hi", "done")]
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_splits_what_is_too_long_and_sends_the_parts_in_order_once(wire: Wire, phone: Phone) -> None:
    sentence = "This is one sentence of many that are about kitchens. "
    wire.openai(json=reply(sentence * 60))
    wire.twilio_each()
    phone.write("Tell me everything")

    work()
    work(hours=1)

    parts = [sent["Body"] for sent in wire.sent]
    assert len(parts) == 3
    assert all(len(part) <= 1600 and part.endswith("kitchens.") for part in parts)
    assert " ".join(parts) == (sentence * 60).strip()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"json": reply("")}, "empty text"),
        ({"json": reply(status="incomplete", incomplete_details={"reason": "max_output_tokens"})}, "max_output_tokens"),
        ({"json": reply(status="failed", error={"code": "server_error", "message": "Sorry"})}, "Sorry"),
        (
            {"json": reply(output=[{"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}])},
            "I can't.",
        ),
        ({"status": 401, "json": {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}}, "(401)"),
        ({"status": 429, "json": {"error": {"message": "No quota", "code": "insufficient_quota"}}}, "No quota"),
    ],
)
def test_tells_the_lead_that_a_colleague_will_answer_when_the_model_cant(
    wire: Wire, phone: Phone, answer: dict[str, Any], reason: str
) -> None:
    wire.openai(**answer)
    wire.twilio()
    phone.write("Hi")

    work()
    work(hours=1)

    assert [sent["Body"] for sent in wire.sent] == [FALLBACK]
    assert len(wire.asked) == 1
    assert Lead.objects.get().status == "needs_human"
    event = LeadEvent.objects.get(kind="agent_stopped")
    assert reason in event.data["reason"]
    turn = AgentTurn.objects.get()
    assert (turn.state, reason in turn.reason) == ("failed", True)


def test_says_so_once_and_in_the_leads_language(wire: Wire, phone: Phone) -> None:
    Lead.objects.update(phone="+4915112345678")
    phone.lead.refresh_from_db()
    wire.openai(json=reply(""))
    wire.twilio()

    for _ in range(2):
        phone.write("Hallo?")
        work()

    assert [sent["Body"] for sent in wire.sent] == [
        "Danke, eine Kollegin oder ein Kollege meldet sich in Kürze bei Ihnen."
    ]
    assert LeadEvent.objects.filter(kind="agent_stopped").count() == 2


def test_asks_a_model_that_is_away_again_and_gives_up_after_a_while(wire: Wire, phone: Phone) -> None:
    wire.openai(status=500, json={"error": {"message": "Sorry"}})
    wire.twilio()
    phone.write("Hi")

    work()
    assert (wire.sent, AgentTurn.objects.get().state) == ([], "running")
    for _ in range(8):
        work(hours=1)

    assert len(wire.asked) == 5
    assert [sent["Body"] for sent in wire.sent] == [FALLBACK]
    assert Lead.objects.get().status == "needs_human"


def test_leaves_the_lead_to_a_human_when_twilio_refuses(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio(status=400, json={"code": 63007, "message": "No such sender", "status": 400})
    phone.write("Hi")

    work()
    work(hours=1)

    assert (len(wire.asked), len(wire.sent)) == (1, 1)
    assert (AgentTurn.objects.get().state, Lead.objects.get().status) == ("failed", "needs_human")
    assert "63007" in LeadEvent.objects.get(kind="agent_stopped").data["reason"]


def test_leaves_the_lead_to_a_human_when_openai_is_not_connected(wire: Wire, phone: Phone) -> None:
    Integration.objects.filter(provider="openai").delete()
    wire.twilio()
    phone.write("Hi")

    work()

    assert [sent["Body"] for sent in wire.sent] == [FALLBACK]
    assert Lead.objects.get().status == "needs_human"


def test_says_nothing_while_the_agent_is_switched_off(wire: Wire, phone: Phone) -> None:
    workspace = phone.lead.workspace
    workspace.agent_enabled = False
    workspace.save()
    wire.openai()
    wire.twilio()
    phone.write("Hi")
    work()
    assert (wire.asked, AgentTurn.objects.get().code) == ([], "paused")

    workspace.agent_enabled = True
    workspace.save()
    phone.write("Hello?")
    work()

    assert [turn["content"] for turn in wire.asked[0]["input"]][-2:] == ["Hi", "Hello?"]
    assert answered() == [("Hi", "done"), ("Hello?", "done")]


def test_ends_when_the_lead_is_deleted_while_the_model_writes(wire: Wire, phone: Phone) -> None:
    def erase(request: Any) -> Any:
        Lead.objects.all().delete()
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, OPENAI, callback=erase)
    phone.write("Hi")

    work()

    assert wire.sent == []
    assert not Message.objects.exists()
    assert not LogEntry.objects.filter(operation="write reply").exists()


def test_journals_each_crossing_without_its_keys(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio()
    phone.write("Hi")

    work()

    crossings = LogEntry.objects.order_by("id").values_list("direction", "provider", "operation", "outcome")
    assert list(crossings) == [
        ("in", "twilio", "inbound message", "ok"),
        ("out", "openai", "write reply", "ok"),
        ("out", "twilio", "send message", "ok"),
    ]
    for entry in LogEntry.objects.all():
        assert "sk-test-0123456789" not in entry.request + entry.response
        assert "twilio-token-0123456789" not in entry.request + entry.response


def test_a_reply_that_did_not_arrive_leaves_the_lead_to_a_human(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.mock.add(responses.POST, TWILIO, json=message(), status=201)
    phone.write("Hi")
    work()
    said = Message.objects.get(role="assistant", turn__isnull=False)
    from whatsapp.tests.test_status_callbacks import call_back

    call_back(phone.client, said, "undelivered", ErrorCode="63005")

    assert Lead.objects.get().status == "needs_human"
    assert LeadEvent.objects.get(kind="agent_stopped").data["code"] == "63005"
