"""The function `agent-turn`, driven through the real, signed /api/inngest."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from requests import ReadTimeout

from conftest import make_integration
from leads.models import Dispatch, Lead
from whatsapp.models import Message
from whatsapp.tests.conftest import SID, Executor, Wire, message, reply
from workspaces.models import Integration, LogEntry


@pytest.fixture(autouse=True)
def _queued(dispatch: Dispatch) -> None:
    Dispatch.objects.update(status="queued")


def wait_long_enough() -> None:
    """Let the time pass after which Twilio is asked about a send that never came back."""
    for sending in Message.objects.exclude(sending_at=None):
        assert sending.sending_at is not None
        Message.objects.filter(pk=sending.pk).update(sending_at=sending.sending_at - timedelta(minutes=3))


def test_makes_the_first_contact_in_three_steps(wire: Wire, executor: Executor, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio()

    result = executor.run()

    dispatch.refresh_from_db()
    assert executor.statuses == [206, 206, 206, 200]
    assert result["outcome"] == "sent"
    assert (dispatch.status, dispatch.claimed_by) == ("done", "01HRUN")
    assert (Lead.objects.get().status, Message.objects.get().status) == ("in_conversation", "sent")
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_hands_no_secret_text_or_number_to_the_engine(wire: Wire, executor: Executor, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio()

    executor.run()

    told = json.dumps([executor.event(), executor.steps])
    for private in ("sk-test-0123456789", "twilio-token", "Jane", "+4471", "achieve"):
        assert private not in told


@pytest.mark.parametrize("step", ["generate-reply", "send-message", "persist-message"])
def test_pays_once_and_sends_once_when_a_steps_answer_gets_lost(wire: Wire, executor: Executor, step: str) -> None:
    wire.openai()
    wire.twilio()
    executor.crash_after = step

    executor.run()

    assert Dispatch.objects.get().status == "done"
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_tries_again_when_twilio_is_busy_without_paying_again(wire: Wire, executor: Executor) -> None:
    seen: list[tuple[str, bool]] = []

    def look() -> None:
        between = Dispatch.objects.get()
        seen.append((between.status, between.due_at > timezone.now()))

    wire.openai()
    wire.twilio(status=429, json={"code": 20429, "message": "Too Many Requests", "status": 429})
    wire.twilio()
    executor.between = look

    executor.run()

    # Between two attempts the dispatch is the engine's, and the worker keeps its hands off.
    assert seen[1] == ("queued", True)
    assert executor.statuses == [206, 500, 206, 206, 200]
    assert Dispatch.objects.get().status == "done"
    assert (len(wire.asked), len(wire.sent)) == (1, 2)


def test_adopts_what_twilio_took_without_answering(wire: Wire, executor: Executor) -> None:
    wire.openai()
    wire.twilio(body=ReadTimeout("timed out"))
    wire.twilio_list(message(date_created=f"{timezone.now():%a, %d %b %Y %H:%M:%S} +0000"))
    executor.between = wait_long_enough

    executor.run()

    assert Message.objects.get().twilio_sid == SID
    assert Dispatch.objects.get().status == "done"
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_never_sends_again_while_twilio_may_still_be_at_it(wire: Wire, executor: Executor) -> None:
    wire.openai()
    wire.twilio(body=ReadTimeout("timed out"))

    executor.run()

    dispatch = Dispatch.objects.get()
    assert len(wire.sent) == 1
    assert (dispatch.status, Lead.objects.get().status) == ("failed", "needs_human")
    assert "not known" in dispatch.reason


@pytest.mark.parametrize(
    ("openai", "twilio"),
    [
        ({"status": 401, "json": {"error": {"message": "Bad key", "code": "invalid_api_key"}}}, {}),
        ({}, {"status": 400, "json": {"code": 63007, "message": "No such sender", "status": 400}}),
    ],
)
def test_ends_in_a_failure_for_a_human_when_a_provider_refuses(
    wire: Wire, executor: Executor, openai: dict[str, Any], twilio: dict[str, Any]
) -> None:
    wire.openai(**openai)
    wire.twilio(**twilio)

    result = executor.run()

    dispatch = Dispatch.objects.get()
    assert result["outcome"] == "failed"
    assert (dispatch.status, Lead.objects.get().status) == ("failed", "needs_human")
    assert dispatch.reason
    assert LogEntry.objects.filter(outcome="rejected").count() == 1
    assert len(wire.asked) == 1


def test_ends_in_a_failure_for_a_human_when_the_retries_are_used_up(wire: Wire, executor: Executor) -> None:
    wire.openai(status=500, json={"error": {"message": "Sorry"}})

    executor.run()

    dispatch = Dispatch.objects.get()
    assert (dispatch.status, Lead.objects.get().status) == ("failed", "needs_human")
    assert "Sorry" in dispatch.reason
    assert wire.sent == []


def test_a_second_run_of_the_same_dispatch_sends_nothing(wire: Wire, executor: Executor, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio()
    executor.run()

    again = Executor(executor.client, dispatch, run_id="01HOTHER")
    result = again.run()

    assert result == {"outcome": "nothing"}
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_leaves_a_dispatch_to_the_run_that_has_it(wire: Wire, executor: Executor, dispatch: Dispatch) -> None:
    in_an_hour = timezone.now() + timedelta(hours=1)
    Dispatch.objects.update(status="sending", claimed_by="01HOTHER", due_at=in_an_hour)

    assert executor.run()["outcome"] == "nothing"

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.claimed_by) == ("sending", "01HOTHER")
    assert wire.asked == []


def test_takes_over_from_a_run_that_went_silent(wire: Wire, executor: Executor) -> None:
    Dispatch.objects.update(status="sending", claimed_by="01HDEAD", due_at=timezone.now())
    wire.openai()
    wire.twilio()

    executor.run()

    assert Dispatch.objects.get().status == "done"
    assert len(wire.sent) == 1


def test_fetches_the_credentials_at_the_step_that_needs_them(
    wire: Wire, executor: Executor, dispatch: Dispatch
) -> None:
    wire.openai()
    wire.twilio()
    executor.post()
    Integration.objects.filter(provider="twilio").delete()
    make_integration(dispatch.workspace, "twilio", credentials={"from_number": "+442079460000"})

    executor.run()

    assert wire.sent[0]["From"] == "whatsapp:+442079460000"


def test_skips_what_was_paused_between_the_steps(wire: Wire, executor: Executor, dispatch: Dispatch) -> None:
    def pause() -> None:
        dispatch.workspace.agent_enabled = False
        dispatch.workspace.save()

    wire.openai()
    executor.between = pause

    assert executor.run() == {"outcome": "skipped", "reason": "paused"}
    assert Dispatch.objects.get().status == "skipped"
    assert wire.sent == []


def test_refuses_what_inngest_did_not_sign(wire: Wire, executor: Executor, client: Client) -> None:
    forged = executor.post(key="fedcba9876543210fedcba9876543210")
    unsigned = client.post("/api/inngest?fnId=coachbot-agent-turn", "{}", content_type="application/json")
    moved = client.put("/api/inngest", "{}", content_type="application/json", headers={"Host": "localhost"})

    assert (forged.status_code, unsigned.status_code, moved.status_code) == (401, 401, 401)
    assert Dispatch.objects.get().status == "queued"


def test_is_not_there_without_inngest(client: Client, settings: Settings) -> None:
    settings.INNGEST_CONFIGURED = False

    answer = client.post("/api/inngest", "{}", content_type="application/json")

    assert (answer.status_code, answer.json()) == (404, {"ok": False, "error": "not_found"})


def test_a_dispatch_that_is_gone_ends_the_run(wire: Wire, executor: Executor) -> None:
    Lead.objects.all().delete()

    assert executor.run() == {"outcome": "nothing"}
    assert wire.asked == []


def test_writes_through_a_free_slot_of_the_model(wire: Wire, executor: Executor) -> None:
    slow_down = {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}
    wire.openai(status=429, json=slow_down, headers={"retry-after": "3"})
    wire.mock.add(responses.POST, "https://api.openai.com/v1/responses", json=reply())
    wire.twilio()

    executor.run()

    assert Dispatch.objects.get().status == "done"
    assert len(wire.asked) == 2
