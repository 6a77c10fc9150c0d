"""GET /api/public/leads/<id>: the fixed shape, ETags, and one 404 for all that is not there."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import responses
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import NOW, make_dispatch, make_lead, make_workspace
from leads.models import Lead
from voice.models import CallSession
from webapi.tests.backend import Backend, submission, vapi_takes

pytestmark = pytest.mark.django_db

LEAD_ID = UUID("5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f10")
NOT_FOUND = '{"ok":false,"error":"Lead not found."}'


def make_call(lead: Lead, **overrides: Any) -> CallSession:
    dispatch = make_dispatch(lead, status="done")
    fields = {"vapi_call_id": f"call-{dispatch.pk}", "created_at": NOW, "updated_at": NOW} | overrides
    return CallSession.objects.create(lead=lead, dispatch=dispatch, **fields)


def test_shows_everything_in_the_fixed_shape() -> None:
    workspace = make_workspace()
    lead = make_lead(
        workspace,
        pk=LEAD_ID,
        phone="+447123456789",
        email="jane@acme.com",
        goal="A demo",
        status="booked",
        qualification_notes="Fits",
        booking_uid="bk_1",
        booking_start=datetime(2026, 6, 8, 13, 0, tzinfo=UTC),
        metadata={"companyName": "Acme Corp", "z": None, "a": [1, 2.50, "ü"]},
        form_responses={"q_abc123": "Yes"},
        updated_at=datetime(2026, 6, 7, 13, 9, 0, 999999, tzinfo=UTC),
    )
    make_call(
        lead,
        status="ended",
        started_at=datetime(2026, 6, 7, 13, 3, 40, tzinfo=UTC),
        ended_at=datetime(2026, 6, 7, 13, 9, 3, 500, tzinfo=UTC),
        duration_s=322.6,
        summary="Went well.",
        transcript="AI: Hi",
        ended_reason="customer-ended-call",
    )

    answer = Backend(workspace).show(LEAD_ID)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.content.decode() == (
        '{"ok":true,'
        '"lead":{"id":"5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f10","channel":"voice","name":"Jane Doe",'
        '"phone":"+447123456789","email":"jane@acme.com","goal":"A demo","status":"booked",'
        '"qualificationNotes":"Fits","bookingUid":"bk_1","bookingStart":"2026-06-08T13:00:00.000Z",'
        '"metadata":{"companyName":"Acme Corp","z":null,"a":[1,2.5,"ü"]},'
        '"createdAt":"2026-06-07T13:03:37.162Z","updatedAt":"2026-06-07T13:09:00.999Z"},'
        '"voiceCall":{"status":"ended","startedAt":"2026-06-07T13:03:40.000Z","endedAt":"2026-06-07T13:09:03.000Z",'
        '"durationSeconds":323,"summary":"Went well.","transcript":"AI: Hi","recordingUrl":null,'
        '"endedReason":"customer-ended-call"}}'
    )


def test_absent_values_are_null_and_never_missing() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace)
    make_call(lead)

    body = Backend(workspace).show(lead.pk).json()

    assert {name for name, value in body["lead"].items() if value is None} == {
        "email",
        "goal",
        "qualificationNotes",
        "bookingUid",
        "bookingStart",
        "metadata",
    }
    assert body["voiceCall"] == {
        "status": "in_progress",
        "startedAt": None,
        "endedAt": None,
        "durationSeconds": None,
        "summary": None,
        "transcript": None,
        "recordingUrl": None,
        "endedReason": None,
    }


@pytest.mark.parametrize("channel", ["voice", "whatsapp"])
def test_voice_call_is_null_where_nobody_was_called(channel: str) -> None:
    workspace = make_workspace(channel=channel)

    body = Backend(workspace).show(make_lead(workspace).pk).json()

    assert list(body) == ["ok", "lead", "voiceCall"]
    assert body["voiceCall"] is None
    assert body["lead"]["channel"] == channel


def test_shows_the_latest_call() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace)
    make_call(lead, summary="second", created_at=NOW.replace(minute=30))
    make_call(lead, summary="first")

    assert Backend(workspace).show(lead.pk).json()["voiceCall"]["summary"] == "second"


def test_links_a_recording_by_our_own_address() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace)
    make_call(lead, has_recording=True)

    url = Backend(workspace).show(lead.pk).json()["voiceCall"]["recordingUrl"]

    assert url.startswith("http://127.0.0.1:8000/")


@responses.activate
@pytest.mark.parametrize(
    "metadata", [{}, {"b": 1, "a": 2}, {"n": [1, 1.0, 1e3, -0.0, 10**30]}, {"": {"ü": ["\u2028", "</script>"]}}]
)
def test_metadata_is_what_was_submitted_as_it_was(metadata: dict[str, Any]) -> None:
    vapi_takes()
    backend = Backend()
    lead_id = backend.post(submission(metadata=metadata)).json()["leadId"]

    stored = json.loads(backend.show(lead_id).content)["lead"]["metadata"]

    assert json.dumps(stored) == json.dumps(metadata)


@pytest.mark.parametrize(
    "lead_id",
    [
        "5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f11",
        "00000000-0000-0000-0000-000000000000",
        "not-a-uuid",
        "5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f1",
        "5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f100",
        "%F0%9F%91%8B",
        "1%20OR%201=1",
        "..",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_one_answer_for_all_that_is_not_there(method: str, lead_id: str) -> None:
    make_lead(make_workspace(), pk=LEAD_ID)

    answer = Backend().ask(method, f"/api/public/leads/{lead_id}")

    assert (answer.status_code, answer.content.decode()) == (404, NOT_FOUND)
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("spelling", ["{{{0}}}", "urn:uuid:{0}", "{0.hex}"])
def test_an_id_in_another_spelling_is_no_id(spelling: str) -> None:
    workspace = make_workspace()
    make_lead(workspace, pk=LEAD_ID)

    answer = Backend(workspace).show(spelling.format(LEAD_ID))

    assert (answer.status_code, answer.content.decode()) == (404, NOT_FOUND)


def test_an_unknown_lead_costs_the_same_queries_as_a_foreign_one() -> None:
    backend = Backend()
    make_lead(make_workspace(), pk=LEAD_ID)
    backend.show(LEAD_ID)
    asked = []

    for lead_id in (LEAD_ID, "5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f11", "not-a-uuid"):
        with CaptureQueriesContext(connection) as queries:
            assert backend.show(lead_id).status_code == 404
        # Statements without their values.
        asked.append([re.sub(r"'[^']*'|[0-9a-f-]{32,}", "*", query["sql"]) for query in queries])

    assert asked[0] == asked[1] == asked[2]


def test_answers_304_to_who_has_it_already() -> None:
    workspace = make_workspace()
    backend = Backend(workspace)
    lead = make_lead(workspace)
    first = backend.show(lead.pk)
    tag = first["ETag"]
    assert tag.startswith('"')
    assert tag.endswith('"')

    for if_none_match in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = backend.show(lead.pk, If_None_Match=if_none_match)
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
        assert "Content-Type" not in same.headers
        assert same["X-Request-Id"]
    for if_none_match in ('"other"', tag.strip('"'), ""):
        assert backend.show(lead.pk, If_None_Match=if_none_match).content == first.content


@pytest.mark.parametrize("change", ["lead", "call"])
def test_the_tag_changes_with_what_is_shown(change: str) -> None:
    workspace = make_workspace()
    backend = Backend(workspace)
    lead = make_lead(workspace)
    tag = backend.show(lead.pk)["ETag"]

    if change == "lead":
        Lead.objects.update(status="booked")
    else:
        make_call(lead)

    answer = backend.show(lead.pk, If_None_Match=tag)
    assert answer.status_code == 200
    assert answer["ETag"] != tag
