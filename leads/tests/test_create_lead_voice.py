"""A lead of a voice workspace: Vapi rings while the request waits."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.utils import timezone

from conftest import make_workspace
from leads.models import Dispatch, Lead
from voice.models import CallSession
from webapi.tests.backend import VAPI, Backend, calls_to_vapi, submission, vapi_takes
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db


@responses.activate
def test_answers_with_vapis_call() -> None:
    vapi_takes("019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad")
    backend = Backend()

    answer = backend.post(submission(phone="+44 7123 456 789"))

    lead = Lead.objects.get()
    assert answer.status_code == 201
    assert answer["Content-Type"] == "application/json"
    assert answer.content.decode() == (
        f'{{"ok":true,"leadId":"{lead.pk}","status":"in_progress",'
        '"vapiCallId":"019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad","callQueued":true}'
    )


@responses.activate
def test_stores_the_lead_trimmed_and_normalised() -> None:
    vapi_takes()
    backend = Backend()
    before = timezone.now()

    backend.post(
        {
            "name": "  Jane Doe\n",
            "phone": " +44 (7123) 456-789 ",
            "consent": True,
            "email": " jane@acme.com ",
            "goal": "  A demo ",
            "metadata": {"companyName": "Acme Corp", "n": 1, "empty": "", "nothing": None, "deep": {"a": [1.5, True]}},
            "formResponses": {"q_abc123": "Yes", "q_unknown": ""},
            "anything": {"else": "ignored"},
        }
    )

    lead = Lead.objects.get()
    assert (lead.name, lead.phone, lead.email, lead.goal) == (
        "Jane Doe",
        "+447123456789",
        "jane@acme.com",
        "A demo",
    )
    assert lead.metadata == {
        "companyName": "Acme Corp",
        "n": 1,
        "empty": "",
        "nothing": None,
        "deep": {"a": [1.5, True]},
    }
    assert lead.form_responses == {"q_abc123": "Yes", "q_unknown": ""}
    assert (lead.workspace_id, lead.channel, lead.status, lead.source) == (backend.workspace.pk, "voice", "new", "api")
    assert lead.is_test is False
    assert before <= lead.created_at == lead.updated_at <= timezone.now()


@responses.activate
def test_keeps_the_promise_and_its_outcome_in_rows() -> None:
    vapi_takes("call-1")
    backend = Backend()

    answer = backend.post(submission(), X_Request_Id="their-own-id")

    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.attempts, dispatch.channel, dispatch.reason) == ("done", 1, "voice", "")
    assert dispatch.finished_at is not None
    session = CallSession.objects.get()
    assert (session.vapi_call_id, session.status, session.dispatch_id) == ("call-1", "in_progress", dispatch.pk)
    entry = LogEntry.objects.get()
    assert (entry.provider, entry.operation, entry.outcome, entry.status_code) == ("vapi", "POST /call", "ok", 201)
    assert str(entry.lead_id) == answer.json()["leadId"]
    assert entry.request_id == "their-own-id"
    assert entry.submission is None
    assert "vapi-private-0123456789" not in entry.request + entry.response


@responses.activate
def test_tells_vapi_our_ids() -> None:
    vapi_takes()
    backend = Backend()

    answer = backend.post(submission(phone="+447123456789"))

    (call,) = calls_to_vapi()
    sent: dict[str, Any] = json.loads(call.request.body)
    dispatch = Dispatch.objects.get()
    assert call.request.headers["Authorization"] == "Bearer vapi-private-0123456789"
    assert sent["customer"]["number"] == "+447123456789"
    assert sent["name"] == f"cb_{dispatch.pk.hex}"
    assert sent["assistantOverrides"]["metadata"] == {
        "coachbotDispatchId": str(dispatch.pk),
        "leadId": answer.json()["leadId"],
        "workspaceId": str(backend.workspace.pk),
    }
    assert {type(v) for v in sent["assistantOverrides"]["variableValues"].values()} == {str}


@responses.activate
@pytest.mark.parametrize("fields", [{}, {"email": ""}, {"email": None, "goal": None}, {"goal": ""}, {"email": "  "}])
def test_what_is_left_out_is_none(fields: dict[str, Any]) -> None:
    vapi_takes()

    assert Backend().post(submission(**fields)).status_code == 201

    lead = Lead.objects.get()
    assert (lead.email, lead.goal, lead.metadata, lead.form_responses) == (None, None, None, {})


@responses.activate
def test_when_all_lines_are_busy_the_lead_stays_and_is_called_later() -> None:
    busy = {"id": "call-1", "status": "queued", "subscriptionLimits": {"concurrencyBlocked": True}}
    responses.post(VAPI, json=busy, status=201)

    answer = Backend().post(submission())

    assert (answer.status_code, answer.json()["vapiCallId"], answer.json()["callQueued"]) == (201, None, True)
    dispatch = Dispatch.objects.get()
    assert dispatch.status == "pending"
    assert dispatch.due_at > timezone.now() + timedelta(seconds=20)


@responses.activate
def test_the_same_phone_may_be_a_lead_elsewhere() -> None:
    vapi_takes()
    body = submission()

    answers = [Backend(make_workspace()).post(body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
