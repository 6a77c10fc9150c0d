"""What calls itself Inngest may send anything: our endpoint answers, and its turn is left alone."""

import json

import pytest
from django.test import Client
from pytest_django import Settings

from leads.models import Dispatch
from providers import inngest as wire_inngest
from tests.nasty_json import spoilt

NO_JSON = ("NaN", "infinity", "beyond", "many digits", "half a pair", "too deep", "bottomless", "key twice", "object")


@pytest.mark.parametrize("function", ["coachbot-agent-turn", "coachbot-agent-turn-failure", "nonsense", ""])
def test_answers_any_body(settings: Settings, dispatch: Dispatch, function: str) -> None:
    settings.INNGEST_DEV, settings.INNGEST_CONFIGURED = "1", True
    from whatsapp.functions import endpoint

    wire_inngest.forget()
    endpoint.forget()
    client = Client(raise_request_exception=False)
    event = {"id": "e", "name": "agent/turn.requested", "data": {"dispatch_id": "x", "lead_id": "y"}, "ts": 1}
    good = {
        "ctx": {"attempt": 0, "run_id": "r", "disable_immediate_execution": False, "stack": {"stack": []}},
        "event": event,
        "events": [event],
        "steps": {},
        "use_api": False,
    }

    for what, body in [("as it is", json.dumps(good)), *spoilt(good)]:
        answer = client.post(f"/api/inngest?fnId={function}&stepId=step", body, content_type="application/json")
        # 500: what is JSON but none of Inngest's is for its SDK to answer, and only who signs gets so far.
        allowed = {400} if what.startswith(NO_JSON) else {200, 206, 500}
        assert answer.status_code in allowed, what
        assert answer["Content-Type"] == "application/json", (what, answer.content[:200])
        assert b"internal_error" not in answer.content, what
    wire_inngest.forget()
    endpoint.forget()
    dispatch.refresh_from_db()
    assert dispatch.status == "pending"
