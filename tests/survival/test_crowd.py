"""Two hundred people at once on WhatsApp while processes die: each message answered once, no answer paid twice."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.survival.conftest import Launch
from tests.survival.people import KILLS, QUICK, WRITERS, Kills, begin, begin_writing, finish, prepared, wait_for_more

pytestmark = pytest.mark.slow


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
