"""Any number of workers: each promise is kept by one of them."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import responses
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from conftest import make_dispatch, make_lead, make_workspace
from database import clock
from leads import sweep
from leads.management.commands import worker as command
from leads.management.commands.worker import Worker
from leads.models import Dispatch, Lead
from webapi.tests.backend import calls_to_vapi, vapi_takes

PAST = timedelta(seconds=1)
KEEP_CHANNELS_PROMISES, SEND_MAIL = sweep.keep_channels_promises, sweep.send_mail


def make_due(**overrides: Any) -> Dispatch:
    fields = {"status": "pending", "due_at": timezone.now() - PAST} | overrides
    return make_dispatch(make_lead(make_workspace()), **fields)


@pytest.mark.django_db
def test_a_pending_dispatch_is_claimed_once() -> None:
    dispatch, now = make_due(), timezone.now()

    assert Dispatch.objects.claim(dispatch.pk, by="one", at=now) is True
    assert Dispatch.objects.claim(dispatch.pk, by="other", at=now) is False

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.claimed_by, dispatch.attempts) == ("sending", "one", 1)
    assert dispatch.due_at == now + timedelta(seconds=60)


@pytest.mark.django_db
def test_a_silent_dispatch_is_taken_over_once() -> None:
    dispatch, now = make_due(status="sending", claimed_by="dead"), timezone.now()

    assert Dispatch.objects.take_over(dispatch.pk, stale=dispatch.due_at, by="one", at=now) is True
    assert Dispatch.objects.take_over(dispatch.pk, stale=dispatch.due_at, by="other", at=now) is False

    dispatch.refresh_from_db()
    assert dispatch.claimed_by == "one"


@pytest.mark.django_db
def test_two_workers_that_saw_the_same_rows_share_them() -> None:
    for _ in range(4):
        make_due()
        make_due(status="sending", claimed_by="dead")
    now = timezone.now()
    one, other = sweep.claim_jobs(by="one", now=now, limit=9), sweep.claim_jobs(by="other", now=now, limit=9)

    taken = [next(one), next(other), *one, *other]

    assert len(taken) == 8
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"sending"}


@pytest.mark.django_db
@responses.activate
def test_who_lost_a_dispatch_can_neither_finish_nor_undo_it() -> None:
    """A worker that slept through its lease finds that another one has the row."""
    responses.post("https://api.vapi.ai/call", body="no", status=400)
    dispatch = make_due()
    (job,) = sweep.claim_jobs(by="slow", now=timezone.now(), limit=1)
    slow = Dispatch.objects.select_related("lead").get()
    Dispatch.objects.update(claimed_by="other")

    sweep.send_claimed(slow)

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.claimed_by) == ("sending", "other")
    assert Lead.objects.get().status == "new"
    assert callable(job)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_workers_at_once_ring_each_phone_once() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("threads share no database in memory")
    for _ in range(12):
        make_due()
    gate = threading.Barrier(4)

    def work() -> None:
        gate.wait()
        try:
            for job in sweep.claim_jobs(by=threading.current_thread().name, now=timezone.now(), limit=50):
                job()
        finally:
            connection.close()

    with responses.RequestsMock() as wire:
        n = iter(range(100))
        wire.add_callback(
            responses.POST, "https://api.vapi.ai/call", callback=lambda _: (201, {}, f'{{"id": "call-{next(n)}"}}')
        )
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(wire.calls) == 12

    assert set(Dispatch.objects.values_list("status", "attempts")) == {("done", 1)}


@pytest.mark.django_db
@responses.activate
def test_claims_no_more_than_it_has_threads_for(monkeypatch: pytest.MonkeyPatch) -> None:
    vapi_takes()
    for _ in range(3):
        make_due()
    worker = Worker(threads=2, interval_s=0)
    held: list[Any] = []

    def submit(*args: Any) -> Any:
        held.append(args)
        return _Running()

    monkeypatch.setattr(worker._pool, "submit", submit)
    monkeypatch.setattr(worker._chore_pool, "submit", lambda *args: _Running())

    assert [worker.sweep_once(), worker.sweep_once()] == [2, 0]
    assert Dispatch.objects.filter(status="pending").count() == 1
    assert not calls_to_vapi()


class _Running:
    """A job that goes on."""

    def done(self) -> bool:
        return False


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker that has nothing to do but its chores, and they are none either."""
    monkeypatch.setattr(sweep, "claim_jobs", lambda **_: iter(()))
    monkeypatch.setattr(sweep, "keep_channels_promises", lambda **_: 0)
    monkeypatch.setattr(sweep, "send_mail", lambda **_: 0)
    monkeypatch.setattr(sweep, "retire", lambda **_: 0)
    monkeypatch.setattr(command, "_close_connection", lambda: None)
    monkeypatch.setattr(clock.Keeper, "keep", lambda _: None)
    worker = Worker(threads=1, interval_s=0.05)
    yield worker
    worker._chore_pool.shutdown()


