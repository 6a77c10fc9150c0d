"""What is sent late rings nobody at night, nobody a day later, and not everybody in one second."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import requests
import responses
from django.utils import timezone
from pytest_django import Settings

from conftest import NOW, make_dispatch, make_lead, make_workspace
from leads import late
from leads.again import retry_unanswered
from leads.models import Dispatch, LatePace, Lead
from leads.sweep import claim_jobs
from webapi.tests.backend import VAPI, calls_to_vapi
from workspaces.models import LogEntry, Workspace

pytestmark = pytest.mark.django_db

# In London it is an hour later (BST).
NIGHT = datetime(2026, 6, 8, 2, 0, tzinfo=UTC)
MORNING = datetime(2026, 6, 8, 7, 0, tzinfo=UTC)
DAY = datetime(2026, 6, 8, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> "Clock":
    """The defaults, and a clock that the test sets."""
    settings.LATE_AFTER_S, settings.CONTACT_MAX_AGE_S = 600, 86_400
    settings.DISPATCH_LOOK_AGAIN_S = 0
    settings.LATE_HOURS, settings.LATE_CONTACTS_PER_MINUTE = (time(8), time(21)), 5
    return Clock(monkeypatch)


class Clock:
    """What time it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = DAY
        monkeypatch.setattr(timezone, "now", lambda: self.now)


def vapi_takes_all() -> None:
    ids = itertools.count()

    def take(request: Any) -> tuple[int, dict[str, str], str]:
        return 201, {}, json.dumps({"id": f"call-{next(ids)}", "status": "queued"})

    responses.add_callback("POST", VAPI, take)


def make_late(workspace: Workspace, *, at: datetime, age: timedelta, **overrides: Any) -> Dispatch:
    lead = make_lead(workspace, created_at=at - age, **overrides.pop("lead", {}))
    return make_dispatch(lead, **({"due_at": at - age, "created_at": at - age} | overrides))


def work(clock: Clock, *, at: datetime) -> None:
    """Let a worker do all that is due at a moment."""
    clock.now = at
    for job in list(claim_jobs(by="worker", now=at, limit=1000)):
        job()


def state(dispatch: Dispatch) -> tuple[str, datetime, str, int]:
    dispatch.refresh_from_db()
    return dispatch.status, dispatch.due_at, dispatch.reason, dispatch.attempts


@responses.activate
def test_a_fresh_one_is_called_at_any_hour(clock: Clock) -> None:
    vapi_takes_all()
    dispatch = make_late(make_workspace(), at=NIGHT, age=timedelta(minutes=9))

    work(clock, at=NIGHT)

    assert state(dispatch)[0] == "done"


@responses.activate
@pytest.mark.parametrize("age", [timedelta(minutes=11), timedelta(hours=8)])
def test_a_late_one_waits_for_the_morning_where_its_phone_is(clock: Clock, age: timedelta) -> None:
    workspace = make_workspace()
    british = make_late(workspace, at=NIGHT, age=age, lead={"phone": "+447700900111"})
    # In New York it is 22:00.
    american = make_late(workspace, at=NIGHT, age=age, lead={"phone": "+12125550111"})

    work(clock, at=NIGHT)

    assert state(british) == ("pending", MORNING, "quiet_hours", 0)
    assert state(american) == ("pending", datetime(2026, 6, 8, 12, 0, tzinfo=UTC), "quiet_hours", 0)
    assert calls_to_vapi() == []


@responses.activate
def test_the_workspace_s_own_hours_come_first(clock: Clock) -> None:
    workspace = make_workspace(calling_from=time(10), calling_until=time(12), timezone="Europe/London")
    dispatch = make_late(workspace, at=MORNING, age=HOUR, lead={"phone": "+447700900111"})

    work(clock, at=MORNING)

    assert state(dispatch)[:2] == ("pending", DAY)


@responses.activate
def test_two_hundred_late_ones_are_called_a_few_a_minute(clock: Clock) -> None:
    vapi_takes_all()
    workspace = make_workspace()
    dispatches = [make_late(workspace, at=NIGHT, age=timedelta(hours=8)) for _ in range(200)]

    work(clock, at=NIGHT)
    at = MORNING
    made = []
    while at < MORNING + HOUR and Dispatch.objects.filter(status="pending").exists():
        work(clock, at=at)
        made.append(len(calls_to_vapi()))
        at += timedelta(minutes=1)

    assert made[0] == 1
    assert max(later - earlier for earlier, later in zip(made, made[1:], strict=False)) <= 6
    assert made[-1] == 200
    assert {state(dispatch)[0] for dispatch in dispatches} == {"done"}


@responses.activate
def test_an_account_whose_lines_are_known_calls_as_many_a_minute(clock: Clock) -> None:
    vapi_takes_all()
    workspace = make_workspace()
    late.note_lines(workspace.pk, 10)
    late.note_lines(workspace.pk, 20)
    for _ in range(40):
        make_late(workspace, at=DAY, age=HOUR)

    for minute in range(3):
        for second in range(0, 60, 3):
            work(clock, at=DAY + timedelta(minutes=minute, seconds=second))
        assert 18 <= len(calls_to_vapi()) - minute * 20 <= 21 or minute == 2
    assert len(calls_to_vapi()) == 40


@responses.activate
def test_one_workspace_s_late_ones_keep_no_other_s_waiting(clock: Clock) -> None:
    vapi_takes_all()
    for _ in range(2):
        make_late(make_workspace(), at=DAY, age=HOUR)

    work(clock, at=DAY)

    assert len(calls_to_vapi()) == 2


