"""Rate limits hold to the request, however many come at once and wherever they are counted."""

import os
from collections import Counter
from functools import partial

import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.processes import free_port, listens
from tests.survival.system import Api, at_once

REDIS_URL = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/11"
LIMIT = 50
CROWD = 200


def crowd(api: Api) -> list[requests.Response]:
    return at_once([partial(api.get, "me")] * CROWD)


def assert_exactly_the_limit_passed(answers: list[requests.Response]) -> None:
    assert Counter(answer.status_code for answer in answers) == {200: LIMIT, 429: CROWD - LIMIT}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.json()["error"] for answer in refused} == {"Rate limit exceeded. Wait a minute before retrying."}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)


@pytest.mark.redis
def test_lets_exactly_the_limit_through_when_two_processes_count_in_redis(launch: Launch) -> None:
    if not listens(6379) and "REDIS_URL" not in os.environ:
        pytest.skip("no Redis")
    system = launch(workers=2, threads=CROWD, REDIS_URL=REDIS_URL)

    answers = crowd(system.api("limited"))

    assert_exactly_the_limit_passed(answers)
    left = sorted(int(a.headers["RateLimit"].partition("r=")[2].partition(";")[0]) for a in answers if a.ok)
    assert left == list(range(LIMIT))


def test_lets_exactly_the_limit_through_when_one_process_counts_alone(launch: Launch) -> None:
    system = launch(workers=1, threads=CROWD)

    assert_exactly_the_limit_passed(crowd(system.api("limited_alone")))


def test_lets_requests_pass_and_says_so_when_redis_is_away(launch: Launch) -> None:
    system = launch(workers=1, threads=16, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    api = system.api("limited_away")  # five a minute

    answers = at_once([partial(api.get, "me")] * 20)

    assert {answer.status_code for answer in answers} == {200}
    assert system.web is not None
    assert "redis is away" in system.web.said
