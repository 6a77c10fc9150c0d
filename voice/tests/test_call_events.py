"""Vapi's events of a call: in any order, any number of times, from anybody."""

import itertools
import json
import uuid
from typing import Any

import pytest
from django.test import Client

from conftest import NOW, make_dispatch, make_integration, make_lead, make_workspace
from leads.channels import get_channel
from leads.models import Dispatch, Lead
from voice.models import CallSession
from voice.tests.factories import (
    CALL_ID,
    dispatch_of,
    make_call,
    make_order,
    post_event,
    report,
    secret_of,
    status_update,
)
from workspaces.models import LogEntry, Workspace

pytestmark = pytest.mark.django_db

UNAUTHORIZED = {"ok": False, "error": "unauthorized"}


def workspace_of(session: CallSession) -> Any:
    return session.lead.workspace


def test_a_call_goes_from_ringing_to_its_report() -> None:
    session = make_call()
    workspace = workspace_of(session)
    for message in (status_update("ringing"), status_update("in-progress"), status_update("ended"), report()):
        response = post_event(workspace, message)
        assert (response.status_code, response.json()) == (200, {"ok": True})
    shown = get_channel("voice").latest_call(session.lead_id)
    assert shown is not None
    assert shown.pop("recordingUrl").startswith("http://127.0.0.1:8000/api/vapi/recordings/")
    assert shown == {
        "status": "ended",
        "startedAt": "2026-11-22T04:00:12.740Z",
        "endedAt": "2026-11-22T04:02:20.338Z",
        "durationSeconds": 128,
        "summary": "Ada wants a Tuesday slot.",
        "transcript": "AI: Hi Ada…\nUser: Tuesday works.",
        "endedReason": "customer-ended-call",
    }
    session.refresh_from_db()
    assert (session.outcome, session.rang, str(session.cost_usd)) == ("completed", True, "0.1931")
    session.lead.refresh_from_db()
    assert session.lead.status == "in_conversation"


def test_a_lead_is_in_conversation_once_somebody_picks_up_and_not_before() -> None:
    session = make_call()
    post_event(workspace_of(session), status_update("ringing"))
    assert Lead.objects.get().status == "new"
    post_event(workspace_of(session), status_update("in-progress"))
    assert Lead.objects.get().status == "in_conversation"


@pytest.mark.parametrize("status", ["booked", "unqualified", "needs_human"])
def test_what_a_person_decided_stays(status: str) -> None:
    session = make_call()
    Lead.objects.update(status=status)
    post_event(workspace_of(session), status_update("in-progress"))
    post_event(workspace_of(session), report())
    assert Lead.objects.get().status == status


def test_every_order_of_events_leads_to_the_same_end() -> None:
    ended = status_update("ended", endedReason="customer-ended-call")
    messages = [status_update("ringing"), status_update("in-progress"), ended, report()]
    ends = set()
    for order in itertools.permutations(range(4)):
        lead = make_lead()
        session = make_call(lead=lead, vapi_call_id=str(uuid.uuid4()))
        for place in order:
            message = messages[place] | {"call": {"id": session.vapi_call_id}}
            post_event(lead.workspace, message)
            post_event(lead.workspace, message)
        session.refresh_from_db()
        lead.refresh_from_db()
        ends.add(
            (
                session.status,
                session.vapi_status,
                session.started_at,
                session.ended_at,
                session.duration_s,
                session.outcome,
                session.ended_reason,
                session.summary,
                lead.status,
                dispatch_of(session).status,
            )
        )
    assert len(ends) == 1


def test_an_ended_call_never_reopens() -> None:
    session = make_call()
    post_event(workspace_of(session), status_update("ended", endedReason="customer-busy"))
    post_event(workspace_of(session), status_update("in-progress"))
    session.refresh_from_db()
    assert (session.status, session.vapi_status, session.outcome) == ("ended", "ended", "no_answer")


