"""Outside the calling hours Vapi keeps a call until they begin; what must not be made any more is taken back."""

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from conftest import NOW, make_lead, make_user, make_workspace
from leads import again
from leads.erasure import erase_leads
from leads.hours import Hours, next_span
from leads.models import Erasure, Lead, LeadEvent
from leads.status import change_status
from leads.suppression import suppress
from leads.takeover import take_over
from leads.timeline import read_timeline
from voice import channel
from voice.models import CallSession
from voice.tests.factories import CALL_ID, CALL_URL, make_call, post_event, status_update
from webapi.tests.backend import Backend, submission
from workspaces.models import LogEntry, Workspace

pytestmark = pytest.mark.django_db

ONE_CALL = f"{CALL_URL}/{CALL_ID}"


def closed_now() -> dict[str, Any]:
    """Make hours that begin in two hours, for phones in London."""
    hour = (timezone.now() + timedelta(hours=2)).astimezone(UTC)
    return {"calling_from": time(hour.hour), "calling_until": time((hour.hour + 1) % 24), "timezone": "UTC"}


def vapi_schedules() -> None:
    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        plan = json.loads(request.body).get("schedulePlan")
        status = "scheduled" if plan else "queued"
        return 201, {}, json.dumps({"id": CALL_ID, "status": status, "schedulePlan": plan})

    responses.add_callback(responses.POST, CALL_URL, callback=answer)


