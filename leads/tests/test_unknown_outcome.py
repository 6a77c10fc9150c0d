"""The request may have reached Vapi and no answer came: Vapi is asked, and no phone rings twice."""

import json
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from django.core.management import call_command
from pytest_django import Settings

from leads.models import Dispatch, Lead
from voice.models import CallSession
from webapi.tests.backend import VAPI, Backend, calls_to_vapi, submission
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asks_at_once(settings: Settings) -> None:
    settings.DISPATCH_LOOK_AGAIN_S = 0


def let_the_lease_end() -> None:
    for row in Dispatch.objects.all():
        Dispatch.objects.filter(pk=row.pk).update(due_at=row.due_at - timedelta(seconds=61))


def vapi_takes_and_falls_silent(error: Exception) -> list[dict[str, Any]]:
    """Let Vapi keep what arrives, and never answer. Returns its calls."""
    kept: list[dict[str, Any]] = []

    def take(request: Any) -> Any:
        kept.append(json.loads(request.body) | {"id": f"call-{len(kept) + 1}", "status": "ringing"})
        raise error

    responses.add_callback(responses.POST, VAPI, callback=take)
    return kept


def vapi_lists(calls: list[dict[str, Any]]) -> None:
    responses.add_callback(responses.GET, VAPI, callback=lambda _: (200, {}, json.dumps(calls)))


LOST = [
    requests.ReadTimeout("timed out"),
    requests.ConnectionError("Connection aborted."),
    requests.exceptions.ChunkedEncodingError("broken"),
]


@responses.activate
@pytest.mark.parametrize("error", LOST)
def test_found_at_vapi_it_is_a_201_and_rings_once(error: Exception) -> None:
    vapi_lists(vapi_takes_and_falls_silent(error))

    answer = Backend().post(submission())

    assert answer.status_code == 201
    assert answer.json() == {
        "ok": True,
        "leadId": str(Lead.objects.get().pk),
        "status": "in_progress",
        "vapiCallId": "call-1",
        "callQueued": True,
    }
    assert len(calls_to_vapi("POST")) == 1
    assert Dispatch.objects.get().status == "done"
    assert CallSession.objects.get().vapi_call_id == "call-1"


@responses.activate
@pytest.mark.parametrize(
    ("error", "what"), [(LOST[0], "timed out"), (LOST[1], "connection closed before the answer was complete")]
)
def test_not_there_it_is_a_502_with_rollback(error: Exception, what: str) -> None:
    vapi_takes_and_falls_silent(error)
    vapi_lists([{"id": "foreign", "assistantOverrides": {"metadata": {"coachbotDispatchId": "another"}}}])
    backend = Backend()
    body = submission()

    answer = backend.post(body)

    assert (answer.status_code, answer.json()["error"]) == (502, "voice_dispatch_failed")
    assert answer.json()["message"] == f"Vapi /call failed: {what}"
    assert len(calls_to_vapi("POST")) == 1
    assert not Lead.objects.exists()
    entry = LogEntry.objects.get()
    assert (entry.submission or {})["phone"] == body["phone"]
    assert entry.outcome == "unknown"


@responses.activate
def test_a_call_that_shows_up_a_moment_later_is_found() -> None:
    kept = vapi_takes_and_falls_silent(LOST[0])
    responses.get(VAPI, json=[])
    vapi_lists(kept)

    answer = Backend().post(submission())

    assert (answer.status_code, answer.json()["vapiCallId"]) == (201, "call-1")


@responses.activate
@pytest.mark.parametrize("status", [500, 503, 401, 429])
def test_where_it_cant_be_asked_the_lead_stays(status: int) -> None:
    vapi_takes_and_falls_silent(LOST[0])
    responses.get(VAPI, status=status)

    answer = Backend().post(submission())

    assert answer.status_code == 201
    assert answer.json() == {
        "ok": True,
        "leadId": str(Lead.objects.get().pk),
        "status": "in_progress",
        "vapiCallId": None,
        "callQueued": True,
    }
    assert Dispatch.objects.get().status == "sending"
    assert LogEntry.objects.get().outcome == "unknown"


@responses.activate
def test_the_worker_adopts_the_call_later() -> None:
    kept = vapi_takes_and_falls_silent(LOST[0])
    responses.get(VAPI, status=500)
    backend = Backend()
    lead_id = backend.post(submission()).json()["leadId"]

    call_command("sweep", verbosity=0)
    assert Dispatch.objects.get().status == "sending"
    let_the_lease_end()
    responses.remove(responses.GET, VAPI)
    vapi_lists(kept)
    call_command("sweep", verbosity=0)

    assert Dispatch.objects.get().status == "done"
    assert CallSession.objects.get().vapi_call_id == "call-1"
    assert len(calls_to_vapi("POST")) == 1
    assert backend.show(lead_id).json()["voiceCall"]["status"] == "in_progress"


@responses.activate
def test_the_worker_sends_it_when_vapi_never_had_it() -> None:
    responses.post(VAPI, body=LOST[0])
    responses.get(VAPI, status=500)
    Backend().post(submission())

    let_the_lease_end()
    responses.remove(responses.GET, VAPI)
    responses.get(VAPI, json=[])
    responses.replace(responses.POST, VAPI, json={"id": "call-2", "status": "queued"}, status=201)
    call_command("sweep", verbosity=0)

    assert Dispatch.objects.get().status == "done"
    assert CallSession.objects.get().vapi_call_id == "call-2"
    assert len(calls_to_vapi("POST")) == 2


@responses.activate
def test_while_vapi_cant_be_asked_the_worker_sends_nothing() -> None:
    responses.post(VAPI, body=LOST[0])
    responses.get(VAPI, status=500)
    Backend().post(submission())

    for _ in range(3):
        let_the_lease_end()
        call_command("sweep", verbosity=0)

    assert Dispatch.objects.get().status == "sending"
    assert len(calls_to_vapi("POST")) == 1


@responses.activate
@pytest.mark.parametrize("body", ["", "<html>", '{"status": "queued"}', "[]"])
def test_a_success_that_cant_be_read_is_asked_about(body: str) -> None:
    responses.post(VAPI, body=body, status=201)
    responses.get(VAPI, json=[])

    answer = Backend().post(submission())

    assert (answer.status_code, answer.json()["message"]) == (502, f"Vapi /call failed (201): {body}")
    assert len(calls_to_vapi("POST")) == 1