def test_a_report_fills_in_what_the_end_left_open() -> None:
    session = make_call()
    post_event(workspace_of(session), status_update("ended"))
    session.refresh_from_db()
    assert (session.ended_reason, session.outcome) == (None, "failed")
    post_event(workspace_of(session), report())
    session.refresh_from_db()
    assert (session.ended_reason, session.outcome, session.summary) == (
        "customer-ended-call",
        "completed",
        "Ada wants a Tuesday slot.",
    )


@pytest.mark.parametrize(
    "places",
    [
        {"analysis": {}, "summary": "S", "artifact": {}, "transcript": "T", "recordingUrl": "https://r"},
        {
            "analysis": {},
            "artifact": {},
            "call": {"id": CALL_ID, "analysis": {"summary": "S"}, "artifact": {"transcript": "T", "recordingUrl": "x"}},
        },
        {"analysis": {"summary": "S"}, "artifact": {"transcript": "T", "presignedMonoUrl": "https://r"}},
    ],
)
def test_reads_a_report_in_the_old_places_too(places: dict[str, Any]) -> None:
    session = make_call()
    post_event(workspace_of(session), report(**places))
    session.refresh_from_db()
    assert (session.summary, session.transcript, session.has_recording) == ("S", "T", True)


def test_works_out_what_a_report_does_not_say() -> None:
    session = make_call()
    message = report(costBreakdown={"total": 0.5})
    del message["durationSeconds"], message["cost"]
    post_event(workspace_of(session), message)
    session.refresh_from_db()
    assert (round(session.duration_s or 0, 3), str(session.cost_usd)) == (127.598, "0.5000")


@pytest.mark.parametrize(
    "odd",
    [
        {"durationSeconds": "long", "cost": "much", "startedAt": 10**30, "endedAt": "yesterday", "timestamp": "x"},
        {"durationSeconds": -1, "cost": 1e300, "analysis": "none", "artifact": [1], "endedReason": 7},
        {"endedReason": "x" * 500, "analysis": {"summary": "nul\x00 and \ud800 here"}},
        {"type": None},
        {"type": {"a": 1}, "call": None},
        {"call": {"id": None}},
        {"call": {"id": 7}},
        {"call": "gone"},
    ],
)
def test_odd_values_are_no_crash(odd: dict[str, Any]) -> None:
    session = make_call()
    response = post_event(workspace_of(session), report() | odd)
    assert response.status_code == 200


@pytest.mark.parametrize("kind", ["hang", "transcript", "assistant.started", "something-new"])
def test_events_that_tell_us_nothing_are_taken_all_the_same(kind: str) -> None:
    session = make_call()
    response = post_event(workspace_of(session), {"type": kind, "call": {"id": CALL_ID}})
    assert (response.status_code, response.json()) == (200, {"ok": True})
    session.refresh_from_db()
    assert session.status == "in_progress"


def test_the_journal_holds_each_event_without_secrets_and_without_the_transcript() -> None:
    session = make_call()
    workspace = workspace_of(session)
    server = {"server": {"headers": {"X-Vapi-Secret": secret_of(workspace)}}}
    message = report(call={"id": CALL_ID, "assistantOverrides": server}, assistant=server)
    post_event(workspace, message)
    entry = LogEntry.objects.get()
    assert (entry.direction, entry.provider, entry.operation) == ("in", "vapi", "event end-of-call-report")
    assert (entry.outcome, entry.status_code, entry.lead_id) == ("ok", 200, session.lead_id)
    assert secret_of(workspace) not in entry.request
    assert "Tuesday works" not in entry.request
    assert json.loads(entry.request)["endedReason"] == "customer-ended-call"


def test_the_journal_keeps_nothing_of_a_person_whose_lead_was_erased() -> None:
    session = make_call()
    workspace = workspace_of(session)
    session.lead.delete()
    assert post_event(workspace, report(customer={"number": "+447123456789"})).status_code == 200
    assert json.loads(LogEntry.objects.get().request) == {"type": "end-of-call-report", "call": {"id": CALL_ID}}


