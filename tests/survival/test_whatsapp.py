"""The first WhatsApp message goes out once, whatever becomes of Inngest and of the workers."""

import random
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.processes import wait_for
from tests.survival.system import Simulators, System, at_once, body_of, new_phone, timed

SLOWER_BY_S = 0.3
ROUNDS = 9
GIVEN_UP = "inngest did not take the events"


@pytest.fixture(scope="module")
def with_inngest(launch: Launch, simulators: Simulators) -> System:
    """A Coachbot whose turns Inngest runs; the stand-in only remembers events."""
    return launch(
        INNGEST_DEV=simulators.url,
        INNGEST_EVENT_KEY="survival",
        DISPATCH_LEASE_S=4,
        DISPATCH_RETRY_S=0.2,
        TURN_UNCLAIMED_S=3,
    )


@pytest.fixture(scope="module")
def alone(launch: Launch) -> System:
    """A Coachbot whose worker runs the turns itself."""
    return launch(DISPATCH_LEASE_S=2.5, DISPATCH_RETRY_S=0.2, TWILIO_TIMEOUT_S=2, PROVIDER_CONNECT_TIMEOUT_S=0.5)


def dispatch_ids(system: System) -> set[str]:
    rows = system.database.query("SELECT id FROM leads_dispatch WHERE channel = 'whatsapp'")
    return {str(row[0]).replace("-", "") for row in rows}


def event_ids(system: System) -> set[str]:
    events = system.simulators.look("events")["events"]
    return {str(event["event"]["id"]).replace("-", "") for event in events}


def twilio_requests(system: System) -> list[dict[str, object]]:
    found: list[dict[str, object]] = system.simulators.look("requests", provider="twilio")["requests"]
    return found


def submit(system: System, count: int) -> list[str]:
    """Take leads in, several at a time. Returns their phones."""
    phones, api = [new_phone() for _ in range(count)], system.api("whatsapp")
    answers = at_once([partial(api.post, body_of(phone)) for phone in phones])
    assert [answer.status_code for answer in answers] == [201] * count
    return phones


@pytest.mark.parametrize("fault", ["down", pytest.param("hang", marks=pytest.mark.postgres)])
def test_answers_as_quickly_and_loses_no_event_while_inngest_is_away(with_inngest: System, fault: str) -> None:
    system, api = with_inngest, with_inngest.api("whatsapp")
    before = dispatch_ids(system)
    assert system.web is not None
    given_up = system.web.said.count(GIVEN_UP)

    def answer_time() -> float:
        answer, took_s = timed(partial(api.post, body_of(new_phone())))
        assert (answer.status_code, answer.json()["messageQueued"]) == (201, True)
        return took_s

    usual = [answer_time() for _ in range(ROUNDS)]
    system.simulators.set(mode={"inngest": fault})
    away = [answer_time() for _ in range(ROUNDS)]

    def found_away() -> bool:
        away.append(answer_time())
        return system.web is not None and system.web.said.count(GIVEN_UP) > given_up

    # Inngest's SDK itself tries five times, so it takes seconds until the process knows.
    wait_for("the web process finds Inngest away", found_away, poll_s=0.2, timeout_s=30)
    away += [answer_time() for _ in range(ROUNDS)]

    assert median(away) - median(usual) < SLOWER_BY_S
    system.simulators.set(mode={"inngest": "ok"})
    with system.worker():
        wait_for("every promise is an event", lambda: event_ids(system) >= dispatch_ids(system) - before, timeout_s=40)
    # One that nobody came for twice is asked for again as <id>:r2.
    assert {event_id.partition(":")[0] for event_id in event_ids(system)} <= dispatch_ids(system)
    # The stand-in runs nothing, so the worker writes to people itself in the end; once to each.
    assert set(system.simulators.messages_by_phone().values()) <= {1}


def test_sends_each_first_message_once_however_often_the_worker_is_killed(alone: System) -> None:
    system, chance = alone, random.Random(2026)
    system.simulators.set(latency={"twilio": 0.08, "openai": 0.03})
    phones = submit(system, 30)

    def sent() -> int:
        return sum(system.simulators.messages_by_phone().values())

    for _ in range(6):
        goal = min(sent() + chance.randint(1, 5), len(phones))
        with system.worker():
            wait_for("some more messages", partial(reached, sent, goal), poll_s=0.01)
            time.sleep(chance.random() * 0.1)
    with system.worker():
        system.settle(timeout_s=40)

    assert system.simulators.messages_by_phone() == dict.fromkeys(phones, 1)


def reached(count: Callable[[], int], goal: int) -> bool:
    return count() >= goal


def test_sends_each_first_message_once_when_two_workers_run(alone: System) -> None:
    system = alone
    system.simulators.set(latency={"twilio": 0.05, "openai": 0.02})
    with system.worker(), system.worker():
        phones = submit(system, 40)
        system.settle(timeout_s=40)

    assert system.simulators.messages_by_phone() == dict.fromkeys(phones, 1)


def test_finishes_what_it_claimed_and_stops_within_ten_seconds_of_sigterm(alone: System) -> None:
    system = alone
    system.simulators.set(latency={"twilio": 0.8, "openai": 0.2})
    phones = submit(system, 20)
    with system.worker() as worker:
        wait_for("a message is under way", lambda: bool(twilio_requests(system)))
        code, took_s = timed(worker.terminate)

    assert (code, took_s < 10) == (0, True)
    claimed = "SELECT count(*) FROM leads_dispatch WHERE status = 'sending'"
    assert system.database.query(claimed)[0][0] == 0
    sent = system.simulators.messages_by_phone()
    assert sent
    assert set(sent.values()) == {1}
    system.simulators.set(latency={"twilio": 0.02, "openai": 0.02})
    with system.worker():
        system.settle()
    assert system.simulators.messages_by_phone() == dict.fromkeys(phones, 1)


def test_sends_nothing_while_nobody_works(alone: System) -> None:
    answer: requests.Response = alone.api("whatsapp").post(body_of(phone := new_phone()))

    assert (answer.status_code, answer.json()["messageQueued"]) == (201, True)
    assert alone.simulators.messages_by_phone() == {}
    with alone.worker():
        alone.settle()
    assert alone.simulators.messages_by_phone() == {phone: 1}
