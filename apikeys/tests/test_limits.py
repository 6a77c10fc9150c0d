"""How often a key may call: two windows, counted exactly, in the process or in Redis."""

import logging
import re
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from pytest_django import Settings

from apikeys import limits
from apikeys.authentication import Caller
from apikeys.models import ApiKey
from conftest import make_lead, make_workspace
from webapi.tests.backend import LEADS, Backend

REDIS = "redis://127.0.0.1:6379/13"
MINUTE = {"ok": False, "error": "Rate limit exceeded. Wait a minute before retrying."}
HOUR = {"ok": False, "error": "Hourly rate limit exceeded."}
ME = "/api/public/me"


@pytest.fixture(params=["process", pytest.param("redis", marks=pytest.mark.redis)])
def store(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """Count in either place, from nothing."""
    settings.REDIS_URL = REDIS if request.param == "redis" else ""
    limits.reset()
    yield request.param
    limits.reset()
    if request.param == "redis":
        client: Any = redis.Redis.from_url(REDIS)
        client.delete(*(client.keys("coachbot:limit:*") or ["none"]))
        client.close()


def made_up(*, minute: int | None, hour: int | None) -> Caller:
    return Caller(
        key_id=uuid.uuid4(),
        key_name="CRM",
        is_test=False,
        limit_per_minute=minute,
        limit_per_hour=hour,
        workspace_id=uuid.uuid4(),
        channel="voice",
        default_region="",
    )


def standing(answer: Any) -> list[tuple[str, int, int]]:
    found = re.findall(r'"(\w+)";r=(\d+);t=(\d+)', answer["RateLimit"])
    assert answer["RateLimit"] == ", ".join(f'"{name}";r={r};t={t}' for name, r, t in found)
    return [(name, int(r), int(t)) for name, r, t in found]


def left(answer: Any) -> dict[str, int]:
    return {name: r for name, r, _ in standing(answer)}


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_every_answer_says_where_the_key_stands() -> None:
    backend = Backend(limit_per_minute=None, limit_per_hour=None)

    first, second = backend.get(ME), backend.post("{")

    assert first["RateLimit-Policy"] == '"minute";q=60;w=60, "hour";q=1000;w=3600'
    assert second["RateLimit-Policy"] == '"minute";q=60;w=60, "hour";q=1000;w=3600'
    assert (first.status_code, left(first)) == (200, {"minute": 59, "hour": 999})
    assert (second.status_code, left(second)) == (400, {"minute": 58, "hour": 998})
    for answer in (first, second):
        (_, _, minute), (_, _, hour) = standing(answer)
        assert 55 <= minute <= 60
        assert 3595 <= hour <= 3600


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("of_key", "body"), [({"limit_per_minute": 2}, MINUTE), ({"limit_per_hour": 2}, HOUR)])
def test_refuses_what_is_over_the_keys_own_limit(of_key: dict[str, Any], body: dict[str, Any]) -> None:
    backend = Backend(**of_key)

    answers = [backend.get(ME) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    refused = answers[2]
    assert refused.json() == body
    (name, remaining, reset) = standing(refused)[0]
    assert (name, remaining) == ("minute" if body is MINUTE else "hour", 0)
    assert refused["Retry-After"] == str(reset)
    assert 1 <= reset <= (60 if body is MINUTE else 3600)
    assert refused["X-Request-Id"]


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_where_both_windows_are_full_the_longer_wait_is_named() -> None:
    backend = Backend(limit_per_minute=1, limit_per_hour=1)
    backend.get(ME)

    refused = backend.get(ME)

    assert (refused.status_code, refused.json()) == (429, HOUR)
    assert int(refused["Retry-After"]) > 60


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_a_refused_request_counts_in_no_window() -> None:
    backend = Backend(limit_per_minute=1, limit_per_hour=10)

    answers = [backend.get(ME) for _ in range(3)]

    assert [left(answer)["hour"] for answer in answers] == [9, 9, 9]


@pytest.mark.usefixtures("store")
def test_a_full_window_does_not_begin_the_other() -> None:
    other = made_up(minute=5, hour=1)
    limits.shared().hit(other.key_id, [limits.Window("hour", 3600, 1)])
    refusal, standings = limits.count(other)

    assert refusal is not None
    assert refusal.body == HOUR
    assert limits.headers_of(standings)["RateLimit"].startswith('"minute";r=5;t=60, "hour";r=0;t=')


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_zero_is_no_limit() -> None:
    unlimited, only_hour = Backend(), Backend(limit_per_minute=0, limit_per_hour=3)

    answers = [unlimited.get(ME) for _ in range(5)]
    answer = only_hour.get(ME)

    assert {a.status_code for a in answers} == {200}
    assert "RateLimit" not in answers[-1].headers
    assert answer["RateLimit-Policy"] == '"hour";q=3;w=3600'
    assert left(answer) == {"hour": 2}


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_the_defaults_are_settings(settings: Settings) -> None:
    settings.API_RATE_LIMIT_PER_MINUTE, settings.API_RATE_LIMIT_PER_HOUR = 1, 0
    backend = Backend(limit_per_minute=None, limit_per_hour=None)

    assert [backend.get(ME).status_code for _ in range(2)] == [200, 429]


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_each_key_has_its_own_count() -> None:
    workspace = make_workspace()
    one, other = Backend(workspace, limit_per_minute=1), Backend(workspace, limit_per_minute=1)

    assert [one.get(ME).status_code, one.get(ME).status_code, other.get(ME).status_code] == [200, 429, 200]


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_a_304_does_not_count() -> None:
    backend = Backend(limit_per_minute=3, limit_per_hour=30)
    lead = make_lead(backend.workspace)
    first = backend.show(lead.pk)

    unchanged = [backend.show(lead.pk, If_None_Match=first["ETag"]) for _ in range(5)]
    last = backend.show(lead.pk)

    assert {answer.status_code for answer in unchanged} == {304}
    assert {tuple(left(answer).items()) for answer in unchanged} == {(("minute", 2), ("hour", 29))}
    assert (last.status_code, left(last)) == (200, {"minute": 1, "hour": 28})


@pytest.mark.django_db
@pytest.mark.usefixtures("store")
def test_an_unknown_key_is_not_counted() -> None:
    answer = Backend(key="ck_live_" + "0" * 32).get(ME)

    assert answer.status_code == 401
    assert "RateLimit" not in answer.headers


@pytest.mark.usefixtures("store")
def test_of_any_number_at_once_exactly_the_limit_passes() -> None:
    caller = made_up(minute=100, hour=1000)
    passed: list[bool] = []
    gate = threading.Barrier(20)

    def call() -> None:
        gate.wait()
        for _ in range(10):
            passed.append(limits.count(caller)[0] is None)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(passed), sum(passed)) == (200, 100)


