"""What the worker does for calls: none is forgotten, none stays in progress for ever."""

from datetime import timedelta
from typing import Any

import pytest
import responses
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import NOW, make_dispatch, make_lead, make_workspace
from leads.channels import get_channel
from leads.models import Dispatch, Lead
from voice.models import CallSession
from voice.progress import News, advance
from voice.tests.factories import CALL_ID, CALL_URL, make_call, make_order
from workspaces.models import Integration

pytestmark = pytest.mark.django_db

SOON = NOW + timedelta(seconds=10)
LATER = NOW + timedelta(hours=3)


def sweep(now: Any) -> int:
    return get_channel("voice").sweep(now=now, limit=100)


def test_a_test_lead_lives_a_whole_life_without_any_wire() -> None:
    lead = make_lead(make_workspace(connected=False), is_test=True)
    order, channel = make_order(make_dispatch(lead, status="done")), get_channel("voice")
    channel.confirm([(order, channel.send(order))], now=NOW)
    assert (channel.latest_call(lead.pk) or {})["status"] == "in_progress"
    assert sweep(NOW + timedelta(seconds=1)) == 0
    assert sweep(SOON) == 1
    shown = channel.latest_call(lead.pk) or {}
    assert shown["status"] == "ended"
    assert shown["endedAt"] == "2026-06-07T13:03:47.162Z"
    assert shown["startedAt"] == "2026-06-07T13:03:37.162Z"
    assert shown["durationSeconds"] == 42
    assert shown["endedReason"] == "customer-ended-call"
    assert shown["summary"].startswith("Simulated call")
    assert shown["transcript"].startswith("AI: Hi, this is a simulated call")
    assert shown["recordingUrl"] is None
    lead.refresh_from_db()
    assert lead.status == "in_conversation"
    assert sweep(SOON) == 0


@responses.activate
def test_asks_vapi_about_a_call_without_news_and_takes_its_word() -> None:
    session = make_call()
    call = {"id": CALL_ID, "status": "ended", "endedReason": "customer-ended-call", "cost": 0.2}
    call |= {"startedAt": "2026-06-07T13:04:00.000Z", "endedAt": "2026-06-07T13:05:00.000Z"}
    call |= {"analysis": {"summary": "S"}, "artifact": {"transcript": "T", "recordingUrl": "https://r"}}
    responses.get(f"{CALL_URL}/{CALL_ID}", json=call)
    assert sweep(SOON) == 0
    assert sweep(LATER) == 1
    session.refresh_from_db()
    assert (session.status, session.outcome, session.duration_s) == ("ended", "completed", 60)
    assert (session.summary, session.transcript, session.has_recording) == ("S", "T", True)
    assert Lead.objects.get().status == "in_conversation"
    assert sweep(LATER) == 0
    assert len(responses.calls) == 1


@responses.activate
def test_a_call_that_goes_on_is_asked_about_again_two_hours_later() -> None:
    session = make_call()
    responses.get(f"{CALL_URL}/{CALL_ID}", json={"id": CALL_ID, "status": "in-progress"})
    assert [sweep(LATER), sweep(LATER), sweep(LATER + timedelta(hours=2))] == [0, 0, 0]
    assert len(responses.calls) == 2
    session.refresh_from_db()
    assert session.status == "in_progress"


@responses.activate
def test_a_call_that_vapi_does_not_know_has_ended() -> None:
    session = make_call()
    responses.get(f"{CALL_URL}/{CALL_ID}", status=404, json={})
    assert sweep(LATER) == 1
    session.refresh_from_db()
    assert (session.status, session.ended_reason, session.outcome) == ("ended", "call-not-found-at-vapi", "failed")


@responses.activate
def test_a_call_that_nobody_can_be_asked_about_ends_after_a_day() -> None:
    session = make_call()
    Integration.objects.all().delete()
    assert sweep(LATER) == 0
    assert sweep(LATER + timedelta(days=1)) == 1
    session.refresh_from_db()
    assert (session.status, session.ended_reason) == ("ended", "no-news-from-vapi")


@responses.activate
def test_a_vapi_that_is_away_does_not_keep_the_worker_from_its_work() -> None:
    for number in range(8):
        make_call(lead=make_lead(), vapi_call_id=f"call-{number}")
    responses.get(CALL_URL, status=500)
    responses.get(f"{CALL_URL}/call-0", status=500)
    assert sweep(LATER) == 0
    assert len(responses.calls) == 1
    assert CallSession.objects.filter(updated_at=LATER).count() == 1


