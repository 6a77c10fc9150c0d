"""Messages that are no question: buttons, reactions, HELP, our own number, machines that answer machines."""

from typing import Any

import pytest

from leads.models import Lead, LeadEvent, Suppression
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import NUMBER, Phone, Wire, make_message, work
from whatsapp.tests.test_status_callbacks import call_back

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("payload", ["cancel", "STOP", "unsubscribe"])
def test_a_button_s_payload_is_no_word_of_the_lead(wire: Wire, phone: Phone, payload: str) -> None:
    wire.openai()
    wire.twilio()
    phone.write("", ButtonText="Yes, please", ButtonPayload=payload)

    work()

    assert not Suppression.objects.exists()
    assert (len(wire.asked), Message.objects.get(role="user").text) == (1, "Yes, please")


def test_a_button_that_says_stop_stops(phone: Phone) -> None:
    phone.write("", ButtonText="Stop", ButtonPayload="1")

    assert Suppression.objects.exists()


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("reaction", "[reaction]"),
        ("order", "[order from the catalog]"),
        ("nfm_reply", "[answers to a form in WhatsApp]"),
        ("newkind", "[message without words: newkind]"),
        ("text", "[message without words]"),
        (None, "[message without words]"),
    ],
)
def test_what_has_no_words_is_shown_as_what_it_is_and_not_answered(
    wire: Wire, phone: Phone, kind: str | None, shown: str
) -> None:
    phone.write("", MessageType=kind)

    work()

    message = Message.objects.get(role="user")
    assert (message.kind, message.text) == ("sign", shown)
    assert (wire.asked, AgentTurn.objects.count()) == ([], 0)


def test_a_picture_is_answered_as_ever(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio()
    phone.write("", NumMedia="1", MediaContentType0="image/jpeg", MediaUrl0="https://api.twilio.com/x")

    work()

    assert len(wire.asked) == 1


def test_help_that_twilio_has_answered_is_not_answered_twice(wire: Wire, phone: Phone) -> None:
    phone.write("HELP", OptOutType="HELP")

    work()

    assert (wire.asked, wire.sent) == ([], [])
    assert Message.objects.get(role="user").text == "HELP"


def test_the_workspace_s_own_number_is_no_lead(wire: Wire, phone: Phone) -> None:
    phone.lead.workspace.unknown_senders = "lead"
    phone.lead.workspace.save()
    before = Lead.objects.count()

    phone.write("Thanks for your message!", From=f"whatsapp:{NUMBER}")
    work()

    assert (Lead.objects.count(), Message.objects.filter(role="user").count()) == (before, 0)


def test_the_same_text_ten_times_is_a_machine_s(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio_each()
    for n in range(9):
        phone.write("We are closed. We will reply tomorrow.")
        work()
        assert len(wire.asked) == n + 1

    for _ in range(3):
        phone.write("We are closed.  We will reply TOMORROW.")
        work()

    assert len(wire.asked) == 9
    assert Lead.objects.get().status == "needs_human"
    event = LeadEvent.objects.get(kind="agent_stopped")
    assert "automatic replies" in event.data["reason"]


class TestNoRoom:
    """63018: WhatsApp has no room for the sender's message now, so it is sent again later."""

    def test_a_reply_is_sent_again(self, wire: Wire, phone: Phone) -> None:
        wire.openai()
        wire.twilio_each()
        phone.write("Hi")
        work()
        sent = Message.objects.get(turn__isnull=False, role="assistant")
        call_back(phone.client, sent, "undelivered", ErrorCode="63018", MessageSid=sent.twilio_sid)
        work(minutes=5)

        assert len(wire.sent) == 2
        assert Message.objects.get(turn__isnull=False, role="assistant").status == "sent"
        assert Lead.objects.get().status == "in_conversation"

    def test_not_for_ever(self, phone: Phone) -> None:
        sent = make_message(phone.lead, twilio_sid="SM" + "b" * 32, attempts=5)

        call_back(phone.client, sent, "undelivered", ErrorCode="63018", MessageSid=sent.twilio_sid)

        sent.refresh_from_db()
        assert sent.status == "failed"

    def test_refused_at_once_it_waits(self, wire: Wire, phone: Phone) -> None:
        wire.openai()
        refusal: dict[str, Any] = {"code": 63018, "message": "Rate limit", "status": 400}
        wire.twilio(status=400, json=refusal)
        phone.write("Hi")
        work()
        assert Message.objects.get(turn__isnull=False, role="assistant").status == "written"

        wire.twilio_each()
        work(minutes=5)
        assert len(wire.sent) == 2
