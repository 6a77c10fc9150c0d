"""Nobody picked up: called again as often as the workspace says, and not once more."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from conftest import NOW, make_dispatch, make_lead, make_user, make_workspace
from leads import again
from leads.models import Dispatch, Lead, LeadEvent
from leads.suppression import suppress
from leads.takeover import take_over
from voice import retries
from voice.models import CallSession
from voice.tests.factories import dispatch_of, make_call, post_event, report, status_update
from webapi.tests.backend import VAPI, calls_to_vapi
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

NOT_ANSWERED = "customer-did-not-answer"


def make_unanswered(workspace: Workspace | None = None, **lead: Any) -> CallSession:
    """Make a call that rings in a workspace that wants three more tries."""
    workspace = workspace or make_workspace(no_answer_retries=3, no_answer_wait_min=60)
    return make_call(lead=make_lead(workspace, **lead), vapi_status="ringing", rang=True)


def tell_end(session: CallSession, reason: str = NOT_ANSWERED, **more: Any) -> None:
    message = status_update("ended", call_id=session.vapi_call_id, endedReason=reason, **more)
    assert post_event(session.lead.workspace, message).status_code == 200


def planned() -> list[Dispatch]:
    return list(Dispatch.objects.filter(retry_of__isnull=False).order_by("created_at"))


def test_off_by_default() -> None:
    session = make_call()

    tell_end(session)

    assert (Dispatch.objects.count(), Lead.objects.get().status) == (1, "new")


@pytest.mark.parametrize("reason", [NOT_ANSWERED, "customer-busy", "voicemail"])
def test_another_call_is_planned_and_shown(reason: str) -> None:
    session = make_unanswered()

    tell_end(session, reason)

    dispatch = planned()[0]
    assert (dispatch.status, dispatch.retry_of_id) == ("pending", session.dispatch_id)
    wait = dispatch.due_at - timezone.now()
    assert timedelta(minutes=59) < wait <= timedelta(minutes=60)
    event = LeadEvent.objects.get(kind="call_retry")
    assert (event.data["attempt"], event.data["of"]) == (1, 3)
    assert datetime.fromisoformat(event.data["at"]) == dispatch.due_at


@pytest.mark.parametrize(
    "reason",
    [
        "customer-ended-call",
        "twilio-reported-customer-misdialed",
        "manually-canceled",
        "unheard-of",
        "silence-timed-out",
    ],
)
def test_none_after_any_other_end(reason: str) -> None:
    session = make_unanswered()

    tell_end(session, reason)

    assert not planned()


def test_none_where_there_was_talk_after_all() -> None:
    session = make_unanswered()

    post_event(session.lead.workspace, report(session.vapi_call_id, endedReason="customer-busy"))

    assert not planned()


def test_one_however_often_and_in_whatever_order_the_end_is_told() -> None:
    session = make_unanswered()
    silent = report(
        session.vapi_call_id, endedReason=NOT_ANSWERED, startedAt=None, durationSeconds=0, artifact={}, analysis={}
    )

    for _ in range(3):
        post_event(session.lead.workspace, silent)
        tell_end(session)
        tell_end(session, "customer-busy")

    assert len(planned()) == 1
    # And none when the end comes once more after the planned one was made.
    Dispatch.objects.filter(retry_of__isnull=False).update(status="done")
    tell_end(session)
    assert len(planned()) == 1


@responses.activate
def test_a_phone_is_never_rung_more_often_than_the_workspace_says() -> None:
    """51 times is what it came to elsewhere."""
    session = make_unanswered()
    workspace = session.lead.workspace
    for number in range(60):
        responses.post(VAPI, json={"id": f"call-{number}", "status": "queued"}, status=201)

    for _ in range(51):
        for call in CallSession.objects.all():
            for _ in range(3):
                tell_end(call)
        Dispatch.objects.filter(status="pending").update(due_at=timezone.now() - timedelta(seconds=1))
        call_command("sweep")

    assert len(calls_to_vapi("POST")) == 3
    assert CallSession.objects.count() == 4
    lead = Lead.objects.get()
    assert lead.status == "needs_human"
    event = LeadEvent.objects.filter(kind="status").latest("pk")
    assert event.data == {"from": "new", "to": "needs_human", "reason": "no answer after 4 calls"}
    assert workspace.dispatches.filter(status__in=Dispatch.OPEN).count() == 0


def test_a_voicemail_box_is_no_conversation() -> None:
    session = make_unanswered()
    workspace = session.lead.workspace
    post_event(workspace, status_update("in-progress", call_id=session.vapi_call_id))
    assert Lead.objects.get().status == "in_conversation"

    post_event(workspace, report(session.vapi_call_id, endedReason="voicemail", durationSeconds=12))

    assert (Lead.objects.get().status, len(planned())) == ("new", 1)


def test_a_machine_does_not_take_back_what_a_person_said() -> None:
    session = make_unanswered()
    lead = session.lead
    post_event(lead.workspace, status_update("in-progress", call_id=session.vapi_call_id))
    LeadEvent.objects.create(
        lead=lead, kind="status", data={"to": "in_conversation"}, by=make_user(), at=timezone.now()
    )

    tell_end(session, "voicemail")

    assert Lead.objects.get().status == "in_conversation"


def stop(session: CallSession) -> None:
    lead = session.lead
    suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason="stop", now=NOW)


def take(session: CallSession) -> None:
    take_over(session.lead_id, by_id=make_user().pk, now=NOW)


def pause(session: CallSession) -> None:
    Workspace.objects.update(agent_enabled=False)


def book(session: CallSession) -> None:
    Lead.objects.update(status="booked", booking_uid="uid")


def decide(session: CallSession) -> None:
    Lead.objects.update(status="unqualified")


HINDRANCES = [
    pytest.param(stop, "opted_out", id="opt-out"),
    pytest.param(take, "taken_over", id="takeover"),
    pytest.param(pause, "paused", id="pause"),
    pytest.param(book, "decided", id="booking"),
    pytest.param(decide, "decided", id="decision"),
]


@pytest.mark.parametrize(("hinder", "reason"), HINDRANCES)
def test_none_is_planned_where_it_is_not_wanted(hinder: Any, reason: str) -> None:
    session = make_unanswered()
    hinder(session)

    tell_end(session)

    assert not planned()
    assert retries.sweep(now=timezone.now(), limit=10) == 0


@responses.activate
@pytest.mark.parametrize(("hinder", "reason"), HINDRANCES)
def test_none_is_made_where_it_is_not_wanted_any_more(hinder: Any, reason: str) -> None:
    session = make_unanswered()
    tell_end(session)
    Dispatch.objects.filter(status="pending").update(due_at=timezone.now() - timedelta(seconds=1))

    hinder(session)
    call_command("sweep")

    dispatch = planned()[0]
    assert (dispatch.status, dispatch.reason) == ("skipped", reason)
    assert len(responses.calls) == 0


def test_none_for_a_lead_that_has_been_talked_to() -> None:
    session = make_unanswered()
    make_call(
        lead=session.lead,
        vapi_call_id="before",
        created_at=NOW - timedelta(days=1),
        status="ended",
        outcome="completed",
    )

    tell_end(session)

    assert not planned()


def test_none_after_an_old_call_where_a_later_one_was_made() -> None:
    session = make_unanswered()
    make_call(lead=session.lead, vapi_call_id="later", created_at=NOW + timedelta(hours=1))

    tell_end(session)

    assert not planned()


def test_none_while_another_promise_is_open() -> None:
    session = make_unanswered()
    make_dispatch(session.lead, status="pending")

    tell_end(session)

    assert not planned()


def test_erasing_the_lead_takes_the_plan_with_it() -> None:
    session = make_unanswered()
    tell_end(session)

    session.lead.delete()

    assert not Dispatch.objects.exists()


def test_falls_into_the_calling_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace(
        no_answer_retries=1, no_answer_wait_min=60, calling_from=time(8), calling_until=time(20), timezone="UTC"
    )
    session = make_unanswered(workspace, phone="+442079460000")
    evening = datetime(2026, 1, 7, 19, 30, tzinfo=UTC)
    CallSession.objects.update(outcome="no_answer", status="ended", ended_reason=NOT_ANSWERED)

    assert again.retry_unanswered(dispatch_of(session).pk, now=evening)

    assert planned()[0].due_at == datetime(2026, 1, 8, 8, 0, tzinfo=UTC)


def test_the_worker_plans_what_a_dead_process_left_unplanned() -> None:
    session = make_unanswered()
    CallSession.objects.update(
        status="ended", vapi_status="ended", outcome="no_answer", ended_reason=NOT_ANSWERED, updated_at=timezone.now()
    )

    call_command("sweep")
    call_command("sweep")

    assert [dispatch.retry_of_id for dispatch in planned()] == [session.dispatch_id]


def test_an_erased_dispatch_has_no_retry() -> None:
    session = make_unanswered()
    dispatch_id = dispatch_of(session).pk
    session.lead.delete()

    assert not again.retry_unanswered(dispatch_id, now=NOW)
