"""Conversations on WhatsApp: from the form to the booking, and two hundred at once while processes die."""

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from providers.twilio import signature
from tests.survival.conftest import Launch
from tests.survival.engine import Engine
from tests.survival.processes import wait_for
from tests.survival.system import Simulators, System, body_of, new_phone

pytestmark = pytest.mark.slow

TOKEN = "twilio-token-0123456789"
NUMBER = "+14155238886"
SIGNING_KEY = "0123456789abcdef0123456789abcdef"
TEMPLATE = {"content_sid": "HX" + "c" * 32, "content_variables": {"1": "first_name", "2": "sentence"}}
# Whatever was on its way over the wire when a stop came.
IN_FLIGHT_S = 1.0
LEADS = 200
STOPPING = 20
TAKEN_OVER = 20
KILLS = 3
THREADS = 16
QUICK = {
    "DISPATCH_LEASE_S": 8,
    "DISPATCH_RETRY_S": 0.3,
    "REPLY_RETRY_S": 0.3,
    "REPLY_MAX_ATTEMPTS": 8,
    "OPENAI_TIMEOUT_S": 5,
    "TWILIO_TIMEOUT_S": 3,
    "PROVIDER_CONNECT_TIMEOUT_S": 1,
}


@pytest.fixture(scope="module")
def alone(launch: Launch) -> System:
    """A Coachbot whose worker runs the turns."""
    return prepared(launch(threads=32, **QUICK))


@pytest.fixture(scope="module")
def with_inngest(launch: Launch, simulators: Simulators) -> System:
    """A Coachbot whose turns Inngest runs, signed as in production."""
    engine = {"INNGEST_BASE_URL": simulators.url, "INNGEST_EVENT_KEY": "survival", "INNGEST_SIGNING_KEY": SIGNING_KEY}
    return prepared(launch(threads=32, TURN_UNCLAIMED_S=2, **engine, **QUICK))


def prepared(system: System) -> System:
    """Answer soon, make leads of whoever writes, and have a template for the first message."""
    system.database.query("UPDATE workspaces_workspace SET reply_after_s = 1, unknown_senders = 'lead'")
    options = "UPDATE workspaces_integration SET options = ? WHERE provider = 'twilio'"
    system.database.query(options, json.dumps(TEMPLATE))
    return system


@dataclass
class Person:
    """Somebody with WhatsApp, and Twilio, which delivers until it is answered."""

    system: System
    phone: str
    sent: list[str] = field(default_factory=list)
    answered_at: dict[str, float] = field(default_factory=dict)

    def write(self, text: str, *, twice: bool = False) -> None:
        """Write a message; Twilio may deliver it twice."""
        sid = f"SM{random.getrandbits(128):032x}"
        self.sent.append(text)
        for _ in range(2 if twice else 1):
            self._deliver(text, sid)
        self.answered_at[text] = time.time()

    def _deliver(self, text: str, sid: str) -> None:
        form = {"MessageSid": sid, "From": f"whatsapp:{self.phone}", "To": f"whatsapp:{NUMBER}", "Body": text}
        form |= {"NumMedia": "0", "ProfileName": "Ada"}
        url = f"{self.system.url}/api/whatsapp/inbound"
        signed = signature(url=url, params=form.items(), auth_token=TOKEN)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}

        def delivered() -> bool:
            try:
                return requests.post(url, urlencode(form), headers=headers, timeout=15).status_code == 200
            except requests.RequestException:
                return False

        wait_for("the message is taken", delivered, timeout_s=60, poll_s=0.2)


def bodies_to(system: System, phone: str) -> list[str]:
    found = system.simulators.look("messages", to=phone)["messages"]
    return [str(m["body"]) for m in found if m["direction"] != "inbound"]


def run_both(system: System, *, engine: bool) -> AbstractContextManager[Any]:
    """Run the worker and, where it is wanted, the engine."""
    stack = ExitStack()
    stack.enter_context(system.worker())
    if engine:
        stack.enter_context(Engine(system, signing_key=SIGNING_KEY))
    return stack


