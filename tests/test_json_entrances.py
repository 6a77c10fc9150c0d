"""Each door through which JSON comes in: whatever is written there is no crash, and takes nothing else down."""

import contextlib
import dataclasses
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import responses
from django.test import Client

from agents.models import ToolCall
from agents.tools import run_tool
from apikeys.models import Mode
from conftest import make_key, make_lead, make_member, make_workspace
from leadforms.tests.test_builder import content
from providers import calcom, openai, twilio, vapi
from providers.errors import ProviderError
from tests.door import knock
from tests.nasty_json import spoilt
from voice.progress import News, news_of_report
from voice.tests.factories import make_call, post_event, report, secret_of, status_update
from webapi import strict_json
from webapi.strict_json import NotJson, read_tolerant
from workspaces.models import LogEntry

NOW = datetime(2026, 6, 7, 13, 3, 37, tzinfo=UTC)


@pytest.mark.django_db
def test_answers_any_lead() -> None:
    headers = {"authorization": f"Bearer {make_key(make_workspace(), mode=Mode.TEST)}"}
    good = {
        "name": "Jane",
        "phone": "+447123456789",
        "consent": True,
        "email": "jane@example.com",
        "goal": "Go",
        "metadata": {"a": {"b": [1]}},
        "formResponses": {"q_1": "Yes"},
    }

    for what, body in spoilt(good):
        answer = knock("POST", "/api/public/leads", body.encode(), content_type="application/json", headers=headers)
        assert answer.status_code in {201, 400, 409}, what


@pytest.mark.django_db
@pytest.mark.parametrize(
    "message",
    [
        report(
            cost=0.19,
            summary="Short",
            transcript="AI: Hi",
            costBreakdown={"total": 0.2},
            call={"id": "019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad", "status": "ended", "cost": 0.19, "startedAt": 1795325},
        ),
        status_update(
            "ended",
            endedReason="customer-busy",
            call={"id": "unknown", "name": "cb_1", "assistantOverrides": {"metadata": {"coachbotDispatchId": "x"}}},
        ),
    ],
    ids=["end-of-call-report", "status-update"],
)
def test_answers_any_event_of_vapi(message: dict[str, Any]) -> None:
    workspace = make_call().lead.workspace

    for what, body in spoilt({"message": message}):
        assert post_event(workspace, body.encode()).status_code in {200, 400}, what


@pytest.mark.django_db
def test_takes_a_report_whose_cost_is_no_number() -> None:
    session = make_call()
    body = json.dumps({"message": report()}).replace("0.1931", "NaN")

    assert post_event(session.lead.workspace, body.encode()).status_code == 200

    session.refresh_from_db()
    assert (session.cost_usd, session.status, session.duration_s) == (None, "ended", 127.598)
    assert session.summary == "Ada wants a Tuesday slot."
    assert '"cost": null' in LogEntry.objects.get().request


@pytest.mark.django_db(transaction=True)
def test_answers_any_tool_call_of_vapi() -> None:
    session = make_call(vapi_status="in-progress")
    workspace = session.lead.workspace
    function = {"name": "updateLeadProfile", "arguments": {"budget": "10k"}}
    calls = [{"id": "tc_1", "type": "function", "function": function}]
    client = Client(raise_request_exception=False)

    for what, body in spoilt({"message": {"call": {"id": session.vapi_call_id}, "toolCallList": calls}}):
        answer = client.post(
            f"/api/vapi/{workspace.pk}/tools/updateLeadProfile",
            body.encode(),
            content_type="application/json",
            headers={"authorization": f"Bearer {secret_of(workspace)}"},
        )
        assert answer.status_code in {200, 400}, what


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", ["draft/save", "preview", "review", "publish"])
def test_answers_any_body_of_the_form_builder(endpoint: str) -> None:
    workspace = make_workspace()
    client = Client(raise_request_exception=False)
    client.force_login(make_member(workspace))
    client.get(f"/admin/{workspace.slug}/form")

    for what, body in spoilt({"revision": 1, "content": content()}):
        answer = client.post(f"/admin/{workspace.slug}/form/{endpoint}", body, content_type="application/json")
        assert answer.status_code in {200, 400, 409}, (what, answer.content[:300])


@pytest.mark.django_db
@pytest.mark.parametrize("as_text", [True, False])
def test_answers_any_arguments_of_a_model(as_text: bool) -> None:
    lead = make_lead()

    for what, body in spoilt({"goal": "Sleep", "budget": "10k", "notes": "None"}):
        arguments = body
        if not as_text:
            try:
                arguments = read_tolerant(body)
            except NotJson:
                continue
        told = run_tool(
            lead.pk,
            name="updateLeadProfile",
            arguments=arguments,
            call_id=what,
            channel="voice",
            now=NOW,
            deadline_s=2,
        )
        assert json.dumps(told.result, allow_nan=False), what
    for call in ToolCall.objects.all():
        strict_json.read(json.dumps([call.arguments, call.result]))


