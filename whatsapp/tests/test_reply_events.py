"""Waking Inngest for a reply: once for a burst, again where nobody came, and for what came meanwhile."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from django.core.management import call_command

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


def test_the_worker_wakes_an_engine_that_did_not_come(engine: Events, phone: Phone) -> None:
    engine.away = True
    phone.write("Hi")
    assert sender.wait_until_idle(timeout_s=10)
    engine.away = False
    inngest.forget()
    for _ in range(4):
        pass_time(hours=1)
        call_command("sweep")
        call_command("sweep")

    pk = str(AgentTurn.objects.get().pk)
    assert engine.ids == [pk, pk, f"{pk}:r2", f"{pk}:r3"]
    assert AgentTurn.objects.get().state == "waiting"


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
