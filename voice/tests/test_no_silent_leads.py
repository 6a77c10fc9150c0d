"""A call that comes to nothing leaves no lead in silence: it shows *No answer*, needs a human or is tried again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from conftest import make_dispatch, make_lead, make_member, make_user, make_workspace
from leads.models import Alert, Dispatch, Lead, LeadEvent
from leads.suppression import suppress
from leads.unreached import unreached
from voice import reasons, reconcile
from voice.models import CallSession
from voice.tests.factories import CALL_ID, CALL_URL, make_call, post_event, report, status_update
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db

DOCUMENTED = [
    tuple(line.split("\t")) for line in (Path(__file__).parent / "ended_reasons.tsv").read_text("utf-8").splitlines()
]
OUTBOUND = "call.in-progress.error-providerfault-outbound-sip"


def end(session: CallSession, reason: str, *before: str) -> Lead:
    """Tell how a call went on and how it ended, and return its lead."""
    workspace = session.lead.workspace
    for status in before:
        post_event(workspace, status_update(status, call_id=session.vapi_call_id))
    post_event(workspace, status_update("ended", call_id=session.vapi_call_id, endedReason=reason))
    return Lead.objects.get(pk=session.lead_id)


def shows_no_answer(lead: Lead) -> bool:
    return unreached(Lead.objects.filter(pk=lead.pk), channel="voice").exists()


def test_every_documented_reason_is_known() -> None:
    """604 of Vapi's API description, 25 that older ones had or its pages name."""
    assert len(DOCUMENTED) == 629
    assert {(reason, reasons.classify(reason)) for reason, _outcome in DOCUMENTED} == set(DOCUMENTED)
    assert [reason for reason, outcome in DOCUMENTED if outcome == "failed"] == ["unknown-error"]


def test_every_fault_of_the_account_comes_with_advice() -> None:
    told = {reason: reasons.advise(reason) for reason, outcome in DOCUMENTED if outcome == "account"}

    assert len(told) == 210
    assert all(len(advice) > 30 for advice in told.values())


@pytest.mark.parametrize(
    ("reason", "before"),
    [
        ("customer-did-not-answer", ["ringing"]),
        ("customer-busy", []),
        ("voicemail", ["ringing", "in-progress"]),
        (f"{OUTBOUND}-480-temporarily-unavailable", ["ringing"]),
        (f"{OUTBOUND}-408-request-timeout", []),
        ("silence-timed-out", ["ringing"]),
    ],
)
@pytest.mark.parametrize("retries", [0, 2])
def test_nobody_picked_up(reason: str, before: list[str], retries: int) -> None:
    session = make_call(lead=make_lead(make_workspace(no_answer_retries=retries)))

    lead = end(session, reason, *before)

    planned = Dispatch.objects.filter(retry_of__isnull=False).exists()
    assert lead.status == "new"
    assert planned is (retries > 0 and reason != "silence-timed-out")
    assert shows_no_answer(lead) is not planned


@pytest.mark.parametrize(
    ("reason", "before", "dispatch", "said"),
    [
        ("twilio-reported-customer-misdialed", [], "failed", "doesn't know this number"),
        ("sip-outbound-unallocated-number", ["ringing"], "done", "doesn't know this number"),
        ("vonage-rejected", [], "failed", "The phone provider refused the call"),
        ("pipeline-no-available-llm-model", [], "failed", "The assistant's model can't be used"),
        ("pipeline-error-openai-401-incorrect-api-key", ["ringing", "in-progress"], "done", "refuses its key"),
        (
            "call.in-progress.error-sip-outbound-call-failed-to-connect",
            ["ringing"],
            "done",
            "broke off after the phone",
        ),
        (f"{OUTBOUND}-403-forbidden", ["ringing"], "done", "The phone provider refused the call"),
        ("unknown-error", [], "failed", "in a way that Coachbot doesn't know"),
        ("something-vapi-thought-of-yesterday", ["ringing"], "done", "broke off after the phone"),
        ("manually-canceled", [], "failed", "canceled at Vapi before anybody was reached"),
        ("manually-canceled", ["ringing"], "done", "canceled at Vapi before anybody was reached"),
        ("call.in-progress.error-vapifault-worker-died", ["in-progress"], "done", "broke off after the phone"),
        ("call.forwarding.operator-busy", ["in-progress", "forwarding"], "done", "may not have reached one"),
        ("call.in-progress.error-warm-transfer-max-duration", ["in-progress"], "done", "may not have reached one"),
    ],
)
@pytest.mark.parametrize("retries", [0, 2])
def test_a_human_is_needed_and_told_why(reason: str, before: list[str], dispatch: str, said: str, retries: int) -> None:
    session = make_call(lead=make_lead(make_workspace(no_answer_retries=retries)))

    lead = end(session, reason, *before)
    end(session, reason, *before)

    assert lead.status == "needs_human"
    assert [(row.status, row.retry_of_id) for row in Dispatch.objects.all()] == [(dispatch, None)]
    event = LeadEvent.objects.get(kind="status", data__to="needs_human")
    assert said in event.data["reason"]
    assert reason in event.data["reason"]
    assert LogEntry.objects.filter(operation="call ended").count() == 1
    assert Alert.objects.count() == 1
    assert not shows_no_answer(lead)


