"""A reply under Inngest, driven through the real, signed /api/inngest; the event is a wake-up, the row the promise."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from requests import ReadTimeout

from leads.models import Lead
from leads.takeover import take_over
from whatsapp.events import sender
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import Events, Executor, Phone, Wire, message, pass_time, reply
from whatsapp.tests.test_inngest_turn import wait_long_enough
from whatsapp.tests.test_replies import rfc2822, tool_call


@pytest.fixture(autouse=True)
def _no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wake the engine by hand: its events are another file's."""
    monkeypatch.setattr(sender, "put", lambda wish: None)


def executor_of(phone: Phone, **overrides: Any) -> Executor:
    """Be Inngest's executor for the turn that waits."""
    return Executor(phone.client, AgentTurn.objects.get(state="waiting"), **overrides)


def due(phone: Phone) -> Executor:
    pass_time(seconds=5)
    return executor_of(phone)


def test_answers_in_three_steps(wire: Wire, engine: Events, phone: Phone) -> None:
    wire.openai()
    wire.twilio()
    phone.write("Hi")

    executor = due(phone)
    result = executor.run()

    assert (executor.statuses, result["outcome"]) == ([206, 206, 206, 200], "sent")
    assert (AgentTurn.objects.get().state, len(wire.asked), len(wire.sent)) == ("done", 1, 1)


def test_hands_no_secret_text_or_number_to_the_engine(wire: Wire, engine: Events, phone: Phone) -> None:
    wire.openai()
    wire.twilio()
    phone.write("My secret is Rosebud")

    executor = due(phone)
    executor.run()

    told = json.dumps([executor.event(), executor.steps])
    for private in ("sk-test-0123456789", "twilio-token", "Jane", "+4471", "achieve", "Rosebud"):
        assert private not in told


def test_sleeps_until_the_lead_is_silent(wire: Wire, engine: Events, phone: Phone) -> None:
    wire.openai()
    wire.twilio()
    phone.write("Hi")
    executor = executor_of(phone, between=lambda: pass_time(seconds=3))

    result = executor.run()

    assert result["outcome"] == "sent"
    assert len(executor.statuses) > 4
    assert len(wire.sent) == 1


@pytest.mark.parametrize("step", ["generate-reply", "send-message", "persist-message"])
def test_pays_once_and_sends_once_when_a_steps_answer_gets_lost(
    wire: Wire, engine: Events, phone: Phone, step: str
) -> None:
    wire.openai()
    wire.twilio()
    phone.write("Hi")
    executor = due(phone)
    executor.crash_after = step

    executor.run()

    assert (AgentTurn.objects.get().state, len(wire.asked), len(wire.sent)) == ("done", 1, 1)


def test_keeps_what_a_tool_answered_when_the_model_goes_away(wire: Wire, engine: Events, phone: Phone) -> None:
    wire.openai(json=tool_call("updateLeadProfile", budget="20k"))
    wire.openai(status=429, json={"error": {"message": "Slow down", "code": "rate_limit_exceeded"}})
    wire.openai(json=reply("Noted."))
    wire.twilio()
    phone.write("20k")

    executor = due(phone)
    executor.run()

    assert executor.statuses == [500, 206, 206, 206, 200]
    assert (len(wire.asked), wire.sent[0]["Body"]) == (3, "Noted.")


def test_adopts_what_twilio_took_without_answering(wire: Wire, engine: Events, phone: Phone) -> None:
    wire.openai()
    wire.twilio(body=ReadTimeout("timed out"))
    wire.twilio_list(message(date_created=rfc2822()))
    phone.write("Hi")
    executor = due(phone)
    executor.between = wait_long_enough

    executor.run()

    assert (AgentTurn.objects.get().state, len(wire.asked), len(wire.sent)) == ("done", 1, 1)


def test_a_take_over_between_the_steps_silences_the_agent(wire: Wire, engine: Events, phone: Phone) -> None:
    wire.openai()
    phone.write("Hi")
    executor = due(phone)

    def step_in() -> None:
        take_over(phone.lead.pk, by_id=None, now=timezone.now())

    executor.between = step_in

    assert executor.run() == {"outcome": "stopped", "reason": "taken_over"}
    assert wire.sent == []


def test_each_part_of_a_long_reply_is_a_step_of_its_own(wire: Wire, engine: Events, phone: Phone) -> None:
    wire.openai(json=reply("One sentence about kitchens. " * 80))
    wire.twilio_each()
    phone.write("Tell me everything")
    executor = due(phone)
    executor.crash_after = "send-message-2"

    executor.run()

    assert (AgentTurn.objects.get().state, len(wire.sent)) == ("done", 2)


def test_gives_up_in_a_defined_state_when_the_engine_does(wire: Wire, engine: Events, phone: Phone) -> None:
    phone.write("Hi")
    executor = due(phone)
    AgentTurn.objects.update(state="running", claimed_by=executor.run_id, due_at=timezone.now())

    executor.post(function="coachbot-agent-turn-failure", event=executor.failure())

    assert (AgentTurn.objects.get().state, Lead.objects.get().status) == ("failed", "needs_human")


def test_a_run_that_failed_leaves_another_runs_turn_alone(wire: Wire, engine: Events, phone: Phone) -> None:
    phone.write("Hi")
    executor = due(phone)

    executor.post(function="coachbot-agent-turn-failure", event=executor.failure())

    assert (AgentTurn.objects.get().state, Lead.objects.get().status) == ("waiting", "in_conversation")


def test_asks_nobody_again_and_again_while_another_turn_of_the_lead_is_under_way(
    wire: Wire, engine: Events, phone: Phone
) -> None:
    phone.write("Hi")
    AgentTurn.objects.update(state="running", claimed_by="another", due_at=timezone.now() + timedelta(hours=1))
    phone.write("Hello?")
    pass_time(seconds=5)
    looks = 0

    def count() -> None:
        nonlocal looks
        looks += 1

    result = executor_of(phone, between=count).run()

    assert (result["outcome"], wire.asked) == ("nothing", [])
    # The one that is under way wakes the engine for it when it ends.
    assert looks <= 2


def test_the_worker_takes_over_where_inngest_was_taken_away(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio()
    phone.write("Hi")
    AgentTurn.objects.update(state="running", claimed_by="01HGONE", due_at=timezone.now())
    Message.objects.filter(role="user").update(turn=AgentTurn.objects.get())

    call_command("sweep")

    assert (AgentTurn.objects.get().state, len(wire.sent)) == ("done", 1)
