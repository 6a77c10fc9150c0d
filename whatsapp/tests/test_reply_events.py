"""Waking Inngest for a reply: once for a burst, again where nobody came, and for what came meanwhile."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from providers import inngest
from whatsapp.events import sender
from whatsapp.models import AgentTurn
from whatsapp.tests.conftest import OPENAI, Events, Executor, Phone, Wire, pass_time, reply

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_left_to_send() -> Iterator[None]:
    yield
    assert sender.wait_until_idle(timeout_s=10)


def test_a_message_wakes_the_engine_once_for_a_burst(engine: Events, phone: Phone) -> None:
    for text in ("Hi", "there", "!"):
        phone.write(text)
    assert sender.wait_until_idle(timeout_s=10)

    turn = AgentTurn.objects.get()
    assert engine.ids == [str(turn.pk)]
    assert engine.sent[0][0].data == {"turn_id": str(turn.pk), "lead_id": str(phone.lead.pk)}


def test_the_worker_wakes_an_engine_that_did_not_come_and_then_answers_itself(
    wire: Wire, engine: Events, phone: Phone
) -> None:
    wire.openai()
    wire.twilio()
    engine.away = True
    phone.write("Hi")
    assert sender.wait_until_idle(timeout_s=10)
    engine.away = False
    inngest.forget()
    pass_time(minutes=2)
    call_command("sweep")

    turn = AgentTurn.objects.get()
    assert (engine.ids, turn.state, len(wire.asked)) == ([str(turn.pk)], "waiting", 0)

    pass_time(minutes=2)
    call_command("sweep")
    call_command("sweep")

    assert AgentTurn.objects.get().state == "done"
    assert (len(wire.asked), len(wire.sent)) == (1, 1)
    # The engine comes after all.
    assert Executor(phone.client, turn).run()["outcome"] == "nothing"
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_the_worker_leaves_a_turn_alone_that_the_engine_is_at(wire: Wire, engine: Events, phone: Phone) -> None:
    phone.write("Hi")
    AgentTurn.objects.update(state="running", claimed_by="01HENGINE", wakes=3)
    in_a_minute = timezone.now() + timedelta(minutes=1)
    AgentTurn.objects.update(due_at=in_a_minute, wake_at=timezone.now())

    call_command("sweep")

    assert AgentTurn.objects.get().claimed_by == "01HENGINE"
    assert wire.asked == []


def test_what_came_meanwhile_is_woken_up_for_after_the_turn(wire: Wire, engine: Events, phone: Phone) -> None:
    def interrupt(request: Any) -> Any:
        phone.write("One more thing")
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, OPENAI, callback=interrupt)
    wire.twilio()
    phone.write("Hi")
    assert sender.wait_until_idle(timeout_s=10)
    pass_time(seconds=5)

    Executor(phone.client, AgentTurn.objects.get()).run()
    assert sender.wait_until_idle(timeout_s=10)

    done, waiting = AgentTurn.objects.order_by("created_at")
    assert (done.state, waiting.state) == ("done", "waiting")
    assert engine.ids == [str(done.pk), str(waiting.pk), f"{waiting.pk}:{done.pk}"]
