"""Vapi refuses, or is not reached: nothing is kept, and nothing is lost."""

import json
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
import urllib3
from django.utils import timezone
from pytest_django import Settings

from apikeys.models import ApiKey
from conftest import make_lead, make_workspace
from leads.dispatch import NotSent, send_again
from leads.intake import DuplicatePhone
from leads.models import Dispatch, Lead
from voice.models import CallSession
from webapi.tests.backend import VAPI, Backend, calls_to_vapi, submission, vapi_takes
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def _asks_at_once(settings: Settings) -> None:
    settings.DISPATCH_LOOK_AGAIN_S = 0


def refused_connection() -> requests.ConnectionError:
    pool: Any = urllib3.HTTPConnectionPool("api.vapi.ai")
    error = urllib3.exceptions.NewConnectionError(pool, "[Errno 111] Connection refused")
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/call", error))


def assert_nothing_kept() -> None:
    for rows in (Lead.objects, Dispatch.objects, CallSession.objects):
        assert not rows.exists()


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "quoted"),
    [
        (400, '{"message":["customer.number must be E.164"]}', '{"message":["customer.number must be E.164"]}'),
        (401, "Unauthorized", "Unauthorized"),
        (402, "", ""),
        (403, ' {"a" : 1}\n', ' {"a" : 1}\n'),
        (400, "Grüße\t👋".encode(), "Grüße\t👋"),
        (400, b"caf\xe9", "caf\ufffd"),
        (429, "slow down", "slow down"),
    ],
)
def test_answers_502_with_vapis_words_byte_for_byte(status: int, body: str | bytes, quoted: str) -> None:
    responses.post(VAPI, body=body, status=status)

    answer = Backend().post(submission())

    assert answer.status_code == 502
    assert answer.json() == {
        "ok": False,
        "error": "voice_dispatch_failed",
        "message": f"Vapi /call failed ({status}): {quoted}",
    }
    assert len(calls_to_vapi()) == 1
    assert_nothing_kept()


@responses.activate
def test_quotes_at_most_64_kb() -> None:
    responses.post(VAPI, body="x" * 70_000, status=400)

    message = Backend().post(submission()).json()["message"]

    assert message == "Vapi /call failed (400): " + "x" * 65_536


@responses.activate
@pytest.mark.parametrize(
    ("error", "what"),
    [(refused_connection(), "connection refused"), (requests.ConnectTimeout("timed out"), "timed out")],
)
def test_answers_502_when_vapi_was_never_reached(error: Exception, what: str) -> None:
    responses.post(VAPI, body=error)

    answer = Backend().post(submission())

    assert (answer.status_code, answer.json()["error"]) == (502, "voice_dispatch_failed")
    assert answer.json()["message"] == f"Vapi /call failed: {what}"
    assert len(calls_to_vapi("GET")) == 0
    assert_nothing_kept()


@responses.activate
def test_says_so_where_no_account_is_connected() -> None:
    answer = Backend(make_workspace(connected=False)).post(submission())

    assert answer.status_code == 502
    assert answer.json()["message"] == "Vapi /call failed: Vapi is not connected in this workspace."
    assert len(responses.calls) == 0
    assert_nothing_kept()


@responses.activate
def test_the_same_phone_may_be_sent_again() -> None:
    responses.post(VAPI, body="no", status=400)
    vapi_takes()
    backend = Backend()
    body = submission()

    assert [backend.post(body).status_code for _ in range(3)] == [502, 201, 409]


@responses.activate
def test_the_journal_keeps_what_was_submitted_and_vapis_words() -> None:
    responses.post(VAPI, body='{"message":"no credit"}', status=402)
    backend = Backend()

    backend.post(
        submission(phone="+447123456789", email="jane@acme.com", goal="A demo", metadata={"a": [1]}),
        X_Request_Id="their-own-id",
    )

    entry = LogEntry.objects.get()
    assert entry.workspace == backend.workspace
    assert (entry.provider, entry.operation, entry.outcome, entry.status_code) == (
        "vapi",
        "POST /call",
        "rejected",
        402,
    )
    assert entry.request_id == "their-own-id"
    assert entry.response == '{"message":"no credit"}'
    assert json.loads(entry.request)["customer"]["number"] == "+447123456789"
    assert entry.lead_id is None
    assert entry.submission == {
        "name": "Jane Doe",
        "phone": "+447123456789",
        "email": "jane@acme.com",
        "goal": "A demo",
        "metadata": {"a": [1]},
        "form_responses": {},
        "is_test": False,
    }


@responses.activate
def test_from_the_journal_it_can_be_sent_again() -> None:
    responses.post(VAPI, body="no", status=402)
    vapi_takes("call-2")
    backend = Backend()
    backend.post(submission(phone="+447123456789", goal="A demo", metadata={"a": [1]}))
    entry = LogEntry.objects.get()

    lead_id = send_again(entry, now=timezone.now())

    lead = Lead.objects.get()
    assert (lead.pk, lead.phone, lead.goal, lead.metadata) == (lead_id, "+447123456789", "A demo", {"a": [1]})
    assert CallSession.objects.get().vapi_call_id == "call-2"
    entry.refresh_from_db()
    assert (entry.submission, entry.lead_id) == (None, lead_id)
    with pytest.raises(ValueError, match="holds no submission"):
        send_again(entry, now=timezone.now())


@responses.activate
def test_refused_again_it_can_be_sent_again_still() -> None:
    responses.post(VAPI, body="no", status=402)
    backend = Backend()
    body = submission()
    backend.post(body)

    with pytest.raises(NotSent):
        send_again(LogEntry.objects.get(), now=timezone.now())

    # One entry, the newest: two could be sent twice, and only one would be found when the lead is erased.
    (kept,) = [entry.submission for entry in LogEntry.objects.order_by("pk")]
    assert (kept or {})["phone"] == body["phone"]
    assert_nothing_kept()


@responses.activate
def test_sending_again_a_phone_that_came_in_meanwhile_rings_nobody() -> None:
    responses.post(VAPI, body="no", status=402)
    backend = Backend()
    body = submission()
    backend.post(body)
    make_lead(backend.workspace, phone=body["phone"])

    with pytest.raises(DuplicatePhone):
        send_again(LogEntry.objects.get(), now=timezone.now())

    assert len(calls_to_vapi()) == 1
    assert LogEntry.objects.get().submission is not None


@pytest.mark.usefixtures("_asks_at_once")
@responses.activate
def test_a_5xx_is_asked_about_before_it_is_believed() -> None:
    responses.post(VAPI, body="oops", status=500)
    responses.get(VAPI, json=[])

    answer = Backend().post(submission())

    assert (answer.status_code, answer.json()["message"]) == (502, "Vapi /call failed (500): oops")
    assert len(calls_to_vapi("POST")) == 1
    assert len(calls_to_vapi("GET")) >= 1
    assert_nothing_kept()


@responses.activate
def test_a_refusal_while_the_key_is_being_revoked_keeps_nothing_either() -> None:
    def refuse(_: Any) -> tuple[int, dict[str, str], str]:
        ApiKey.objects.update(revoked_at=timezone.now() - timedelta(seconds=1))
        return 400, {}, "no"

    responses.add_callback(responses.POST, VAPI, callback=refuse)

    answer = Backend().post(submission())

    assert answer.status_code == 401
    assert_nothing_kept()
    assert LogEntry.objects.get().submission is not None