@responses.activate
def test_looks_at_few_calls_in_one_sweep() -> None:
    for number in range(8):
        make_call(lead=make_lead(), vapi_call_id=f"call-{number}")
        responses.get(f"{CALL_URL}/call-{number}", status=404)
    assert [sweep(LATER), sweep(LATER)] == [5, 3]


@pytest.mark.parametrize(
    ("reason", "outcome", "dispatch_status", "lead_status"),
    [
        ("call.start.error-subscription-frozen", "account", "failed", "needs_human"),
        ("call.start.error-vapifault-database-error", "transient", "pending", "new"),
    ],
)
def test_acts_on_a_failure_that_was_told_before_its_dispatch_was_done(
    reason: str, outcome: str, dispatch_status: str, lead_status: str
) -> None:
    make_call(status="ended", vapi_status="ended", ended_reason=reason, outcome=outcome)
    assert sweep(SOON) == 1
    assert Dispatch.objects.get().status == dispatch_status
    assert Lead.objects.get().status == lead_status
    assert sweep(SOON) == 0


@pytest.mark.parametrize(("hours", "kept", "status"), [(23, 1, "pending"), (25, 0, "done")])
def test_a_call_that_never_came_about_is_remembered_through_a_day_without_a_worker(
    hours: int, kept: int, status: str
) -> None:
    fault = "call.start.error-vapifault-database-error"
    make_call(status="ended", vapi_status="ended", ended_reason=fault, outcome="transient")
    assert sweep(NOW + timedelta(hours=hours)) == kept
    assert Dispatch.objects.get().status == status


def test_a_blocked_first_try_is_no_matter_once_the_second_goes_on() -> None:
    blocked = "call.start.error-subscription-concurrency-limit-reached"
    first = make_call(status="ended", vapi_status="ended", ended_reason=blocked, outcome="transient")
    CallSession.objects.create(
        lead=first.lead, dispatch=first.dispatch, vapi_call_id="second", created_at=NOW, updated_at=NOW
    )
    assert sweep(SOON) == 0
    assert Dispatch.objects.get().status == "done"


def test_a_lead_that_somebody_decided_about_is_not_called_again() -> None:
    fault = "call.start.error-vapifault-database-error"
    make_call(status="ended", vapi_status="ended", ended_reason=fault, outcome="transient")
    Lead.objects.update(status="booked")
    assert sweep(SOON) == 0
    assert Dispatch.objects.get().status == "done"


def test_an_idle_sweep_costs_six_queries() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert sweep(NOW) == 0
    assert len(queries) == 6


@responses.activate
def test_asks_vapi_for_a_report_that_never_came() -> None:
    session = make_call()
    advance(session.pk, News(status="ended", at=NOW, ended_reason="customer-ended-call"), now=NOW)
    call = {"id": CALL_ID, "status": "ended", "endedReason": "customer-ended-call", "cost": 0.2}
    responses.get(f"{CALL_URL}/{CALL_ID}", json=call | {"artifact": {"transcript": "T", "recordingUrl": "https://r"}})

    assert [sweep(NOW + timedelta(minutes=n)) for n in (9, 10, 30)] == [0, 1, 0]

    session.refresh_from_db()
    assert (session.transcript, session.has_recording, session.ended_at) == ("T", True, NOW)
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize("reason", ["customer-did-not-answer", "scheduled-call-deleted", "call-not-found-at-vapi"])
def test_asks_for_no_report_where_nothing_was_said(reason: str) -> None:
    session = make_call()
    advance(session.pk, News(status="ended", at=NOW, ended_reason=reason), now=NOW)

    sweep(NOW + timedelta(minutes=30))

    assert len(responses.calls) == 0


@responses.activate
def test_stops_asking_for_a_report_after_some_hours() -> None:
    session = make_call()
    advance(session.pk, News(status="ended", at=NOW, ended_reason="customer-ended-call"), now=NOW)
    responses.get(f"{CALL_URL}/{CALL_ID}", status=500)

    for minutes in range(0, 600, 30):
        sweep(NOW + timedelta(minutes=minutes))

    assert len(responses.calls) == 6


def test_nobody_was_called() -> None:
    assert get_channel("voice").latest_call(make_lead().pk) is None


def test_the_latest_of_several_calls_is_shown() -> None:
    first = make_call(status="ended", vapi_status="ended", ended_reason="customer-busy", outcome="no_answer")
    make_call(lead=first.lead, vapi_call_id="second", created_at=NOW + timedelta(minutes=5))
    assert (get_channel("voice").latest_call(first.lead_id) or {})["status"] == "in_progress"
