"""Conversations on WhatsApp: from the form to the booking, a burst, and a stop."""

import json
import re
import time
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.engine import Engine
from tests.survival.people import QUICK, SIGNING_KEY, TEMPLATE, Person, prepared
from tests.survival.processes import wait_for
from tests.survival.system import Simulators, System, new_phone

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alone(launch: Launch) -> System:
    """A Coachbot whose worker runs the turns."""
    return prepared(launch(threads=32, **QUICK))


@pytest.fixture(scope="module")
def with_inngest(launch: Launch, simulators: Simulators) -> System:
    """A Coachbot whose turns Inngest runs, signed as in production."""
    engine = {"INNGEST_BASE_URL": simulators.url, "INNGEST_EVENT_KEY": "survival", "INNGEST_SIGNING_KEY": SIGNING_KEY}
    return prepared(launch(threads=32, TURN_UNCLAIMED_S=2, **engine, **QUICK))


def run_both(system: System, *, engine: bool) -> AbstractContextManager[Any]:
    """Run the worker and, where it is wanted, the engine."""
    stack = ExitStack()
    stack.enter_context(system.worker())
    if engine:
        stack.enter_context(Engine(system, signing_key=SIGNING_KEY))
    return stack


@pytest.mark.parametrize("engine", ["worker", "inngest"])
def test_from_the_form_to_the_booking(request: pytest.FixtureRequest, engine: str) -> None:
    system: System = request.getfixturevalue("alone" if engine == "worker" else "with_inngest")
    api, phone = system.api("whatsapp"), new_phone()
    person = Person(system, phone)

    def answer_to(text: str, heard: int) -> str:
        person.write(text)
        bodies = wait_for(f"an answer to {text!r}", lambda: _more(person, heard), timeout_s=40, poll_s=0.2)
        return bodies[-1]

    with run_both(system, engine=engine == "inngest"):
        fill_in_form(system, phone)
        first = wait_for("the first message", lambda: messages_to(system, phone) or None, timeout_s=40)[0]
        assert (first["content_sid"], json.loads(first["content_variables"])["1"]) == (TEMPLATE["content_sid"], "Jane")
        assert "Thank you" in answer_to("My budget is 20k", 1)
        assert "I can offer" in answer_to("Which times do you have?", 2)
        answer_to("Please book the first one, I am jane@example.com", 3)

    (lead,) = api.get(f"leads?phone={quote(phone)}").json()["leads"]
    assert lead["status"] == "booked"
    assert lead["bookingUid"]
    assert lead["bookingStart"]
    bookings = [r for r in system.simulators.look("requests", provider="calcom")["requests"] if r["method"] == "POST"]
    assert len(bookings) == 1


def fill_in_form(system: System, phone: str) -> None:
    """Send the hosted form as a browser without scripts does, no faster than a person."""
    page = requests.get(f"{system.url}/forms/whatsapp-ltd", timeout=10)
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token, page.text
    time.sleep(2.2)
    fields = {"name": "Jane Doe", "phone": phone, "goal": "A new kitchen", "consent": "yes", "token": token[1]}
    thanks = requests.post(f"{system.url}/forms/whatsapp-ltd", data=fields, timeout=10)
    assert (thanks.status_code, thanks.url) == (200, f"{system.url}/forms/whatsapp-ltd/thanks")


def messages_to(system: System, phone: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.simulators.look("messages", to=phone)["messages"]
    return [message for message in found if message["direction"] != "inbound"]


def _more(person: Person, heard: int) -> list[str] | None:
    bodies = person.bodies
    return bodies if len(bodies) > heard else None


def test_a_burst_gets_one_answer_and_silence_after_a_stop(alone: System) -> None:
    person = Person(alone, new_phone())
    alone.simulators.set(echo=True)
    with alone.worker():
        for n in range(4):
            person.write(f"m{n}", twice=True)
        wait_for("the answer", lambda: person.bodies or None, timeout_s=30)
        person.write("STOP")
        person.write("Anybody there?")
        wait_for("the confirmation", lambda: len(person.bodies) == 2, timeout_s=30)
        time.sleep(3)

    answer, confirmation = person.bodies
    assert answer == "You wrote: m0 | m1 | m2 | m3"
    assert "won't get any more messages" in confirmation
