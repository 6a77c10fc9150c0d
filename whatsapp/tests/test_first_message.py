"""The first contact, made by the worker where no Inngest is configured."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings
from requests import ConnectionError as Refused
from requests import ReadTimeout
from urllib3.exceptions import NewConnectionError

from conftest import make_dispatch, make_lead, make_workspace
from leadforms.tests.factories import document, make_published, question
from leads.models import Dispatch, Lead
from whatsapp.models import Message
from whatsapp.tests.conftest import SID, Wire, make_message, message, reply
from workspaces.models import Integration, LogEntry


def sweep_in(**later: float) -> None:
    """Let the worker look again after a while: every lease and wait ends earlier by as much."""
    shift = timedelta(**later)
    for row in Dispatch.objects.all():
        Dispatch.objects.filter(pk=row.pk).update(due_at=row.due_at - shift)
    for sending in Message.objects.exclude(sending_at=None):
        assert sending.sending_at is not None
        Message.objects.filter(pk=sending.pk).update(sending_at=sending.sending_at - shift)
    call_command("sweep")


def test_writes_sends_and_records(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio()

    call_command("sweep")

    lead = Lead.objects.get()
    dispatch.refresh_from_db()
    sent = Message.objects.get()
    assert (lead.status, dispatch.status) == ("in_conversation", "done")
    assert (sent.status, sent.twilio_sid, sent.role) == ("sent", SID, "assistant")
    assert sent.text == "Hi Jane! What would you like to achieve?"
    assert (sent.input_tokens, sent.output_tokens) == (312, 18)
    assert wire.sent == [
        {
            "To": f"whatsapp:{lead.phone}",
            "From": "whatsapp:+14155238886",
            "Body": "Hi Jane! What would you like to achieve?",
            "StatusCallback": f"http://127.0.0.1:8000/api/whatsapp/status?message={sent.pk}",
        }
    ]


def test_tells_the_model_about_the_lead_and_stores_nothing_there(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio()

    call_command("sweep")

    (asked,) = wire.asked
    assert asked["store"] is False
    assert asked["model"] == "gpt-5.4-mini"
    assert "Robin" in asked["instructions"]
    assert "What else we know about this lead" in asked["instructions"]
    assert "companyName: Kitchens Ltd" in asked["instructions"]


def test_writing_once_more_goes_on_with_what_was_said(wire: Wire, dispatch: Dispatch) -> None:
    Dispatch.objects.update(created_at=timezone.now())
    for minutes, role, text in ((30, "assistant", "Hi Jane!"), (20, "user", "Not now"), (10, "assistant", "Lost")):
        at = timezone.now() - timedelta(minutes=minutes)
        make_message(dispatch.lead, role=role, text=text, status="failed" if text == "Lost" else "read", created_at=at)
    wire.openai()
    wire.twilio()

    call_command("sweep")

    said = wire.asked[0]["input"]
    assert [turn["content"] for turn in said[:-1]] == ["Hi Jane!", "Not now"]
    assert said[-1]["content"].startswith("That was the conversation so far.")
    assert len(wire.sent) == 1


def test_tells_the_model_what_was_answered_in_the_words_of_the_form(wire: Wire, dispatch: Dispatch) -> None:
    lead = dispatch.lead
    version = make_published(lead.workspace, document(question("yes_no", "Coached before?", id="q_before")))
    Lead.objects.filter(pk=lead.pk).update(form_responses={"q_before": "no"}, form_version_id=version.pk)
    wire.openai()
    wire.twilio()

    call_command("sweep")

    (asked,) = wire.asked
    assert "## Form answers\n<data>\nCoached before?: No\n</data>" in asked["instructions"]


def test_sends_once_however_often_the_worker_sweeps(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio()

    call_command("sweep")
    sweep_in(hours=1)
    sweep_in(hours=1)

    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_journals_both_crossings_without_their_keys(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio()

    call_command("sweep")

    crossings = LogEntry.objects.order_by("id").values_list("provider", "operation", "outcome", "status_code")
    assert list(crossings)[:2] == [("openai", "write reply", "ok", 200), ("twilio", "send message", "ok", 201)]
    for entry in LogEntry.objects.all():
        assert entry.lead_id == dispatch.lead_id
        assert "sk-test-0123456789" not in entry.request + entry.response
        assert "twilio-token-0123456789" not in entry.request + entry.response


def test_cuts_free_text_to_what_twilio_takes(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai(json=reply("long words " * 300))
    wire.twilio()

    call_command("sweep")

    assert len(wire.sent[0]["Body"]) <= 1600


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"json": reply("")}, "empty text"),
        ({"json": reply(status="incomplete", incomplete_details={"reason": "max_output_tokens"})}, "max_output_tokens"),
        ({"json": reply(status="failed", error={"code": "server_error", "message": "Sorry"})}, "Sorry"),
        (
            {"json": reply(output=[{"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}])},
            "I can't.",
        ),
        ({"status": 401, "json": {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}}, "(401)"),
        ({"status": 429, "json": {"error": {"message": "No quota", "code": "insufficient_quota"}}}, "No quota"),
    ],
)
def test_leaves_the_lead_to_a_human_when_the_model_refuses(
    wire: Wire, dispatch: Dispatch, answer: dict[str, Any], reason: str
) -> None:
    wire.openai(**answer)

    call_command("sweep")
    sweep_in(hours=1)

    dispatch.refresh_from_db()
    assert (dispatch.status, Lead.objects.get().status) == ("failed", "needs_human")
    assert reason in dispatch.reason
    assert LogEntry.objects.filter(provider="openai", outcome="rejected").count() == 1
    assert (len(wire.asked), wire.sent) == (1, [])


def test_leaves_the_lead_to_a_human_when_twilio_refuses(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio(status=400, json={"code": 21211, "message": "The 'To' number is not valid.", "status": 400})

    call_command("sweep")
    sweep_in(hours=1)

    dispatch.refresh_from_db()
    sent = Message.objects.get()
    assert (dispatch.status, Lead.objects.get().status) == ("failed", "needs_human")
    assert "21211" in dispatch.reason
    assert (sent.status, sent.error_code, sent.twilio_sid) == ("failed", "21211", "")
    assert len(wire.sent) == 1


@pytest.mark.parametrize("provider", ["openai", "twilio"])
def test_leaves_the_lead_to_a_human_when_a_provider_is_not_connected(
    wire: Wire, dispatch: Dispatch, provider: str
) -> None:
    Integration.objects.filter(provider=provider).delete()

    call_command("sweep")

    dispatch.refresh_from_db()
    assert (dispatch.status, Lead.objects.get().status) == ("failed", "needs_human")
    assert "not connected" in dispatch.reason
    assert (wire.asked, wire.sent) == ([], [])


def test_never_pays_the_model_twice_when_twilio_is_busy(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio(status=429, json={"code": 20429, "message": "Too Many Requests", "status": 429})
    wire.twilio()

    call_command("sweep")
    assert Dispatch.objects.get().status == "pending"
    sweep_in(hours=1)

    assert Dispatch.objects.get().status == "done"
    assert (len(wire.asked), len(wire.sent)) == (1, 2)
    assert Message.objects.get().status == "sent"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 429, "json": {"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}},
        {"status": 500, "json": {"error": {"message": "Sorry", "code": None}}},
        {"body": ReadTimeout("timed out")},
        {"body": Refused(NewConnectionError(None, "refused"))},  # type: ignore[arg-type]
    ],
)
def test_asks_the_model_again_when_it_is_away(wire: Wire, dispatch: Dispatch, answer: dict[str, Any]) -> None:
    wire.openai(**answer)
    wire.openai()
    wire.twilio()

    call_command("sweep")
    assert (Dispatch.objects.get().status, Lead.objects.get().status) == ("pending", "new")
    sweep_in(hours=1)

    assert Dispatch.objects.get().status == "done"
    assert len(wire.sent) == 1


@pytest.mark.parametrize("answer", [{"body": ReadTimeout("timed out")}, {"status": 502, "body": "<html>Bad Gateway"}])
def test_adopts_a_message_that_twilio_took_without_answering(
    wire: Wire, dispatch: Dispatch, answer: dict[str, Any]
) -> None:
    wire.openai()
    wire.twilio(**answer)
    wire.twilio_list(message(date_created=_rfc2822(), status="delivered"))

    call_command("sweep")
    assert Dispatch.objects.get().status == "sending"
    sweep_in(minutes=3)

    sent = Message.objects.get()
    assert (sent.status, sent.twilio_sid) == ("delivered", SID)
    assert (Dispatch.objects.get().status, Lead.objects.get().status) == ("done", "in_conversation")
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_sends_again_what_twilio_never_got(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio(body=ReadTimeout("timed out"))
    wire.twilio()
    wire.twilio_list(message(body="Something else", date_created=_rfc2822()))

    call_command("sweep")
    sweep_in(minutes=3)

    assert Message.objects.get().status == "sent"
    assert Dispatch.objects.get().status == "done"
    assert (len(wire.asked), len(wire.sent)) == (1, 2)


def test_never_sends_blindly_while_twilio_cant_be_asked(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio(body=ReadTimeout("timed out"))
    wire.twilio_list(status=503)

    call_command("sweep")
    sweep_in(minutes=3)
    sweep_in(minutes=3)

    assert Message.objects.get().status == "sending"
    assert Dispatch.objects.get().status == "sending"
    assert len(wire.sent) == 1


class Killed(BaseException):
    """kill -9, as far as a test can have it."""


def test_sends_once_when_killed_before_the_send_came_back(wire: Wire, dispatch: Dispatch) -> None:
    def die(request: Any) -> Any:
        raise Killed

    wire.openai()
    wire.mock.add_callback(responses.POST, _messages_url(), callback=die)
    with pytest.raises(Killed):
        call_command("sweep")
    wire.mock.remove(responses.POST, _messages_url())
    wire.twilio_list(message(date_created=_rfc2822()))

    sweep_in(minutes=3)

    assert Message.objects.get().twilio_sid == SID
    assert Dispatch.objects.get().status == "done"
    assert len(wire.asked) == 1


def test_pays_once_and_sends_once_when_killed_between_the_steps(
    wire: Wire, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: str) -> Any:
        raise Killed

    wire.openai()
    wire.twilio()
    for step in ("send_message", "persist_message"):
        with monkeypatch.context() as patched:
            patched.setattr(f"whatsapp.turns.{step}", die)
            with pytest.raises(Killed):
                sweep_in(minutes=3)

    sweep_in(minutes=3)

    assert Dispatch.objects.get().status == "done"
    assert Lead.objects.get().status == "in_conversation"
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


def test_skips_a_workspace_that_was_paused_meanwhile(wire: Wire, dispatch: Dispatch) -> None:
    dispatch.workspace.agent_enabled = False
    dispatch.workspace.save()

    call_command("sweep")

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.reason) == ("skipped", "paused")
    assert Lead.objects.get().status == "new"
    assert (wire.asked, wire.sent) == ([], [])


def test_skips_a_workspace_that_is_paused_while_the_model_writes(wire: Wire, dispatch: Dispatch) -> None:
    def pause(request: Any) -> Any:
        dispatch.workspace.agent_enabled = False
        dispatch.workspace.save()
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, "https://api.openai.com/v1/responses", callback=pause)

    call_command("sweep")

    assert Dispatch.objects.get().status == "skipped"
    assert wire.sent == []


def test_never_writes_to_a_lead_that_was_erased_while_the_model_wrote(wire: Wire, dispatch: Dispatch) -> None:
    def erase(request: Any) -> Any:
        Lead.objects.all().delete()
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, "https://api.openai.com/v1/responses", callback=erase)

    call_command("sweep")

    assert wire.sent == []
    assert not Message.objects.exists()
    assert not LogEntry.objects.exclude(lead_id=None).exists()


@pytest.mark.django_db
def test_contacts_nobody_for_a_test_lead(wire: Wire) -> None:
    lead = make_lead(make_workspace(channel="whatsapp", connected=False), is_test=True)
    make_dispatch(lead)

    call_command("sweep")

    sent = Message.objects.get()
    assert (sent.status, Dispatch.objects.get().status) == ("delivered", "done")
    assert sent.twilio_sid.startswith("SM")
    assert len(wire.mock.calls) == 0


def test_asks_by_chat_completions_where_the_server_has_nothing_else(
    wire: Wire, dispatch: Dispatch, settings: Settings
) -> None:
    settings.OPENAI_API = "chat"
    choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": "Hi Jane!", "refusal": None}}
    answer = {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    wire.mock.add(responses.POST, "https://api.openai.com/v1/chat/completions", json=answer)
    wire.twilio()

    call_command("sweep")

    assert wire.sent[0]["Body"] == "Hi Jane!"
    assert (Message.objects.get().input_tokens, Message.objects.get().output_tokens) == (7, 3)
    assert [turn["role"] for turn in wire.asked[0]["messages"]] == ["system", "user"]


def _rfc2822() -> str:
    return f"{timezone.now():%a, %d %b %Y %H:%M:%S} +0000"


def _messages_url() -> Any:
    from whatsapp.tests.conftest import TWILIO

    return TWILIO