@pytest.mark.parametrize("engine", ["worker", "inngest"])
def test_from_the_submission_to_the_booking(request: pytest.FixtureRequest, engine: str) -> None:
    system: System = request.getfixturevalue("alone" if engine == "worker" else "with_inngest")
    api, phone = system.api("whatsapp"), new_phone()
    person = Person(system, phone)

    def answer_to(text: str, heard: int) -> str:
        person.write(text)
        bodies = wait_for(f"an answer to {text!r}", lambda: _more(system, phone, heard), timeout_s=40, poll_s=0.2)
        return bodies[-1]

    with run_both(system, engine=engine == "inngest"):
        accepted = api.post(body_of(phone, goal="A new kitchen"))
        assert (accepted.status_code, accepted.json()["messageQueued"]) == (201, True)
        first = wait_for("the first message", lambda: messages_to(system, phone) or None, timeout_s=40)[0]
        assert (first["content_sid"], json.loads(first["content_variables"])["1"]) == (TEMPLATE["content_sid"], "Jane")
        assert "Thank you" in answer_to("My budget is 20k", 1)
        assert "I can offer" in answer_to("Which times do you have?", 2)
        answer_to("Please book the first one, I am jane@example.com", 3)

    lead = api.get(f"leads/{accepted.json()['leadId']}").json()["lead"]
    assert lead["status"] == "booked"
    assert lead["bookingUid"]
    assert lead["bookingStart"]
    bookings = [r for r in system.simulators.look("requests", provider="calcom")["requests"] if r["method"] == "POST"]
    assert len(bookings) == 1


