"""People with WhatsApp, one or two hundred at once, and what became of what they wrote."""

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import requests

from providers.twilio import signature
from tests.survival.processes import wait_for
from tests.survival.system import System, new_phone

TOKEN = "twilio-token-0123456789"
NUMBER = "+14155238886"
SIGNING_KEY = "0123456789abcdef0123456789abcdef"
TEMPLATE = {"content_sid": "HX" + "c" * 32, "content_variables": {"1": "first_name", "2": "sentence"}}
# So that a test need not wait as long as people do.
QUICK = {
    "DISPATCH_LEASE_S": 8,
    "DISPATCH_RETRY_S": 0.3,
    "REPLY_RETRY_S": 0.3,
    "REPLY_MAX_ATTEMPTS": 8,
    "OPENAI_TIMEOUT_S": 5,
    "TWILIO_TIMEOUT_S": 3,
    "PROVIDER_CONNECT_TIMEOUT_S": 1,
}
KILLS = 3
# Threads that people write from.
WRITERS = 24
LATENCY = {"openai": 0.3, "twilio": 0.1}
# Whatever was on its way over the wire when a stop came.
IN_FLIGHT_S = 0.5


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

    @property
    def bodies(self) -> list[str]:
        """What this person was sent."""
        found = self.system.simulators.look("messages", to=self.phone)["messages"]
        return [str(m["body"]) for m in found if m["direction"] != "inbound"]


@dataclass
class Crowd:
    """People who write five messages each, some of them twice and out of order.

    Most do so in two bursts, whether they were answered or not. Of the first some stop after one burst and some are
    taken over by a human; of the last some wait for each answer before they go on, so that they need three.
    """

    system: System
    size: int
    stopping: int
    taken_over: int
    conversing: int
    people: list[Person] = field(init=False)

    def __post_init__(self) -> None:
        """Give each a phone."""
        self.people = [Person(self.system, new_phone()) for _ in range(self.size)]

    def write(self, n: int) -> None:
        """Write all that one of them has to say."""
        person, chance = self.people[n], random.Random(n)
        if n >= self.size - self.conversing:
            self._converse(n, chance)
            return
        self._burst(n, (0, 1, 2), chance)
        time.sleep(1 + chance.random() * 2)
        if n < self.stopping:
            person.write("STOP")
        elif n < self.stopping + self.taken_over:
            self._take_over(person)
        self._burst(n, (3, 4), chance)

    def _burst(self, n: int, parts: Sequence[int], chance: random.Random) -> None:
        for part in chance.sample(parts, len(parts)):
            self.people[n].write(token(n, part), twice=chance.random() < 0.3)

    def _converse(self, n: int, chance: random.Random) -> None:
        for parts in ((0, 1), (2, 3), (4,)):
            self._burst(n, parts, chance)
            try:
                wait_for("an answer to each", partial(self._answered, n, parts), timeout_s=120, poll_s=0.5)
            except AssertionError as error:
                raise AssertionError(f"{error}: {parts} of {n}, {self._turns_of(n)}") from error

    def _turns_of(self, n: int) -> list[Any]:
        turns = (
            "SELECT t.state, t.code, t.reason, t.wakes, t.attempts, t.due_at, t.wake_at, t.claimed_by, t.finished_at"
            " FROM whatsapp_agentturn t JOIN leads_lead l ON l.id = t.lead_id WHERE l.phone = ? ORDER BY t.created_at"
        )
        return [[str(value) for value in row] for row in self.system.database.query(turns, self.people[n].phone)]

    def _answered(self, n: int, parts: Sequence[int]) -> bool:
        said = " ".join(self.people[n].bodies)
        return all(token(n, part) in said for part in parts)

    def _take_over(self, person: Person) -> None:
        now = datetime.now().astimezone().isoformat()
        update = "UPDATE leads_lead SET taken_over_at = ? WHERE phone = ?"
        wait_for("the database", partial(_tried, lambda: self.system.database.query(update, now, person.phone)))
        person.answered_at["take over"] = time.time()

    def check(self) -> None:
        """Find each message answered exactly once, none after a stop or a take over, and what was due answered."""
        answers = answers_by_phone(self.system)
        for n, person in enumerate(self.people):
            bodies = [body for _, body in answers[person.phone]]
            about = Counter(each for body in bodies for each in tokens_in(body, n))
            assert set(about.values()) <= {1}, f"{person.phone}: {about}"
            if n >= self.stopping + self.taken_over:
                assert set(about) == {token(n, part) for part in range(5)}
            if n >= self.size - self.conversing:
                assert len(bodies) >= 3
        self._check_silence(answers)

    def _check_silence(self, answers: dict[str, list[tuple[float, str]]]) -> None:
        confirmed = "won't get any more messages"
        for n, person in enumerate(self.people[: self.stopping + self.taken_over]):
            since = person.answered_at["STOP" if n < self.stopping else "take over"] + IN_FLIGHT_S
            said = answers[person.phone]
            confirmations = sum(confirmed in body for _, body in said)
            assert confirmations == (1 if n < self.stopping else 0)
            assert [body for at, body in said if at > since and confirmed not in body] == []