PLACED = {"id": "call-1", "status": "queued", "subscriptionLimits": {"concurrencyBlocked": False}}
ENDED = report(status="ended", cost=0.2, messages=[{"role": "bot"}])
SENT = {"sid": "SM1", "status": "accepted"}
LISTED = {
    "messages": [
        {
            "sid": "SM1",
            "status": "sent",
            "body": "Hi",
            "date_created": "Sun, 07 Jun 2026 13:03:37 +0000",
            "error_code": 1,
        }
    ],
    "next_page_uri": None,
}
TWILIO: dict[str, Any] = {"account_sid": "AC1", "auth_token": "t"}
SAID = {
    "status": "completed",
    "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
        {"type": "function_call", "call_id": "c1", "name": "listSlots", "arguments": "{}"},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
SLOTS = {"status": "success", "data": {"2026-06-08": [{"start": "2026-06-08T09:00:00.000Z"}]}}
BOOKED: dict[str, Any] = {
    "status": "success",
    "data": {"uid": "bk_1", "status": "accepted", "start": "2026-06-08T09:00:00Z", "end": "2026-06-08T10:00:00Z"},
}
FOUND = {"status": "success", "data": [BOOKED["data"] | {"attendees": [{"email": "a@b.co"}]}]}
ERROR = {"error": {"message": "No", "code": "X", "type": "Y"}, "message": "No", "code": 1}
CAL: dict[str, Any] = {"api_key": "k", "timeout_s": 2.0}
BOOKING = CAL | {"event_type_id": "1", "start": NOW, "name": "J", "email": "a@b.co", "timezone": "UTC"}
DAYS = CAL | {"event_type_id": "1", "first": date(2026, 6, 8), "last": date(2026, 6, 9), "timezone": "UTC"}


DATACLASSES = (vapi.CallStarted, twilio.SentMessage, openai.Reply, calcom.Slots, calcom.Appointment, calcom.Look, News)


def write() -> openai.Reply:
    return openai.write_reply(api_key="k", model="m", instructions="", turns=[{"role": "user", "content": "Hi"}])


# What is asked, how the answer looks where all is well, and its status.
ASKED: dict[str, tuple[Callable[[], Any], Any, int]] = {
    "Vapi, a call": (lambda: vapi.place_call(api_key="k", payload={}), PLACED, 201),
    "Vapi, a refusal": (lambda: vapi.place_call(api_key="k", payload={}), ERROR, 400),
    "Vapi, one call": (lambda: news_of_report(vapi.get_call(api_key="k", call_id="c") or {}), ENDED, 200),
    "Vapi, all calls": (lambda: vapi.list_calls(api_key="k", created_after=NOW), [PLACED], 200),
    "Twilio, a message": (lambda: twilio.send_message(**TWILIO, sender="+1", to="+2", body="x"), SENT, 201),
    "Twilio, a refusal": (lambda: twilio.send_message(**TWILIO, sender="+1", to="+2", body="x"), ERROR, 400),
    "Twilio, all messages": (
        lambda: twilio.list_messages(**TWILIO, sender="+1", to="+2", created_after=NOW),
        LISTED,
        200,
    ),
    "Twilio, media": (lambda: twilio.delete_media(**TWILIO, sid="SM1"), {"media_list": []}, 200),
    "OpenAI, a reply": (write, SAID, 200),
    "OpenAI, a refusal": (write, ERROR, 400),
    "Cal.com, slots": (lambda: calcom.list_slots(**DAYS), SLOTS, 200),
    "Cal.com, a booking": (lambda: calcom.book(**BOOKING), BOOKED, 201),
    "Cal.com, a refusal": (lambda: calcom.book(**BOOKING), ERROR, 400),
    "Cal.com, all bookings": (
        lambda: calcom.find_appointment(**CAL, email="a@b.co", start=NOW),
        FOUND,
        200,
    ),
}


@pytest.mark.parametrize("asked", ASKED)
def test_reads_any_answer_of_a_provider_or_says_that_it_failed(asked: str) -> None:
    ask, good, status = ASKED[asked]

    for what, body in spoilt(good):
        with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
            for method in ("GET", "POST"):
                wire.add(method, re.compile(r"https://.*"), body=body, status=status)
            # A crash of ours would be any other exception.
            with contextlib.suppress(ProviderError):
                try:
                    found = ask()
                    value = dataclasses.asdict(found) if isinstance(found, DATACLASSES) else found
                    json.dumps(value, allow_nan=False, default=str).encode()
                except (ArithmeticError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                    pytest.fail(f"{what}: {error!r}")