def messages_to(system: System, phone: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.simulators.look("messages", to=phone)["messages"]
    return [message for message in found if message["direction"] != "inbound"]


def _more(system: System, phone: str, heard: int) -> list[str] | None:
    bodies = bodies_to(system, phone)
    return bodies if len(bodies) > heard else None


def test_a_burst_gets_one_answer_and_silence_after_a_stop(alone: System) -> None:
    person = Person(alone, new_phone())
    alone.simulators.set(echo=True)
    with alone.worker():
        for n in range(4):
            person.write(f"m{n}", twice=True)
        wait_for("the answer", lambda: bodies_to(alone, person.phone) or None, timeout_s=30)
        person.write("STOP")
        person.write("Anybody there?")
        wait_for("the confirmation", lambda: len(bodies_to(alone, person.phone)) == 2, timeout_s=30)
        time.sleep(3)

    answer, confirmation = bodies_to(alone, person.phone)
    assert answer == "You wrote: m0 | m1 | m2 | m3"
    assert "won't get any more messages" in confirmation


class Crowd:
    """Two hundred people who write five messages each, in bursts, some of them twice and out of order."""

    def __init__(self, system: System) -> None:
        self.people = [Person(system, new_phone()) for _ in range(LEADS)]
        self.stopping = self.people[:STOPPING]
        self.taken_over = self.people[STOPPING : STOPPING + TAKEN_OVER]
        self._system = system

    def write(self, n: int, chance: random.Random) -> None:
        """Write what one of them has to say."""
        person = self.people[n]
        order = [0, 1, 2]
        chance.shuffle(order)
        for part in order:
            person.write(f"t{n}-{part}.", twice=chance.random() < 0.3)
        time.sleep(1 + chance.random() * 2)
        if person in self.stopping:
            person.write("STOP")
        elif person in self.taken_over:
            self._take_over(person)
        for part in (3, 4):
            person.write(f"t{n}-{part}.", twice=chance.random() < 0.3)

    def _take_over(self, person: Person) -> None:
        now = datetime.now().astimezone().isoformat()
        update = "UPDATE leads_lead SET taken_over_at = ? WHERE phone = ?"
        wait_for("the database", partial(_tried, lambda: self._system.database.query(update, now, person.phone)))
        person.answered_at["take over"] = time.time()


def _tried(act: Callable[[], object]) -> bool:
    try:
        act()
    except Exception:  # noqa: BLE001 - SQLite is busy, and tried again
        return False
    return True


@pytest.fixture
def crowd(alone: System) -> Crowd:
    """Have them meet an OpenAI that echoes: what it writes says which messages it is about."""
    alone.simulators.set(echo=True, latency={"openai": 0.3, "twilio": 0.1}, webhooks=False)
    return Crowd(alone)


def test_two_hundred_leads_at_once_are_answered_once_while_processes_die(alone: System, crowd: Crowd) -> None:
    chance = random.Random(2026)
    seeds = [random.Random(n) for n in range(LEADS)]
    begun = time.monotonic()
    with ThreadPoolExecutor(24) as pool:
        writing = [pool.submit(crowd.write, n, seeds[n]) for n in range(LEADS)]
        for _ in range(KILLS):
            goal = sent_in_all(alone) + chance.randint(8, 24)
            with alone.worker():
                wait_for("some more answers", partial(reached, alone, goal), timeout_s=40)
                time.sleep(chance.random() * 0.3)
            if chance.random() < 0.7:
                alone.kill_web()
                alone.start_web()
        with alone.worker(), alone.worker():
            for each in writing:
                each.result(timeout=120)
            wait_for("every turn is over", lambda: open_turns(alone) == 0, timeout_s=90, poll_s=0.3)
    print(f"settled after {time.monotonic() - begun:.0f} s")  # noqa: T201 - shown with -s

    answers = answers_by_phone(alone)
    for n, person in enumerate(crowd.people):
        about = Counter(token for _, body in answers[person.phone] for token in tokens_in(body, n))
        expected = {f"t{n}-{part}." for part in range(5)}
        assert set(about.values()) <= {1}, f"{person.phone}: {about}"
        if person not in crowd.stopping and person not in crowd.taken_over:
            assert set(about) == expected
    assert_silence(answers, crowd.stopping, "STOP", but="won't get any more messages")
    assert_silence(answers, crowd.taken_over, "take over")
    assert_paid_once(alone)


def sent_in_all(system: System) -> int:
    return sum(system.simulators.messages_by_phone().values())


def reached(system: System, goal: int) -> bool:
    return sent_in_all(system) >= goal


def open_turns(system: System) -> int:
    open_ones = "SELECT count(*) FROM whatsapp_agentturn WHERE state IN ('waiting', 'running')"
    waiting = "SELECT count(*) FROM whatsapp_message WHERE due_at IS NOT NULL"
    return int(system.database.query(open_ones)[0][0]) + int(system.database.query(waiting)[0][0])


def answers_by_phone(system: System) -> dict[str, list[tuple[float, str]]]:
    """What Twilio was asked to send and took, by phone: when, and what."""
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for request in system.simulators.look("requests", provider="twilio", method="POST", limit="20000")["requests"]:
        at = datetime.fromisoformat(request["time"]).timestamp()
        found[request["body"]["To"].removeprefix("whatsapp:")].append((at, str(request["body"].get("Body"))))
    return found


def tokens_in(body: str, n: int) -> list[str]:
    return [f"t{n}-{part}." for part in range(5) for _ in range(body.count(f"t{n}-{part}."))]


def assert_silence(
    answers: dict[str, list[tuple[float, str]]], people: list[Person], since: str, *, but: str = ""
) -> None:
    for person in people:
        from_then = person.answered_at[since] + IN_FLIGHT_S
        late = [body for at, body in answers[person.phone] if at > from_then and not (but and but in body)]
        assert late == []
        assert sum(1 for _, body in answers[person.phone] if but and but in body) <= 1


def assert_paid_once(system: System) -> None:
    """No two requests to OpenAI are about the same messages, but for those whose process was killed meanwhile."""
    asked: Counter[str] = Counter()
    for request in system.simulators.look("requests", provider="openai", limit="20000")["requests"]:
        asked[str(request["body"]["input"][-1]["content"])] += 1
    again = sum(count - 1 for count in asked.values())
    print(f"{len(asked)} asked, {again} again")  # noqa: T201 - shown with -s
    assert again <= KILLS * THREADS
