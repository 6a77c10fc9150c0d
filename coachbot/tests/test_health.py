"""What a load balancer asks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


def test_is_alive_without_asking_anything() -> None:
    answer = Client().get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_is_ready_when_the_database_is_migrated() -> None:
    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_is_not_ready_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Any) -> Any:
        raise OperationalError("connection refused")

    monkeypatch.setattr("coachbot.health.MigrationExecutor", away)

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"ok": False, "error": "database unavailable"})
    assert Client().get("/healthz").status_code == 200


@pytest.mark.django_db
def test_is_not_ready_before_its_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coachbot.health.MigrationExecutor.migration_plan", lambda *_: [1, 2])

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"ok": False, "error": "2 migrations not applied"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_answers_head_and_refuses_to_be_posted_to(path: str) -> None:
    assert Client().head(path).status_code == 200
    assert Client().post(path).status_code == 405


@pytest.fixture
def _read_only() -> Iterator[None]:
    """Let the database take no writes, as on a disk that is full or mounted read-only."""
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on" if postgres else "PRAGMA query_only = 1")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off" if postgres else "PRAGMA query_only = 0")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_read_only")
def test_is_not_ready_while_the_database_takes_no_writes(
    monkeypatch: pytest.MonkeyPatch, logged_levels: Callable[[], set[str]]
) -> None:
    monkeypatch.setattr("coachbot.health._wrote_at", float("-inf"))

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"ok": False, "error": "database takes no writes"})
    assert "error" not in logged_levels()


@pytest.mark.django_db
def test_writes_once_a_second_however_often_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coachbot.health._wrote_at", float("-inf"))
    with CaptureQueriesContext(connection) as queries:
        assert [Client().get("/readyz").status_code for _ in range(5)] == [200] * 5

    assert (
        len([query for query in queries.captured_queries if query["sql"].startswith(("UPDATE", "PRAGMA user_version"))])
        == 1
    )