def token(n: int, part: int) -> str:
    """Name a message so that an echo of it is known."""
    return f"t{n}-{part}."


def tokens_in(body: str, n: int) -> list[str]:
    """List the messages that an answer is about, each as often as it is named."""
    return [token(n, part) for part in range(5) for _ in range(body.count(token(n, part)))]


def _tried(act: Callable[[], object]) -> bool:
    try:
        act()
    except Exception:  # noqa: BLE001 - SQLite is busy, and tried again
        return False
    return True


def answers_by_phone(system: System) -> dict[str, list[tuple[float, str]]]:
    """What Twilio was asked to send and took, by phone: when, and what."""
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for request in system.simulators.look("requests", provider="twilio", method="POST", limit="20000")["requests"]:
        found[request["body"]["To"].removeprefix("whatsapp:")].append((_at(request), str(request["body"].get("Body"))))
    return found


def open_turns(system: System) -> int:
    """Count turns and messages that are not settled."""
    open_ones = "SELECT count(*) FROM whatsapp_agentturn WHERE state IN ('waiting', 'running')"
    waiting = "SELECT count(*) FROM whatsapp_message WHERE due_at IS NOT NULL"
    return int(system.database.query(open_ones)[0][0]) + int(system.database.query(waiting)[0][0])


def begin(system: System, *, size: int, stopping: int, taken_over: int, conversing: int) -> Crowd:
    """Have them meet an OpenAI that echoes: what it writes says which messages it is about."""
    system.simulators.set(echo=True, latency=LATENCY, webhooks=False)
    return Crowd(system, size=size, stopping=stopping, taken_over=taken_over, conversing=conversing)


def begin_writing(crowd: Crowd, pool: ThreadPoolExecutor) -> list[Future[None]]:
    """Let all of them write, those first who wait for answers."""
    return [pool.submit(crowd.write, n) for n in reversed(range(crowd.size))]


def wait_for_more(system: System, chance: random.Random, *, at_most: int = 24) -> None:
    """Let some answers go out, and a moment pass."""
    goal = sent_in_all(system) + chance.randint(at_most // 3, at_most)
    reached: Callable[[], bool] = lambda: sent_in_all(system) >= goal  # noqa: E731
    wait_for("some more answers", reached, timeout_s=40)
    time.sleep(chance.random() * 0.3)


def sent_in_all(system: System) -> int:
    """Count what went out."""
    return sum(system.simulators.messages_by_phone().values())


def finish(system: System, writing: list[Future[None]]) -> None:
    """Wait until everybody has written and every turn is over."""
    for each in writing:
        each.result(timeout=150)
    wait_for("every turn is over", lambda: open_turns(system) == 0, timeout_s=90, poll_s=0.3)


@dataclass
class Kills:
    """When processes that ask OpenAI were killed: each began to be, and was. `threads` asked at the same time."""

    threads: int
    moments: list[tuple[float, float]] = field(default_factory=list)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note a kill that happens inside."""
        begun = time.time()
        yield
        self.moments.append((begun, time.time()))

    def check_paid_once(self, system: System) -> None:
        """Find a question asked again only where a kill came between, while its asker held the turn.

        What was stored by then is never asked again: each turn keeps the answer of one request.
        """
        asked: dict[str, list[float]] = defaultdict(list)
        for request in system.simulators.look("requests", provider="openai", limit="20000")["requests"]:
            asked[str(request["body"]["input"][-1]["content"])].append(_at(request))
        again = [pair for times in asked.values() for pair in pairwise(sorted(times))]
        explained = Counter(self._kill_between(*pair) for pair in again)
        print(f"{len(asked)} asked, {len(again)} again, by kill: {dict(explained)}")  # noqa: T201 - shown with -s
        assert explained[None] == 0, f"{again}: {self.moments}"
        assert all(count <= self.threads for count in explained.values())
        rows = system.database.query("SELECT items FROM whatsapp_agentturn WHERE state = 'done' AND input_tokens > 0")
        assert {len(json.loads(items) if isinstance(items, str) else items) for (items,) in rows} == {1}

    def _kill_between(self, asked: float, again: float) -> int | None:
        held_until = min(again, asked + QUICK["DISPATCH_LEASE_S"])
        hits = (n for n, (begun, done) in enumerate(self.moments) if asked <= done and begun <= held_until)
        return next(hits, None)


def _at(request: dict[str, Any]) -> float:
    return datetime.fromisoformat(request["time"]).timestamp()