@responses.activate
def test_a_moment_that_passed_while_no_worker_ran_is_given_anew(clock: Clock) -> None:
    vapi_takes_all()
    workspace = make_workspace()
    dispatches = [make_late(workspace, at=DAY, age=HOUR) for _ in range(3)]
    work(clock, at=DAY)
    assert len(calls_to_vapi()) == 1

    work(clock, at=DAY + HOUR)

    assert len(calls_to_vapi()) == 2
    assert sorted(state(dispatch)[0] for dispatch in dispatches) == ["done", "done", "pending"]


@responses.activate
def test_one_that_is_too_old_needs_a_human_and_rings_nobody(clock: Clock) -> None:
    dispatch = make_late(make_workspace(), at=DAY, age=timedelta(hours=25))

    work(clock, at=DAY)

    assert state(dispatch)[0] == "failed"
    lead = Lead.objects.get(pk=dispatch.lead_id)
    assert lead.status == "needs_human"
    assert dispatch.reason == "Not contacted in time: it was due 25 hours ago."
    assert calls_to_vapi() == []


@responses.activate
def test_one_that_would_be_too_old_by_morning_needs_a_human_now(clock: Clock) -> None:
    dispatch = make_late(make_workspace(), at=NIGHT, age=timedelta(hours=20))

    work(clock, at=NIGHT)

    assert state(dispatch)[0] == "failed"


@responses.activate
def test_a_planned_retry_counts_from_its_plan(clock: Clock) -> None:
    vapi_takes_all()
    on_time = make_late(make_workspace(), at=NIGHT, age=timedelta(days=3), planned_at=NIGHT - timedelta(minutes=5))
    late_one = make_late(make_workspace(), at=NIGHT, age=timedelta(days=3), planned_at=NIGHT - HOUR)

    work(clock, at=NIGHT)

    assert state(on_time)[0] == "done"
    assert state(late_one)[:2] == ("pending", MORNING)


def test_a_retry_is_planned_for_the_hours_of_late_ones() -> None:
    evening = datetime(2026, 6, 7, 19, 50, tzinfo=UTC)
    workspace = make_workspace(no_answer_retries=1, no_answer_wait_min=30)
    dispatch = make_late(workspace, at=evening, age=HOUR, status="done", lead={"phone": "+447700900111"})

    assert retry_unanswered(dispatch.pk, now=evening)

    assert Dispatch.objects.get(retry_of=dispatch).due_at == MORNING


@responses.activate
def test_a_test_lead_waits_for_nothing(clock: Clock) -> None:
    dispatch = make_late(make_workspace(), at=NIGHT, age=timedelta(days=2), lead={"is_test": True})

    work(clock, at=NIGHT)

    assert state(dispatch)[0] == "done"


class TestFullAndAway:
    """A full or an absent Vapi uses no attempt up, and is waited for as long as a lead may get old."""

    @pytest.fixture
    def dispatch(self) -> Dispatch:
        return make_late(make_workspace(), at=DAY, age=timedelta())

    @pytest.fixture(autouse=True)
    def vapi(self) -> Iterator[responses.RequestsMock]:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            yield mock

    def wait_out(self, clock: Clock, dispatch: Dispatch, *, hours: int) -> int:
        """Let a worker run until so many hours have passed. Returns how often the dispatch was tried."""
        tries, at = 0, DAY
        while at < DAY + hours * HOUR and dispatch.status != "failed":
            work(clock, at=at)
            dispatch.refresh_from_db()
            tries += dispatch.status == "pending" and dispatch.reason not in late.WORDS
            at = max(dispatch.due_at, at + timedelta(seconds=30))
        return tries

    def test_busy_lines_use_up_no_attempt(self, clock: Clock, dispatch: Dispatch, vapi: responses.RequestsMock) -> None:
        busy = {"id": "c", "subscriptionLimits": {"concurrencyBlocked": True, "concurrencyLimit": 7}}
        vapi.post(VAPI, json=busy, status=201)

        tries = self.wait_out(clock, dispatch, hours=3)

        assert tries > 20
        assert state(dispatch)[0] == "pending"
        assert dispatch.attempts == 0
        assert Lead.objects.get().status == "new"
        assert LatePace.objects.get().lines == 7
        # One entry tells it.
        assert LogEntry.objects.filter(outcome="unavailable").count() < tries

    @pytest.mark.parametrize("fault", [{"body": requests.ConnectTimeout()}, {"status": 503}], ids=["dead", "503"])
    def test_an_outage_uses_up_no_attempt_and_ends_with_a_human(
        self, clock: Clock, dispatch: Dispatch, vapi: responses.RequestsMock, fault: dict[str, Any]
    ) -> None:
        vapi.post(VAPI, **fault)
        vapi.get(VAPI, json=[])

        assert self.wait_out(clock, dispatch, hours=3) > 10
        assert dispatch.attempts == 0
        self.wait_out(clock, dispatch, hours=72)

        dispatch.refresh_from_db()
        assert dispatch.status == "failed"
        assert "Last: " in dispatch.reason or "Vapi" in dispatch.reason
        assert Lead.objects.get().status == "needs_human"

    def test_what_only_one_lead_suffers_from_is_given_up_as_ever(
        self, clock: Clock, dispatch: Dispatch, vapi: responses.RequestsMock
    ) -> None:
        vapi.post(VAPI, body=requests.ConnectTimeout())
        Dispatch.objects.filter(pk=dispatch.pk).update(attempts=7)
        make_dispatch(make_lead(dispatch.workspace), status="done", created_at=NOW, finished_at=DAY)

        work(clock, at=DAY)

        assert state(dispatch)[0] == "failed"