def test_the_secret_may_stand_in_either_header() -> None:
    session = make_call()
    workspace = workspace_of(session)
    for headers in ({"x-vapi-secret": secret_of(workspace)}, {"authorization": f"Bearer {secret_of(workspace)}"}):
        assert post_event(workspace, status_update("ringing"), **headers).status_code == 200


def test_nobody_without_the_secret_learns_or_changes_anything() -> None:
    session = make_call()
    workspace, other = workspace_of(session), make_workspace(connected=False)
    answers = [
        post_event(workspace, report(), **{"x-vapi-secret": "wrong"}),
        post_event(workspace, report(), **{"x-vapi-secret": ""}),
        post_event(workspace, report(), accept="application/json"),
        post_event(workspace, report(), authorization=f"Basic {secret_of(workspace)}"),
        post_event(workspace, b"nonsense", **{"x-vapi-secret": "wrong"}),
        post_event(other, report(), **{"x-vapi-secret": ""}),
        post_event(other, report(), **{"x-vapi-secret": "no secret, no entry"}),
        Client().post("/api/vapi/nowhere/events", {}, content_type="application/json"),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (401, json.dumps(UNAUTHORIZED).encode()),
    }
    session.refresh_from_db()
    assert session.status == "in_progress"
    assert LogEntry.objects.count() == 0


def test_hides_and_protects_the_calls_of_other_workspaces() -> None:
    session = make_call(dispatch_status="sending")
    stranger = make_workspace()
    told = {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(session.dispatch_id)}}}
    known = post_event(stranger, report())
    by_dispatch = post_event(stranger, status_update("ended", call_id="another-call", call=told))
    unknown = post_event(stranger, report(call={"id": "no-such-call"}))
    assert known.content == by_dispatch.content == unknown.content == b'{"ok": true}'
    session.refresh_from_db()
    assert (session.status, session.summary, CallSession.objects.count()) == ("in_progress", None, 1)
    assert Dispatch.objects.get().status == "sending"
    assert set(LogEntry.objects.values_list("workspace_id", "lead_id")) == {(stranger.pk, None)}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is empty."),
        (b"nonsense", "Expecting value at line 1, column 1."),
        (b"[]", "The body must be an object whose `message` is an object."),
        (b'{"message": []}', "The body must be an object whose `message` is an object."),
        (b"{}", "The body must be an object whose `message` is an object."),
        (b"\xff", "Expecting value at line 1, column 1."),
        (b"[" * 100_000, "Nested deeper than 200 levels."),
        (b'{"message": ' + b"[" * 200 + b"]" * 200 + b"}", "Nested deeper than 200 levels."),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_event_is_refused(body: bytes, message: str) -> None:
    response = post_event(workspace_of(make_call()), body)
    assert response.status_code == 400
    assert response.json() == {"ok": False, "error": "Request body must be valid JSON.", "message": message}


def test_takes_the_report_of_a_long_call_and_refuses_what_is_none() -> None:
    session = make_call()
    long_talk, workspace = "AI: Well then.\n" * 20_000, workspace_of(session)
    artifact = {"transcript": long_talk, "messages": [{"message": long_talk}] * 4}
    assert post_event(workspace, report(artifact=artifact)).status_code == 200
    session.refresh_from_db()
    assert session.transcript == long_talk.strip()
    assert post_event(workspace, report(summary="x" * 8 * 1024 * 1024)).status_code == 413
    assert post_event(workspace, report(summary="x" * 1_000_000)).status_code == 200


def test_only_post_is_allowed() -> None:
    response = Client().get("/api/vapi/acme/events")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert response.json() == {"ok": False, "error": "method_not_allowed"}


