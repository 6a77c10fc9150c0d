"""Leases go by the database's clock, however wrong this machine's is."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from database import clock

ON_POSTGRES = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    clock.forget()


def skew(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds))


def test_goes_by_this_machine_until_it_has_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    skew(monkeypatch, 90)

    assert clock.now() - datetime.now(UTC) > timedelta(seconds=89)


@ON_POSTGRES
@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [90, -90, 600, -600])
def test_tells_the_time_by_the_database(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    skew(monkeypatch, seconds)

    assert clock.measure() == pytest.approx(seconds, abs=1)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


@ON_POSTGRES
@pytest.mark.django_db
def test_runs_on_between_two_measurements(monkeypatch: pytest.MonkeyPatch) -> None:
    clock.measure()
    before = clock.now()
    started = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: started + 30)

    # The wall clock may be set meanwhile.
    skew(monkeypatch, -3600)
    assert clock.now() - before == pytest.approx(timedelta(seconds=30), abs=timedelta(seconds=1))


@ON_POSTGRES
@pytest.mark.django_db
def test_says_once_that_it_is_off_and_once_that_it_is_right_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clock, "MEASURE_EVERY_S", 0)
    caplog.set_level(logging.WARNING, "database.clock")
    keeper = clock.Keeper()
    for seconds in (0, 90, 91, 0, 0):
        skew(monkeypatch, seconds)
        keeper.keep()

    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "90 s ahead of the database's" in told[0]
    assert "agrees" in told[1]


@ON_POSTGRES
@pytest.mark.django_db
def test_keeps_what_it_knows_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    clock.measure()
    skew(monkeypatch, 600)

    def away() -> None:
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", away)
        with pytest.raises(DatabaseError):
            clock.Keeper().keep()

    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