@pytest.fixture(autouse=True)
def _phones_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the workspace's zone count, so that summer time is in nobody's way."""
    monkeypatch.setattr("leads.hours._zones", lambda phone, *, own: [])


@responses.activate
def test_the_answer_stays_and_vapi_is_told_when_to_call() -> None:
    vapi_schedules()
    backend = Backend(make_workspace(**closed_now()))
    hours = Hours(
        since=backend.workspace.calling_from or time(), until=backend.workspace.calling_until or time(), timezone="UTC"
    )
    since, until = next_span(hours, "", at=timezone.now())

    answer = backend.post(submission())

    lead_id = answer.json()["leadId"]
    assert (answer.status_code, answer.json()) == (
        201,
        {"ok": True, "leadId": lead_id, "status": "in_progress", "vapiCallId": CALL_ID, "callQueued": True},
    )
    sent = json.loads(responses.calls[0].request.body or b"")
    assert sent["schedulePlan"] == {
        "earliestAt": f"{since:%Y-%m-%dT%H:%M:%S}.000Z",
        "latestAt": f"{until:%Y-%m-%dT%H:%M:%S}.000Z",
    }
    # What the assistant knows of the time is that of the call.
    assert f"{since:%I:%M %p}" in sent["assistantOverrides"]["variableValues"]["currentTime"]
    session = CallSession.objects.get()
    assert (session.vapi_status, session.status) == ("scheduled", "in_progress")
    event = LeadEvent.objects.get(lead_id=lead_id)
    assert (event.kind, datetime.fromisoformat(event.data["at"])) == ("call_scheduled", since)
    titles = [str(item.data.get("title")) for item in read_timeline(Lead.objects.get(pk=lead_id))]
    assert ("Call planned" in titles, "Contacted" in titles) == (True, False)


def open_now() -> dict[str, Any]:
    """Choose hours around this moment, over midnight where it is near."""
    now, hour = timezone.now().astimezone(UTC), timedelta(hours=1)
    return {"calling_from": (now - hour).time(), "calling_until": (now + hour).time()}


@responses.activate
@pytest.mark.parametrize("limited", [False, True])
def test_within_the_hours_it_is_called_at_once(limited: bool) -> None:
    vapi_schedules()

    Backend(make_workspace(**(open_now() if limited else {}))).post(submission())

    assert "schedulePlan" not in json.loads(responses.calls[0].request.body or b"")
    assert not LeadEvent.objects.exists()


@responses.activate
def test_a_test_lead_s_call_waits_for_nothing() -> None:
    Backend(make_workspace(**closed_now()), mode="test").post(submission())

    assert CallSession.objects.get().vapi_status == "simulated"


def test_an_answer_that_was_lost_is_found_with_its_hour() -> None:
    call = {"id": "x", "status": "scheduled", "schedulePlan": {"earliestAt": "2026-06-08T08:00:00Z"}}
    assert channel._details(call) == {"vapi_status": "scheduled", "scheduled_at": "2026-06-08T08:00:00.000Z"}


def test_it_begins_when_its_hour_comes() -> None:
    session = make_call(vapi_status="scheduled")

    for status, shown in (("queued", "queued"), ("ringing", "ringing"), ("scheduled", "ringing")):
        post_event(session.lead.workspace, status_update(status))
        session.refresh_from_db()
        assert session.vapi_status == shown


def stop(lead: Lead) -> None:
    suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason="stop", now=timezone.now())


def take(lead: Lead) -> None:
    take_over(lead.pk, by_id=make_user().pk, now=timezone.now())


def pause(lead: Lead) -> None:
    Workspace.objects.update(agent_enabled=False)


def book(lead: Lead) -> None:
    change_status(lead.pk, "booked", now=timezone.now(), booking_uid="uid")


HINDRANCES = [stop, take, pause, book]


@responses.activate
@pytest.mark.parametrize("hinder", HINDRANCES)
def test_it_is_taken_back_when_it_is_not_wanted_any_more(hinder: Any) -> None:
    session = make_call(vapi_status="scheduled")
    responses.get(ONE_CALL, json={"id": CALL_ID, "status": "scheduled"})
    deleted = responses.delete(ONE_CALL, json={"id": CALL_ID})

    hinder(session.lead)
    call_command("sweep")
    call_command("sweep")

    session.refresh_from_db()
    assert (session.status, session.ended_reason, session.outcome) == ("ended", "scheduled-call-deleted", "cancelled")
    assert deleted.call_count == 1
    assert LogEntry.objects.filter(operation="DELETE /call", lead_id=session.lead_id).count() == 1


@responses.activate
def test_one_that_is_wanted_is_left_alone() -> None:
    make_call(vapi_status="scheduled", updated_at=timezone.now() - timedelta(hours=1))

    call_command("sweep")

    assert len(responses.calls) == 0


@responses.activate
def test_it_is_taken_back_once_vapi_is_there_again() -> None:
    session = make_call(vapi_status="scheduled")
    stop(session.lead)
    away = responses.get(ONE_CALL, status=503)
    call_command("sweep")
    call_command("sweep")
    # Not asked again at once.
    assert away.call_count == 1
    assert CallSession.objects.get().status == "in_progress"

    responses.replace(responses.GET, ONE_CALL, json={"id": CALL_ID, "status": "scheduled"})
    responses.delete(ONE_CALL, json={"id": CALL_ID})
    CallSession.objects.update(updated_at=NOW)
    call_command("sweep")

    assert CallSession.objects.get().ended_reason == "scheduled-call-deleted"


@responses.activate
@pytest.mark.parametrize(
    ("status", "shown"), [("ringing", ("in_progress", "ringing")), ("in-progress", ("in_progress", "in-progress"))]
)
def test_one_that_has_begun_goes_on(status: str, shown: tuple[str, str]) -> None:
    session = make_call(vapi_status="scheduled")
    responses.get(ONE_CALL, json={"id": CALL_ID, "status": status})
    stop(session.lead)

    call_command("sweep")
    call_command("sweep")

    session.refresh_from_db()
    assert (session.status, session.vapi_status) == shown
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 404}, "call-not-found-at-vapi"),
        ({"json": {"status": "ended", "endedReason": "customer-busy"}}, "customer-busy"),
    ],
)
def test_one_that_is_over_is_over(answer: dict[str, Any], reason: str) -> None:
    session = make_call(vapi_status="scheduled")
    responses.get(ONE_CALL, **answer)
    stop(session.lead)

    call_command("sweep")

    assert CallSession.objects.get().ended_reason == reason


@responses.activate
def test_one_that_was_asked_for_by_hand_after_the_booking_is_made() -> None:
    vapi_schedules()
    lead = make_lead(make_workspace(**closed_now()))
    change_status(lead.pk, "booked", now=timezone.now(), booking_uid="uid")
    lead.refresh_from_db()
    again.contact_again(lead, by_id=make_user().pk, now=timezone.now())
    call_command("sweep")
    CallSession.objects.update(updated_at=NOW)

    call_command("sweep")

    assert CallSession.objects.get().vapi_status == "scheduled"


@responses.activate
def test_that_of_an_erased_lead_is_taken_back_and_then_erased() -> None:
    session = make_call(vapi_status="scheduled")
    erase_leads(Lead.objects.filter(pk=session.lead_id), now=timezone.now())
    responses.get(ONE_CALL, json={"id": CALL_ID, "status": "scheduled"})
    deleted = responses.delete(ONE_CALL, json={"id": CALL_ID})

    call_command("sweep")

    assert Erasure.objects.get().reference == CALL_ID
    responses.replace(responses.GET, ONE_CALL, json={"id": CALL_ID, "status": "ended"})
    Erasure.objects.update(due_at=NOW)
    call_command("sweep")
    assert (Erasure.objects.count(), deleted.call_count) == (0, 2)