class TestAnEventThatOvertakesThe201:
    """Vapi's first events may come before its answer to our POST."""

    def told(self, dispatch: Dispatch) -> dict[str, Any]:
        return {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}}

    def test_begins_the_session_and_saves_the_lead_from_being_taken_back(self) -> None:
        dispatch = make_dispatch(make_lead(), status="sending")
        post_event(dispatch.workspace, status_update("ringing", call=self.told(dispatch)))
        session = CallSession.objects.get()
        assert (session.vapi_call_id, session.lead_id, session.rang) == (CALL_ID, dispatch.lead_id, True)
        dispatch.refresh_from_db()
        assert dispatch.status == "done"

    def test_is_known_by_our_name_where_it_holds_no_metadata(self) -> None:
        dispatch = make_dispatch(make_lead(), status="sending")
        post_event(dispatch.workspace, status_update("ringing", call={"name": f"cb_{dispatch.pk.hex}"}))
        assert CallSession.objects.get().dispatch_id == dispatch.pk

    def test_leaves_one_session_whoever_comes_first(self) -> None:
        dispatch = make_dispatch(make_lead(), status="sending")
        order, channel = make_order(dispatch, is_test=True), get_channel("voice")
        sent = channel.send(order)
        call_id = str(sent.reference)
        post_event(dispatch.workspace, status_update("in-progress", call_id=call_id, call=self.told(dispatch)))
        channel.confirm([(order, sent)], now=NOW)
        post_event(dispatch.workspace, report(call_id=call_id))
        assert CallSession.objects.get().vapi_status == "ended"

    def test_stops_a_second_call_that_was_already_planned(self) -> None:
        dispatch = make_dispatch(make_lead(), status="pending")
        post_event(dispatch.workspace, status_update("ringing", call=self.told(dispatch)))
        dispatch.refresh_from_db()
        assert dispatch.status == "done"

    def test_of_a_dispatch_that_is_gone_is_ignored(self, caplog: pytest.LogCaptureFixture) -> None:
        told = {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(uuid.uuid4())}}}
        assert post_event(make_workspace(), status_update("ringing", call=told)).status_code == 200
        assert CallSession.objects.count() == 0
        assert "is not there" in caplog.text

    def test_of_a_blocked_call_does_not_stop_the_later_try(self) -> None:
        reason = "call.start.error-subscription-concurrency-limit-reached"
        for status in ("pending", "sending"):
            dispatch = make_dispatch(make_lead(), status=status)
            call_id = f"blocked-{status}"
            ended = status_update("ended", call_id=call_id, call=self.told(dispatch), endedReason=reason)
            post_event(dispatch.workspace, ended)
            dispatch.refresh_from_db()
            assert dispatch.status == status
            session = CallSession.objects.get(vapi_call_id=call_id)
            assert (session.status, session.outcome, session.rang) == ("ended", "transient", False)


def test_an_unreadable_webhook_secret_asks_vapi_to_come_again(caplog: pytest.LogCaptureFixture) -> None:
    from django.db import connection

    workspace = make_workspace(connected=False)
    integration = make_integration(workspace, "vapi")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workspaces_integration SET webhook_secret = 'gone:x' WHERE id = %s", [integration.pk])
    response = post_event(workspace, report(), **{"x-vapi-secret": "any"})
    assert (response.status_code, response.json()) == (503, {"ok": False, "error": "unavailable"})


def test_a_change_of_slug_cuts_no_call_off() -> None:
    session = make_call()
    workspace = session.lead.workspace
    by_id = f"/api/vapi/{workspace.pk}/events"
    Workspace.objects.filter(pk=workspace.pk).update(slug="renamed")

    answer = Client().post(
        by_id,
        {"message": status_update("ringing")},
        content_type="application/json",
        headers={"X-Vapi-Secret": workspace.integrations.get().webhook_secret},
    )

    assert answer.status_code == 200
    session.refresh_from_db()
    assert session.vapi_status == "ringing"