def until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 5
    while time.monotonic() < give_up_at:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("It didn't come to that within 5 seconds.")


@pytest.mark.parametrize("chore", ["keep_channels_promises", "send_mail", "retire"])
def test_a_chore_that_takes_long_holds_no_dispatch_up_and_is_not_begun_twice(
    idle: Worker, monkeypatch: pytest.MonkeyPatch, chore: str
) -> None:
    may_end, begun, closed = threading.Event(), list[str](), list[str]()

    def takes_long(**_: Any) -> int:
        begun.append(threading.current_thread().name)
        return int(may_end.wait(3))

    monkeypatch.setattr(sweep, chore, takes_long)
    monkeypatch.setattr(command, "_close_connection", lambda: closed.append(threading.current_thread().name))
    monkeypatch.setattr(command, "RETIRE_EVERY_S", -1.0)

    started = time.monotonic()
    assert [idle.sweep_once() for _ in range(3)] == [0, 0, 0]
    assert time.monotonic() - started < 2
    until(lambda: len(begun) == 1)
    assert begun[0] != threading.current_thread().name
    may_end.set()
    until(lambda: begun[0] in closed)
    until(lambda: idle.sweep_once() == 0 and len(begun) >= 2)


def test_a_slow_mail_server_holds_no_promise_up(idle: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, channel = threading.Event(), Mock(sweep=Mock(return_value=0))
    monkeypatch.setattr(sweep, "keep_channels_promises", KEEP_CHANNELS_PROMISES)
    monkeypatch.setattr(sweep, "send_mail", SEND_MAIL)
    monkeypatch.setattr(sweep, "get_channel", lambda _: channel)
    monkeypatch.setattr("agents.settling.settle_bookings", lambda **_: 0)
    monkeypatch.setattr("leadforms.held_mail.sweep", lambda **_: 0)
    monkeypatch.setattr("leads.alerts.sweep", lambda **_: int(may_end.wait(5)))

    until(lambda: idle.sweep_once() == 0 and channel.sweep.call_count > 3 * len(settings.LEAD_CHANNELS))
    may_end.set()


def test_told_to_stop_it_does_not_wait_for_a_long_chore(idle: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(sweep, "keep_channels_promises", lambda **_: may_end.wait(3))
    monkeypatch.setattr(command, "STOP_WITHIN_S", 0.2)
    threading.Timer(0.2, idle.stopping.set).start()

    started = time.monotonic()
    assert idle.run() is False
    assert time.monotonic() - started < 2
    may_end.set()


def test_a_chore_that_fails_is_done_again(idle: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def fails(**_: Any) -> int:
        tries.append(1)
        raise (DatabaseError("away") if len(tries) == 1 else RuntimeError("broken"))

    monkeypatch.setattr(sweep, "keep_channels_promises", fails)

    until(lambda: idle.sweep_once() == 0 and len(tries) >= 3)


@pytest.mark.django_db(transaction=True)
def test_goes_on_when_the_database_is_away_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(threads=1, interval_s=0)
    sweeps: list[int] = []

    def sweep_once() -> int:
        sweeps.append(1)
        if len(sweeps) == 3:
            worker.stopping.set()
            return 0
        raise DatabaseError("away")

    monkeypatch.setattr(worker, "sweep_once", sweep_once)

    assert worker.run() is True
    assert len(sweeps) == 3