@pytest.mark.parametrize(
    "reason",
    [
        "call.in-progress.error-sip-outbound-call-failed-to-connect",
        "call.in-progress.error-vapifault-transport-never-connected",
        f"{OUTBOUND}-503-service-unavailable",
        "call.start.error-vapifault-worker-not-available",
    ],
)
def test_what_passes_and_did_not_ring_is_tried_again_and_a_bounded_number_of_times(reason: str, settings: Any) -> None:
    session = make_call()

    assert end(session, reason).status == "new"
    assert Dispatch.objects.get().status == "pending"

    Dispatch.objects.update(status="done", attempts=settings.DISPATCH_MAX_ATTEMPTS)
    assert end(session, reason).status == "needs_human"


def test_talk_that_broke_off_is_no_reason_to_dial_again() -> None:
    session = make_call()
    post_event(session.lead.workspace, report(endedReason="call.in-progress.error-vapifault-worker-died"))

    assert Lead.objects.get().status == "needs_human"
    assert [row.status for row in Dispatch.objects.all()] == ["done"]


def test_a_lead_who_was_booked_in_the_call_stays_booked_however_it_ended() -> None:
    session = make_call()
    Lead.objects.update(status="booked", booking_uid="bk_1")

    assert end(session, "phone-call-provider-closed-websocket", "in-progress").status == "booked"


@pytest.mark.parametrize("transcript", [None, "AI: Hi, this is Robin. Hello? Are you there?\n"])
def test_a_silence_is_no_conversation(transcript: str | None) -> None:
    session = make_call()
    workspace = session.lead.workspace
    assert end(session, "silence-timed-out", "ringing", "in-progress").status == "in_conversation"

    artifact = {"transcript": transcript} if transcript else {}
    post_event(workspace, report(endedReason="silence-timed-out", artifact=artifact, durationSeconds=31))

    lead = Lead.objects.get()
    assert (lead.status, shows_no_answer(lead)) == ("new", True)


def test_a_talk_that_ended_in_silence_is_a_conversation() -> None:
    session = make_call()

    post_event(session.lead.workspace, report(endedReason="silence-timed-out"))

    lead = Lead.objects.get()
    assert (lead.status, shows_no_answer(lead)) == ("in_conversation", False)


def test_an_end_without_a_reason_waits_for_it() -> None:
    session = make_call()
    workspace = session.lead.workspace
    post_event(workspace, status_update("ringing"))
    post_event(workspace, status_update("ended"))
    assert Lead.objects.get().status == "new"

    post_event(workspace, report())

    assert Lead.objects.get().status == "in_conversation"


@responses.activate
def test_an_end_whose_reason_nobody_tells_needs_a_human() -> None:
    session = make_call()
    now = timezone.now()
    post_event(session.lead.workspace, status_update("ended", timestamp=int(now.timestamp() * 1000)))
    responses.get(f"{CALL_URL}/{CALL_ID}", json={"id": CALL_ID, "status": "ended"})
    assert Lead.objects.get().status == "new"

    reconcile.sweep(now=now + timedelta(minutes=11), limit=10)

    session.refresh_from_db()
    assert (session.ended_reason, Lead.objects.get().status) == ("no-news-from-vapi", "needs_human")


