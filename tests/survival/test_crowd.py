"""Two hundred people at once on WhatsApp while processes die: each message answered once, no answer paid twice."""

import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.survival.conftest import Launch
from tests.survival.engine import Engine
from tests.survival.people import LATENCY, QUICK, SIGNING_KEY, Crowd, Kills, open_turns, prepared
from tests.survival.processes import wait_for
from tests.survival.system import Simulators, System

pytestmark = pytest.mark.slow

KILLS = 3
WRITERS = 24


def test_two_hundred_are_answered_once_while_the_worker_and_the_web_die(launch: Launch) -> None:
    system = prepared(launch(threads=32, **QUICK))
    crowd, kills = begin(system, size=200, stopping=20, taken_over=20, conversing=16), Kills(threads=16)
    chance = random.Random(2026)
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = begin_writing(crowd, pool)
        for _ in range(KILLS):
            with system.worker() as worker:
                wait_for_more(system, chance)
                with kills.noted():
                    worker.kill()
            if chance.random() < 0.7:
                system.kill_web()
                system.start_web()
        with system.worker(), system.worker():
            finish(system, writing)

    crowd.check()
    kills.check_paid_once(system)


def test_a_crowd_is_answered_once_while_the_web_that_inngest_calls_dies(launch: Launch, simulators: Simulators) -> None:
    inngest = {"INNGEST_BASE_URL": simulators.url, "INNGEST_EVENT_KEY": "survival", "INNGEST_SIGNING_KEY": SIGNING_KEY}
    system = prepared(launch(threads=32, TURN_UNCLAIMED_S=2, **inngest, **QUICK))
    crowd, kills = begin(system, size=40, stopping=4, taken_over=4, conversing=8), Kills(threads=32)
    chance = random.Random(2026)
    with (
        system.worker(),
        Engine(system, signing_key=SIGNING_KEY),
        ThreadPoolExecutor(WRITERS) as pool,
    ):
        writing = begin_writing(crowd, pool)
        for _ in range(KILLS):
            wait_for_more(system, chance, at_most=10)
            with kills.noted():
                system.kill_web()
            system.start_web()
        finish(system, writing)

    crowd.check()
    kills.check_paid_once(system)


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
