"""Guessing passwords: slowed down at its address, dear to nobody else, and logged."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from apikeys import limits
from coachbot import login_brake, passwords
from coachbot import settings as django_settings
from coachbot.logs import JsonFormatter
from conftest import make_user

pytestmark = pytest.mark.django_db
REDIS = "redis://127.0.0.1:6379/13"
WRONG = "Please enter a correct username and password"


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # Elsewhere the tests hash with MD5.
    settings.PASSWORD_HASHERS = django_settings.PASSWORD_HASHERS
    monkeypatch.setattr(passwords.OneAtATimeHasher, "iterations", 1000)
    login_brake._own = limits.ProcessCounters()


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note when each hash is computed."""
    seen: list[float] = []
    encode = PBKDF2PasswordHasher.encode

    def count(self: Any, *args: Any) -> str:
        seen.append(time.monotonic())
        return encode(self, *args)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", count)
    return seen


@pytest.fixture(params=["process", pytest.param("redis", marks=pytest.mark.redis)])
def _each_store(request: pytest.FixtureRequest, settings: Settings) -> Iterator[None]:
    settings.REDIS_URL = REDIS if request.param == "redis" else ""
    limits.reset()
    yield
    if settings.REDIS_URL:
        client = limits.shared()._client  # type: ignore[attr-defined]
        client.delete(*client.keys("coachbot:limit:{login:*"), "unused")
    limits.reset()


def log_in(
    username: str = "maya", password: str = "wrong", *, ip: str = "192.0.2.7", client: Client | None = None
) -> HttpResponse:
    data = {"username": username, "password": password, "next": "/"}
    return (client or Client()).post("/admin/login/", data, REMOTE_ADDR=ip)  # type: ignore[return-value]


def fail(times: int, username: str = "maya", **how: Any) -> list[int]:
    return [log_in(username, **how).status_code for _ in range(times)]


@pytest.mark.usefixtures("_each_store")
def test_slows_down_who_guesses_and_says_for_how_long(hashes: list[float]) -> None:
    make_user(username="maya", password="correct-horse")
    hashes.clear()

    assert fail(5) == [200] * 5
    assert len(hashes) == 5
    refused = log_in(password="correct-horse")

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] in {"1", "2"}
    assert "Too many tries. Try again in " in refused.content.decode()
    assert WRONG not in refused.content.decode()
    # A refused try costs nothing, and the right password tells nothing.
    assert len(hashes) == 5


