"""A test key: the same validation, answers and rows, and nobody is ever contacted."""

from typing import Any

import pytest
import responses
from django.core.management import call_command

from conftest import make_workspace
from leads.models import Dispatch, Lead
from voice.models import CallSession
from webapi.tests.backend import Backend, calls_to_vapi, submission, vapi_takes

pytestmark = pytest.mark.django_db


@responses.activate
def test_answers_as_a_live_key_does_and_rings_nobody() -> None:
    backend = Backend(mode="test")

    answer = backend.post(submission())

    session = CallSession.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "ok": True,
        "leadId": str(Lead.objects.get().pk),
        "status": "in_progress",
        "vapiCallId": session.vapi_call_id,
        "callQueued": True,
    }
    assert Lead.objects.get().is_test is True
    assert Dispatch.objects.get().status == "done"
    assert len(responses.calls) == 0


@responses.activate
def test_messages_nobody() -> None:
    backend = Backend(make_workspace(channel="whatsapp"), mode="test")

    answer = backend.post(submission())
    call_command("sweep", verbosity=0)

    assert answer.json()["messageQueued"] is True
    assert Dispatch.objects.get().status == "done"
    assert len(responses.calls) == 0


@responses.activate
def test_works_where_no_account_is_connected() -> None:
    assert Backend(make_workspace(connected=False), mode="test").post(submission()).status_code == 201


@pytest.mark.parametrize(
    "fields", [{"consent": False}, {"name": ""}, {"phone": "12"}, {"email": "x"}, {"metadata": []}, {"goal": 1}]
)
def test_validates_as_a_live_key_does(fields: dict[str, Any]) -> None:
    workspace = make_workspace()
    body = submission(**fields)

    live, test = Backend(workspace).post(body), Backend(workspace, mode="test").post(body)

    assert live.status_code == 400
    assert (test.status_code, test.content) == (live.status_code, live.content)


@responses.activate
def test_takes_no_phone_away_from_a_live_key() -> None:
    vapi_takes()
    workspace = make_workspace()
    live, test = Backend(workspace), Backend(workspace, mode="test")
    body = submission()

    assert [b.post(body).status_code for b in (test, live, test, live)] == [201, 201, 409, 409]
    assert len(calls_to_vapi()) == 1
