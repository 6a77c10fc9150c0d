"""Whatever goes wrong under /api/ is answered in JSON, and elsewhere by a page."""

import json
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from pytest_django import Settings

from apikeys import gate
from leads import submit
from webapi.tests.backend import LEADS, Backend, submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def crash(*_: Any, **__: Any) -> Any:
    raise RuntimeError("secret detail")


def as_json(answer: Any) -> Any:
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Request-Id"]
    return json.loads(answer.content)


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/nothing",
        "/api/public/",
        "/api/public/nothing",
        "/api/public/leads/",
        "/api/public/leads/a/b",
        "/api/public/me/",
        "/api/public//leads",
        "/api/%00",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_of_the_api(client: Client, method: str, path: str) -> None:
    answer = client.generic(method, path)

    assert (answer.status_code, as_json(answer)) == (404, {"ok": False, "error": "not_found"})
    assert answer.content == b'{"ok":false,"error":"not_found"}'


def test_an_unknown_path_elsewhere_is_a_page(client: Client) -> None:
    answer = client.get("/nothing")

    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", LEADS, {"GET", "POST"}),
        ("PATCH", LEADS, {"GET", "POST"}),
        ("DELETE", LEADS, {"GET", "POST"}),
        ("POST", f"{LEADS}/5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f10", {"GET", "DELETE"}),
        ("PUT", f"{LEADS}/x", {"GET", "DELETE"}),
        ("POST", "/api/public/me", {"GET"}),
        ("PROPFIND", "/api/public/me", {"GET"}),
        ("OPTIONS", "/api/public/me", {"GET"}),
        ("TRACE", LEADS, {"GET", "POST"}),
    ],
)
def test_a_wrong_method_of_the_api(client: Client, method: str, path: str, allowed: set[str]) -> None:
    answer = client.generic(method, path)

    assert (answer.status_code, as_json(answer)) == (405, {"ok": False, "error": "method_not_allowed"})
    assert set(answer["Allow"].split(", ")) - {"HEAD"} == allowed


def test_a_body_over_128_kb(client: Client) -> None:
    answer = Backend().post("x" * 131_073)

    assert answer.status_code == 413
    assert as_json(answer) == {
        "ok": False,
        "error": "payload_too_large",
        "message": "The request body is larger than 128 kB.",
    }


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_a_crash_is_a_500_that_gives_nothing_away(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "inside":
        monkeypatch.setattr(submit, "accept_lead", crash)
    else:
        monkeypatch.setattr("leads.api.call_of", crash)

    answer = Backend().post(submission())

    assert answer.status_code == 500
    body = as_json(answer)
    assert list(body) == ["ok", "error", "message"]
    assert (body["ok"], body["error"]) == (False, "internal_error")
    assert b"secret" not in answer.content


@pytest.mark.parametrize("error", [OperationalError("host 10.0.0.1 away"), InterfaceError("closed")])
def test_a_database_that_is_away_is_a_503(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(gate, "identify", away)

    answer = Backend().get("/api/public/me")

    assert (answer.status_code, as_json(answer)) == (503, {"ok": False, "error": "unavailable"})
    assert answer["Retry-After"] == "5"


def test_an_unknown_host_is_refused_in_the_shape_of_where_it_asked(client: Client) -> None:
    api_answer = client.get("/api/public/me", headers={"Host": "evil.example"})
    page = client.get("/admin/login/", headers={"Host": "evil.example"})

    assert (api_answer.status_code, as_json(api_answer)) == (400, {"ok": False, "error": "bad_request"})
    assert page.status_code == 400
    assert page["Content-Type"].startswith("text/html")


def test_a_crash_of_a_page_is_a_page(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr("coachbot.health.MigrationExecutor", crash)

    answer = client.get("/readyz")

    assert answer.status_code == 500
    assert answer["Content-Type"].startswith("text/html")
    assert b"secret" not in answer.content


def test_a_crash_above_the_views_is_json_too(
    monkeypatch: pytest.MonkeyPatch, client: Client, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "coachbot.tests.test_errors.Broken"]

    answer = Client(raise_request_exception=False).get("/api/public/me")

    assert (answer.status_code, as_json(answer)["error"]) == (500, "internal_error")


class Broken:
    """Middleware that crashes."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        raise RuntimeError("secret detail")