def test_the_delay_grows_and_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    delays: list[int] = []
    fail(login_brake.FREE_TRIES + 1)
    for _ in range(8):
        refused = log_in()
        delays.append(int(refused.headers["Retry-After"]))
        # Trying meanwhile makes it no longer.
        assert log_in().status_code == 429
        now[0] += delays[-1]
        assert log_in().status_code == 200

    assert delays == [2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.usefixtures("_each_store")
def test_a_stranger_locks_nobody_out() -> None:
    make_user(username="maya", password="correct-horse")
    fail(12)

    assert log_in(password="correct-horse", ip="198.51.100.1").status_code == 302


def test_a_browser_that_signed_in_before_is_not_held_up_by_its_neighbors() -> None:
    make_user(username="maya", password="correct-horse")
    mine = Client()
    assert log_in(password="correct-horse", client=mine).status_code == 302
    mine.post("/admin/logout/")
    fail(12)
    for n in range(30):
        log_in(f"somebody{n}")

    assert log_in(password="correct-horse").status_code == 429
    assert log_in(password="correct-horse", client=mine).status_code == 302
    # It may guess no faster than others, and only for the account it knows.
    assert log_in("somebody", client=mine).status_code == 429
    assert fail(6, client=mine)[-1] == 429


def test_a_forged_cookie_is_no_known_browser() -> None:
    make_user(username="maya")
    client = Client()
    client.cookies[login_brake.COOKIE] = "WyJtYXlhIiwiYSJd:1abc:forged"

    assert fail(6, client=client) == [200] * 5 + [429]


def test_slows_down_an_address_that_tries_many_accounts(hashes: list[float]) -> None:
    found = [log_in(f"user-{n}").status_code for n in range(30)]

    assert found == [200] * 21 + [429] * 9
    assert len(hashes) == 21
    assert log_in("maya", ip="2001:db8::1").status_code == 200


def test_addresses_of_one_ipv6_network_are_one() -> None:
    found = [log_in(ip=f"2001:db8::{n:x}").status_code for n in range(1, 7)]

    assert found == [200] * 5 + [429]


def test_spellings_of_a_username_are_one() -> None:
    found = [log_in(name).status_code for name in ("maya", "Maya", "MAYA", "mAya", " maya ", "maya")]

    assert found == [200] * 5 + [429]


@pytest.mark.usefixtures("_each_store")
def test_success_forgets_the_failures() -> None:
    make_user(username="maya", password="correct-horse")
    fail(4)

    assert log_in(password="correct-horse").status_code == 302
    assert fail(5) == [200] * 5


@pytest.mark.usefixtures("_each_store")
def test_signing_in_again_and_again_is_no_guessing() -> None:
    make_user(username="maya", password="correct-horse")

    assert {log_in(password="correct-horse").status_code for _ in range(30)} == {302}


@pytest.mark.usefixtures("_each_store")
def test_of_many_at_once_few_are_compared(hashes: list[float]) -> None:
    passed: list[str] = []

    def guess() -> None:
        try:
            login_brake._count("login:maya", free=login_brake.FREE_TRIES)
            passed.append("passed")
        except login_brake.TooManyTries:
            pass

    threads = [threading.Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) <= login_brake.FREE_TRIES + 1


def test_the_brake_holds_while_redis_is_away(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/13"
    limits.reset()

    assert fail(6) == [200] * 5 + [429]
    limits.reset()


def test_twelve_hashes_at_once_take_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords.OneAtATimeHasher, "iterations", 100_000)
    hasher, begun, cpu = passwords.OneAtATimeHasher(), time.monotonic(), time.process_time()

    threads = [threading.Thread(target=hasher.encode, args=["x", "salt"]) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (time.process_time() - cpu) / (time.monotonic() - begun) < 1.2


def test_says_that_it_is_busy_and_counts_no_try(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user(username="maya", password="correct-horse")
    monkeypatch.setattr(passwords, "WAIT_S", 0.01)
    with passwords._hashing:
        answers = [log_in(password="correct-horse") for _ in range(8)]

    assert {(answer.status_code, answer.headers["Retry-After"]) for answer in answers} == {(503, "5")}
    assert "Too many people are signing in." in answers[0].content.decode()
    assert log_in(password="correct-horse").status_code == 302


def test_logs_each_failure_without_what_was_typed(caplog: pytest.LogCaptureFixture) -> None:
    user = make_user(username="maya", password="correct-horse")
    with caplog.at_level(logging.INFO):
        log_in(password="hunter2-secret")
        log_in("hunter2-secret", "x")

    found = [record for record in caplog.records if record.name == "coachbot.login_brake"]
    lines = [json.loads(JsonFormatter().format(record)) for record in found]
    assert [(line["level"], line["message"], line["account"], line["address"]) for line in lines] == [
        ("warning", "a login failed", f"user {user.pk}", "192.0.2.7"),
        ("warning", "a login failed", "unknown", "192.0.2.7"),
    ]
    assert "hunter2" not in caplog.text + json.dumps(lines)


def test_slows_down_who_guesses_the_old_password(hashes: list[float]) -> None:
    client = Client()
    client.force_login(make_user(username="maya", password="correct-horse"))
    data = {"old_password": "wrong", "new_password1": "battery-staple-9", "new_password2": "battery-staple-9"}
    hashes.clear()

    answers = [client.post("/admin/password_change/", data) for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert len(hashes) == 5
    assert "Too many tries. Try again in " in answers[-1].content.decode()


def test_a_password_can_be_changed() -> None:
    client = Client()
    client.force_login(make_user(username="maya", password="correct-horse"))
    data = {
        "old_password": "correct-horse",
        "new_password1": "battery-staple-9",
        "new_password2": "battery-staple-9",
    }

    assert client.get("/admin/password_change/").status_code == 200
    assert client.post("/admin/password_change/", data).headers["Location"] == "/admin/password_change/done/"
    assert log_in(password="battery-staple-9").status_code == 302
