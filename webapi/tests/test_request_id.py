"""X-Request-Id: on every answer, the caller's own where it is fit."""

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from leads import submit
from webapi.tests.backend import Backend, submission

pytestmark = pytest.mark.django_db

OURS = re.compile(r"[0-9a-f]{32}").fullmatch


@pytest.mark.parametrize("own", ["a", "req_1.2-3", "8e03978e-40d5-43e8-bc93-6894a57f9324", "x" * 128])
def test_keeps_the_callers_own(own: str) -> None:
    assert Backend().get("/api/public/me", headers={"X-Request-Id": own})["X-Request-Id"] == own


@pytest.mark.parametrize("own", ["", " ", "a b", "x" * 129, "a\tb", "ü", "a/b", 'a"b', "a\n", "<script>", "{}"])
def test_replaces_what_is_not_fit(own: str) -> None:
    given = Backend().get("/api/public/me", headers={"X-Request-Id": own})["X-Request-Id"]

    assert OURS(given)


def test_makes_a_new_one_for_each_request() -> None:
    backend = Backend()

    ids = {backend.get("/api/public/me")["X-Request-Id"] for _ in range(5)}

    assert len(ids) == 5
    assert all(OURS(given) for given in ids)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/api/public/me", {}, 401),
        ("GET", "/api/nothing", {}, 404),
        ("GET", "/nothing", {}, 404),
        ("PUT", "/api/public/leads", {}, 405),
        ("GET", "/api/public/me", {"Host": "evil.example"}, 400),
        ("GET", "/healthz", {}, 200),
        ("POST", "/healthz", {}, 405),
        ("GET", "/admin/login/", {}, 200),
    ],
)
def test_stands_on_every_answer(method: str, path: str, headers: dict[str, str], status: int) -> None:
    client = Client(raise_request_exception=False)

    answer: Any = client.generic(method, path, headers=headers | {"X-Request-Id": "mine"})

    assert (answer.status_code, answer["X-Request-Id"]) == (status, "mine")


@pytest.mark.parametrize("status", [400, 413, 500])
def test_stands_on_what_goes_wrong(status: int, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    if status == 500:
        monkeypatch.setattr(submit, "accept_lead", lambda *_, **__: 1 / 0)
    if status == 413:
        settings.API_MAX_BODY_BYTES = 9

    answer = Backend().post("{" if status == 400 else submission(), X_Request_Id="mine")

    assert (answer.status_code, answer["X-Request-Id"]) == (status, "mine")
