"""A phone that said stop is dialled through no door there is."""

from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from conftest import NOW, make_dispatch, make_lead, make_workspace
from leads.again import CannotContact, contact_again
from leads.dispatch import send_again
from leads.intake import Submission, accept_lead
from leads.models import Dispatch, Suppression
from leads.suppression import suppress
from voice.tests.factories import make_call, post_event, report, status_update
from webapi.tests.backend import VAPI, Backend, calls_to_vapi, submission
from workspaces.models import LogEntry, Workspace

pytestmark = pytest.mark.django_db
PHONE = "+447123456789"


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace(no_answer_retries=3)


def say_stop(workspace: Workspace) -> None:
    suppress(workspace_id=workspace.pk, phone=PHONE, reason=Suppression.Reason.STOP, now=NOW)


def sweep_all() -> None:
    Dispatch.objects.filter(status="pending").update(due_at=timezone.now() - timedelta(seconds=1))
    call_command("sweep")


@responses.activate
def test_as_a_new_lead(workspace: Workspace) -> None:
    say_stop(workspace)

    answer = Backend(workspace).post(submission(phone="+44 7123 456789"))

    sweep_all()
    assert (answer.status_code, answer.json()["callQueued"]) == (201, False)
    assert not calls_to_vapi("POST")


@responses.activate
def test_as_a_form_s_lead_that_was_held_and_is_released(workspace: Workspace) -> None:
    say_stop(workspace)
    held = Submission(workspace_id=workspace.pk, channel="voice", name="Jane", phone=PHONE, source="form", later=True)

    accepted = accept_lead(held, now=NOW)

    sweep_all()
    assert accepted.skipped == "opted_out"
    assert not calls_to_vapi("POST")


@responses.activate
def test_again_from_the_journal(workspace: Workspace) -> None:
    refused = responses.post(VAPI, status=400, body="no")
    Backend(workspace).post(submission(phone=PHONE))
    say_stop(workspace)

    send_again(LogEntry.objects.get(submission__isnull=False), now=timezone.now())

    sweep_all()
    assert refused.call_count == 1
    assert (Dispatch.objects.get().status, Dispatch.objects.get().reason) == ("skipped", "opted_out")


@responses.activate
def test_as_a_retry(workspace: Workspace) -> None:
    session = make_call(lead=make_lead(workspace, phone=PHONE))
    post_event(workspace, status_update("ended", endedReason="customer-busy"))
    assert Dispatch.objects.filter(status="pending").count() == 1

    say_stop(workspace)
    sweep_all()

    assert not calls_to_vapi("POST")
    assert Dispatch.objects.get(retry_of=session.dispatch_id).reason == "opted_out"


@responses.activate
def test_again_by_hand(workspace: Workspace) -> None:
    lead = make_lead(workspace, phone=PHONE)
    say_stop(workspace)
    with pytest.raises(CannotContact):
        contact_again(lead, by_id=None, now=NOW)


@responses.activate
def test_after_a_sender_went_silent_and_vapi_never_got_it(workspace: Workspace) -> None:
    responses.get(VAPI, json=[])
    long_ago = timezone.now() - timedelta(minutes=2)
    make_dispatch(
        make_lead(workspace, phone=PHONE),
        status="sending",
        claimed_by="dead:1",
        claimed_at=long_ago,
        due_at=long_ago,
        attempts=1,
    )
    say_stop(workspace)

    sweep_all()
    sweep_all()

    assert (Dispatch.objects.get().status, Dispatch.objects.get().reason) == ("skipped", "opted_out")
    assert not calls_to_vapi("POST")


@responses.activate
def test_after_a_passing_fault_at_vapi(workspace: Workspace) -> None:
    make_call(lead=make_lead(workspace, phone=PHONE))
    fault = "call.start.error-vapifault-database-error"
    post_event(workspace, status_update("ended", endedReason=fault))
    assert Dispatch.objects.get().status == "pending"

    say_stop(workspace)
    sweep_all()

    assert not calls_to_vapi("POST")


@pytest.mark.parametrize(
    "places",
    [
        {"analysis": {"structuredData": {"optOut": True}}},
        {"artifact": {"structuredOutputs": {"uuid": {"name": "optOut", "result": True}}}},
        {"artifact": {"structuredOutputs": {"uuid": {"name": "lead_outcome", "result": {"optOut": True}}}}},
        {
            "analysis": {},
            "call": {"id": "019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad", "analysis": {"structuredData": {"optOut": True}}},
        },
    ],
)
def test_who_asks_for_it_in_a_call_has_opted_out(workspace: Workspace, places: dict[str, Any]) -> None:
    make_call(lead=make_lead(workspace, phone=PHONE))

    for _ in range(2):
        post_event(workspace, report(**places))

    stop = Suppression.objects.get()
    assert (stop.workspace_id, stop.phone, stop.reason) == (workspace.pk, PHONE, "call")


@pytest.mark.parametrize("said", [False, None, "true", "no", 1, {"a": True}])
def test_what_is_not_plainly_true_stops_nobody(workspace: Workspace, said: Any) -> None:
    make_call(lead=make_lead(workspace, phone=PHONE))

    post_event(workspace, report(analysis={"structuredData": {"optOut": said}}, artifact={"structuredOutputs": [said]}))

    assert not Suppression.objects.exists()