@responses.activate
def test_an_end_that_vapi_cannot_be_asked_about_needs_a_human_after_some_hours() -> None:
    session = make_call()
    now = timezone.now()
    post_event(session.lead.workspace, status_update("ended", timestamp=int(now.timestamp() * 1000)))
    responses.get(f"{CALL_URL}/{CALL_ID}", status=500)

    statuses = []
    for hours in (1, 2, 7):
        reconcile.sweep(now=now + timedelta(hours=hours), limit=10)
        statuses.append(Lead.objects.get().status)

    assert statuses == ["new", "new", "needs_human"]


def test_what_a_person_moved_back_is_not_moved_again_by_the_same_end() -> None:
    session = make_call()
    end(session, "unknown-error", "ringing")
    Lead.objects.update(status="new")
    LeadEvent.objects.create(lead=session.lead, kind="status", data={"to": "new"}, by=make_user(), at=timezone.now())

    assert end(session, "unknown-error").status == "new"
    assert reconcile.sweep(now=timezone.now(), limit=10) == 0


def test_an_older_call_that_broke_off_says_nothing_once_a_later_one_is_made() -> None:
    session = make_call()
    make_call(lead=session.lead, vapi_call_id="later", created_at=timezone.now() + timedelta(seconds=1))

    assert end(session, "unknown-error", "ringing").status == "new"


def test_a_call_that_was_taken_back_because_it_was_not_wanted_needs_nobody() -> None:
    session = make_call(vapi_status="scheduled")
    lead = session.lead
    suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason="stop", now=timezone.now())

    assert end(session, "scheduled-call-deleted").status == "new"


def test_a_planned_call_that_somebody_deleted_at_vapi_needs_a_human() -> None:
    assert end(make_call(vapi_status="scheduled"), "scheduled-call-deleted").status == "needs_human"


@pytest.mark.parametrize(("rang", "dispatch"), [(True, "done"), (False, "failed")])
def test_the_worker_draws_the_consequences_that_a_dead_process_left(rang: bool, dispatch: str) -> None:
    ended: dict[str, Any] = {
        "status": "ended",
        "vapi_status": "ended",
        "ended_reason": "unknown-error",
        "outcome": "failed",
    }
    make_call(**ended, rang=rang, updated_at=timezone.now())

    assert reconcile.sweep(now=timezone.now(), limit=10) == 1
    assert (Lead.objects.get().status, Dispatch.objects.get().status) == ("needs_human", dispatch)
    assert reconcile.sweep(now=timezone.now(), limit=10) == 0


def test_the_list_and_the_page_say_no_answer_and_the_list_finds_it(client: Any) -> None:
    workspace = make_workspace()
    lead = end(make_call(lead=make_lead(workspace, name="Ada")), "customer-did-not-answer", "ringing")
    make_lead(workspace, name="Grace")
    client.force_login(make_member(workspace, role="agent", is_staff=False))
    base = f"/admin/{workspace.slug}/leads"
    badge = '<span class="badge badge-warning">No answer</span>'

    listed = client.get(base)
    assert listed.content.decode().count(badge) == 1
    found = client.get(f"{base}?status=no_answer")
    assert [row["lead"].name for row in found.context["rows"]] == ["Ada"]
    for path in (f"/{lead.pk}", f"/{lead.pk}/timeline"):
        assert badge in client.get(base + path).content.decode()
    exported = b"".join(client.get(f"{base}.csv?status=no_answer").streaming_content).decode()
    assert "Ada" in exported
    assert "Grace" not in exported

    make_dispatch(lead, status="pending", due_at=timezone.now() + timedelta(hours=1))
    assert badge not in client.get(base).content.decode()


def test_no_answer_is_nothing_to_filter_by_where_nobody_is_called(client: Any) -> None:
    workspace = make_workspace(channel="whatsapp")
    make_lead(workspace)
    client.force_login(make_member(workspace))

    assert 'value="no_answer"' not in client.get(f"/admin/{workspace.slug}/leads").content.decode()


@responses.activate
def test_the_same_phone_is_not_rung_again_by_any_sweep() -> None:
    session = make_call()
    end(session, f"{OUTBOUND}-403-forbidden", "ringing")

    for _ in range(3):
        call_command("sweep")

    assert len(responses.calls) == 0