@pytest.mark.usefixtures("store")
def test_a_refund_after_the_window_ended_gives_nothing_away() -> None:
    caller = made_up(minute=1, hour=0)

    standings = limits.count(made_up(minute=1, hour=0))[1]
    limits.refund(caller, standings)

    assert [limits.count(caller)[0] is None for _ in range(2)] == [True, False]


@pytest.mark.django_db
def test_a_window_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend(limit_per_minute=1, limit_per_hour=10)
    clock = [1000.0]
    monkeypatch.setattr("apikeys.limits.time.monotonic", lambda: clock[0])

    statuses = [backend.get(ME).status_code]
    clock[0] += 59.9
    refused = backend.get(ME)
    statuses.append(refused.status_code)
    clock[0] += 0.1
    statuses.append(backend.get(ME).status_code)

    assert statuses == [200, 429, 200]
    assert refused["Retry-After"] == "1"


@pytest.mark.django_db
@pytest.mark.redis
def test_a_window_ends_in_redis(settings: Settings) -> None:
    settings.REDIS_URL = REDIS
    limits.reset()
    backend = Backend(limit_per_minute=1, limit_per_hour=10)
    name = f"coachbot:limit:{{{ApiKey.objects.get().pk}}}:minute"
    client: Any = redis.Redis.from_url(REDIS)

    statuses = [backend.get(ME).status_code, backend.get(ME).status_code]
    assert 0 < client.pttl(name) <= 60_000
    client.pexpire(name, 1)
    while client.exists(name):
        pass
    statuses.append(backend.get(ME).status_code)

    client.delete(name, name.replace("minute", "hour"))
    client.close()
    limits.reset()
    assert statuses == [200, 429, 200]


@pytest.mark.django_db
def test_requests_pass_and_it_is_logged_once_while_redis_is_away(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/13"
    limits.reset()
    backend = Backend(limit_per_minute=1, limit_per_hour=1)
    lead = make_lead(backend.workspace)
    tag = backend.show(lead.pk)["ETag"]

    with caplog.at_level(logging.WARNING, logger="apikeys.limits"):
        answers = [backend.get(ME) for _ in range(3)] + [backend.show(lead.pk, If_None_Match=tag)]

    limits.reset()
    assert [answer.status_code for answer in answers] == [200, 200, 200, 304]
    assert answers[0]["RateLimit"] == '"minute";r=1;t=60, "hour";r=1;t=3600'
    assert len(caplog.messages) <= 1


@pytest.mark.django_db
def test_says_in_the_log_that_redis_is_away(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/13"
    limits.reset()
    backend = Backend(limit_per_minute=1)

    assert backend.get(LEADS).status_code == 200

    limits.reset()
    assert caplog.messages == ["redis is away, rate limits are not applied: ConnectionError"]
