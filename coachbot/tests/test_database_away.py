"""While the database is away every page says so, in its own shape, and nothing of it is an error in the log."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.test import Client

from conftest import make_lead, make_member, make_workspace
from leads.management.commands import worker
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

PAGES = (
    "/",
    "/admin/",
    "/admin/login/",
    "/admin/acme/leads",
    "/admin/acme/leads?q=jane&status=new",
    "/admin/acme/leads.csv",
    "/admin/acme/leads/{lead}",
    "/admin/acme/leads/{lead}/timeline",
    "/admin/acme/form",
    "/admin/acme/form/draft",
    "/admin/acme/form/history",
    "/admin/acme/form/held",
    "/admin/acme/design",
    "/admin/acme/settings/agent",
    "/admin/acme/settings/alerts",
    "/admin/acme/settings/api-keys",
    "/admin/acme/settings/opt-outs",
    "/admin/leads/lead/",
    "/admin/leads/lead/{lead}/change/",
    "/admin/workspaces/workspace/add/",
    "/admin/auth/user/",
    "/admin/nothing/at/all",
)
POSTS = (
    "/admin/login/",
    "/admin/acme/leads/change",
    "/admin/acme/leads/{lead}/note",
    "/admin/acme/form/draft/save",
    "/admin/acme/settings/agent",
    "/admin/workspaces/workspace/add/",
)


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace(slug="acme")


@pytest.fixture
def client(workspace: Workspace) -> Client:
    """A member who is signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(make_member(workspace, is_superuser=True))
    return client


@pytest.fixture(params=[OperationalError, InterfaceError, InternalError])
def away(request: pytest.FixtureRequest) -> Callable[[], "AbstractContextManager[None]"]:
    """Let no statement come through."""

    def fail(*_: Any) -> Any:
        raise request.param("host 10.0.0.1: couldn't get a connection after 5.00 sec")

    return lambda: connection.execute_wrapper(fail)


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the handler of the settings would write as errors."""
    own = next(h for h in logging.getLogger().handlers if "NotOurFault" in str(h.filters))
    return lambda: [r.getMessage() for r in caplog.records if own.filter(r) and r.levelno >= logging.ERROR]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_the_console_is_a_503_that_can_be_tried_again(
    path: str, client: Client, workspace: Workspace, away: Any, errors: Any
) -> None:
    path = path.format(lead=make_lead(workspace).pk)

    with away():
        answer = client.get(path)

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer["Content-Type"].startswith("text/html")
    assert "Content-Security-Policy" in answer
    assert b"Temporarily unavailable" in answer.content
    assert b"10.0.0.1" not in answer.content
    assert errors() == []


@pytest.mark.parametrize("path", POSTS)
def test_what_is_sent_meanwhile_gets_the_same_answer(
    path: str, client: Client, workspace: Workspace, away: Any, errors: Any
) -> None:
    path = path.format(lead=make_lead(workspace).pk)

    with away():
        answer = client.post(path, {"username": "jane", "password": "secret"})

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert errors() == []


@pytest.mark.parametrize("path", ["/api/vapi/acme/events", "/api/vapi/acme/tools/listSlots", "/api/whatsapp/inbound"])
def test_webhooks_answer_json(path: str, client: Client, workspace: Workspace, away: Any, errors: Any) -> None:
    with away():
        answer = client.post(path, {"To": "whatsapp:+14155238886"}, headers={"Authorization": "Bearer secret"})

    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert answer["Retry-After"]
    assert errors() == []


def test_the_login_page_needs_no_database_to_be_shown(away: Any) -> None:
    with away():
        assert Client().get("/admin/login/").status_code == 200


def test_an_outage_outside_of_any_view_is_a_503_too(client: Client, settings: Any, errors: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "coachbot.tests.test_database_away.Away"]

    page, api = client.get("/admin/"), client.get("/api/public/me")

    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert (api.status_code, api.json()) == (503, {"ok": False, "error": "unavailable"})
    assert errors() == []


class Away:
    """Middleware that meets a database without a connection to spare."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        raise OperationalError("couldn't get a connection after 5.00 sec")


def test_a_bug_is_an_error_all_the_same(client: Client, monkeypatch: pytest.MonkeyPatch, errors: Any) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr("coachbot.health.MigrationExecutor", crash)

    assert client.get("/readyz").status_code == 500
    assert errors() == ["Internal Server Error: /readyz"]


def run_in_the_worker(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def job() -> None:
        raise error

    monkeypatch.setattr(worker, "_close_connection", lambda: None)
    worker._run(job)


def test_the_workers_jobs_end_in_warnings(
    monkeypatch: pytest.MonkeyPatch, errors: Any, caplog: pytest.LogCaptureFixture
) -> None:
    run_in_the_worker(monkeypatch, OperationalError("away"))

    assert errors() == []
    assert caplog.messages == ["dispatch failed unexpectedly: database unavailable: OperationalError"]


def test_a_bug_in_a_workers_job_is_an_error(monkeypatch: pytest.MonkeyPatch, errors: Any) -> None:
    run_in_the_worker(monkeypatch, RuntimeError("a bug"))

    assert errors() == ["dispatch failed unexpectedly"]
