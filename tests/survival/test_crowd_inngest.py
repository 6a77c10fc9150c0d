"""A crowd on WhatsApp whose turns Inngest runs, while the web processes that it calls die."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.survival.conftest import Launch
from tests.survival.engine import Engine
from tests.survival.people import (
    KILLS,
    QUICK,
    SIGNING_KEY,
    WRITERS,
    Kills,
    begin,
    begin_writing,
    finish,
    prepared,
    wait_for_more,
)
from tests.survival.system import Simulators

pytestmark = pytest.mark.slow


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
