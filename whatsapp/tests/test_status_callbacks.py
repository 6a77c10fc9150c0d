"""Twilio's status callbacks: signed, forward only, and words for what went wrong."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from conftest import make_dispatch, make_lead, make_workspace
from leads.models import Dispatch, Lead
from providers.twilio import signature
from whatsapp.models import Message
from whatsapp.tests.conftest import SID
from workspaces.models import LogEntry

TOKEN = "twilio-token-0123456789"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def sent(db: None) -> Message:
    """Have sent a first message."""
    lead = make_lead(make_workspace(channel="whatsapp"), status="in_conversation")
    return make_message(lead, dispatch=make_dispatch(lead, status="done"))


def make_message(lead: Lead, **overrides: Any) -> Message:
    fields = {"role": "assistant", "text": "Hi!", "status": "sent", "twilio_sid": SID}
    times = {"created_at": lead.created_at, "updated_at": lead.created_at}
    return Message.objects.create(lead=lead, **(fields | times | overrides))


def call_back(client: Client, message: Message, status: str, *, token: str = TOKEN, **params: str) -> Any:
    """Post as Twilio does."""
    path = f"/api/whatsapp/status?message={message.pk}"
    form = {"MessageSid": SID, "MessageStatus": status, "AccountSid": "AC" + "0" * 32} | params
    signed = signature(url=f"http://127.0.0.1:8000{path}", params=form.items(), auth_token=token)
    return client.post(path, urlencode(form), content_type=FORM, headers={"X-Twilio-Signature": signed})


def test_moves_a_message_forward(client: Client, sent: Message) -> None:
    statuses = []
    for word in ("queued", "sent", "delivered", "read"):
        assert call_back(client, sent, word).status_code == 204
        statuses.append(Message.objects.get().status)

    assert statuses == ["sent", "sent", "delivered", "read"]


@pytest.mark.parametrize(("now", "word"), [("read", "delivered"), ("delivered", "sent"), ("failed", "delivered")])
def test_never_moves_a_message_back(client: Client, sent: Message, now: str, word: str) -> None:
    Message.objects.update(status=now)

    assert call_back(client, sent, word).status_code == 204
    assert Message.objects.get().status == now
    assert not LogEntry.objects.exists()


@pytest.mark.django_db
def test_a_sid_that_no_database_takes_is_refused_like_any_other(client: Client) -> None:
    answer = client.post("/api/whatsapp/status", urlencode({"MessageSid": "SM\x00"}), content_type=FORM)

    assert answer.status_code == 403


def test_a_refused_first_message_is_left_to_a_human_with_what_to_do(client: Client, sent: Message) -> None:
    call_back(client, sent, "undelivered", ErrorCode="63016")

    message, dispatch, lead = Message.objects.get(), Dispatch.objects.get(), Lead.objects.get()
    assert (message.status, message.error_code) == ("failed", "63016")
    assert "approved template" in message.error_message
    assert (dispatch.status, lead.status) == ("failed", "needs_human")
    assert dispatch.reason.startswith("63016")
    entry = LogEntry.objects.get()
    assert (entry.direction, entry.provider, entry.outcome, entry.lead_id) == ("in", "twilio", "rejected", lead.pk)


def test_a_later_refused_message_leaves_the_lead_where_it_is(client: Client, sent: Message) -> None:
    Message.objects.update(dispatch=None)

    call_back(client, sent, "failed", ErrorCode="63005")

    assert (Message.objects.get().status, Lead.objects.get().status) == ("failed", "in_conversation")


def test_adopts_a_message_whose_send_has_not_come_back(client: Client, sent: Message) -> None:
    Message.objects.update(status="sending", twilio_sid="")

    call_back(client, sent, "delivered")

    assert (Message.objects.get().status, Message.objects.get().twilio_sid) == ("delivered", SID)


def test_finds_a_message_by_twilios_id_alone(client: Client, sent: Message) -> None:
    form = {"MessageSid": SID, "MessageStatus": "read"}
    signed = signature(url="http://127.0.0.1:8000/api/whatsapp/status", params=form.items(), auth_token=TOKEN)

    answer = client.post(
        "/api/whatsapp/status", urlencode(form), content_type=FORM, headers={"X-Twilio-Signature": signed}
    )

    assert (answer.status_code, Message.objects.get().status) == (204, "read")


def test_refuses_what_twilio_did_not_sign(client: Client, sent: Message) -> None:
    forged = call_back(client, sent, "read", token="another workspace's")
    other_sid = call_back(client, sent, "read", MessageSid="SM" + "c" * 32)
    unknown = client.post("/api/whatsapp/status?message=x", "MessageSid=SM1", content_type=FORM)

    for answer in (forged, other_sid, unknown):
        assert (answer.status_code, answer.json()) == (403, {"ok": False, "error": "forbidden"})
    assert Message.objects.get().status == "sent"


def test_takes_posts_only(client: Client, sent: Message) -> None:
    answer = client.get("/api/whatsapp/status")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json() == {"ok": False, "error": "method_not_allowed"}


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=", "text/plain"])
def test_a_body_of_another_kind_is_refused_and_no_crash(client: Client, content_type: str) -> None:
    answer = client.post("/api/whatsapp/status", data="x", content_type=content_type)
    assert answer.status_code in {400, 403}
    assert answer.json()["ok"] is False
