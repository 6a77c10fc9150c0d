"""Who writes before the first message is out gets an answer, and no greeting behind it."""

import json
from typing import Any

import pytest
import responses
from django.test import Client

from leads.models import Dispatch, Lead
from whatsapp.models import Message
from whatsapp.tests.conftest import OPENAI, TWILIO, Phone, Wire, message, reply, work


@pytest.fixture
def early(client: Client, dispatch: Dispatch) -> Phone:
    """Have a lead that nobody has written to yet."""
    return Phone(client, dispatch.lead)


def test_answers_instead_of_greeting_who_was_faster(wire: Wire, early: Phone, dispatch: Dispatch) -> None:
    wire.openai(json=reply("A kitchen, with pleasure."))
    wire.twilio()
    early.write("I'd like a kitchen")

    work()

    dispatch.refresh_from_db()
    assert [sent["Body"] for sent in wire.sent] == ["A kitchen, with pleasure."]
    assert (len(wire.asked), dispatch.status, dispatch.reason) == (1, "skipped", "decided")
    assert Lead.objects.get().status == "in_conversation"


def test_keeps_a_greeting_back_that_was_written_too_late(wire: Wire, early: Phone, dispatch: Dispatch) -> None:
    def interrupt(request: Any) -> Any:
        if not Message.objects.exists():
            early.write("I'd like a kitchen")
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, OPENAI, callback=interrupt)
    wire.twilio()
    work()
    assert wire.sent == []

    work()

    dispatch.refresh_from_db()
    assert (len(wire.sent), dispatch.status) == (1, "skipped")
    assert not Message.objects.filter(dispatch=dispatch).exists()


def test_a_greeting_that_waits_for_twilio_is_not_sent_behind_an_answer(
    wire: Wire, early: Phone, dispatch: Dispatch
) -> None:
    wire.openai()
    wire.mock.add(responses.POST, TWILIO, status=429, json={"code": 20429, "message": "Too Many Requests"})
    wire.mock.add(responses.POST, TWILIO, json=message(), status=201)
    work()
    early.write("Hello?")

    work(hours=1)
    work(hours=1)

    dispatch.refresh_from_db()
    assert (len(wire.sent), dispatch.status) == (2, "skipped")
    assert Message.objects.filter(role="assistant", dispatch=None, status="sent").count() == 1
