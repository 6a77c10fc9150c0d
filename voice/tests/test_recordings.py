"""The link to a recording: ours, unguessable, and for a time."""

from datetime import timedelta
from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone

from leads.channels import get_channel
from voice import recordings
from voice.models import CallSession
from voice.tests.factories import CALL_ID, CALL_URL, make_call

pytestmark = pytest.mark.django_db

SIGNED = "https://storage.vapi.ai/mono.wav?signature=abc"


def link_of(session: CallSession) -> str:
    shown = get_channel("voice").latest_call(session.lead_id) or {}
    return str(shown["recordingUrl"]).removeprefix("http://127.0.0.1:8000")


def get(path: str) -> Any:
    return Client().get(path)


@responses.activate
def test_leads_to_vapis_own_short_lived_link() -> None:
    responses.get(f"{CALL_URL}/{CALL_ID}/mono-recording", status=302, headers={"Location": SIGNED})
    response = get(link_of(make_call(has_recording=True)))
    assert (response.status_code, response["Location"], response["Cache-Control"]) == (302, SIGNED, "no-store")
    assert responses.calls[0].request.headers["Authorization"] == "Bearer vapi-private-0123456789"


def test_stays_the_same_so_that_answers_can_be_cached() -> None:
    session = make_call(has_recording=True)
    assert link_of(session) == link_of(session)


@responses.activate
def test_forged_and_foreign_links_lead_nowhere() -> None:
    session = make_call(has_recording=True)
    token = link_of(session).rpartition("/")[2]
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), session.pk.hex, "x", token.replace("-", ".")):
        response = get(f"/api/vapi/recordings/{forged}")
        assert (response.status_code, response.json()) == (404, {"ok": False, "error": "not_found"})


def test_is_good_for_a_week_and_not_for_three() -> None:
    session = make_call(has_recording=True)
    token = link_of(session).rpartition("/")[2]
    now = timezone.now()
    assert recordings.session_of(token, now=now + timedelta(days=7)) == session.pk
    assert recordings.session_of(token, now=now + timedelta(days=15)) is None


@responses.activate
def test_is_gone_with_its_lead_and_with_the_recording() -> None:
    session = make_call(has_recording=True)
    link = link_of(session)
    responses.get(f"{CALL_URL}/{CALL_ID}/mono-recording", status=404)
    assert get(link).status_code == 404
    session.lead.delete()
    assert get(link).status_code == 404


@responses.activate
@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 302, "headers": {"Location": "javascript:alert(1)"}}])
def test_a_vapi_that_does_not_help_is_no_crash(answer: dict[str, Any]) -> None:
    responses.get(f"{CALL_URL}/{CALL_ID}/mono-recording", **answer)
    response = get(link_of(make_call(has_recording=True)))
    assert (response.status_code, response.json()) == (502, {"ok": False, "error": "recording_unavailable"})
