"""What a load balancer asks."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client


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
