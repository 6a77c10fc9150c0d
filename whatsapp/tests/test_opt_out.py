"""STOP: nobody is written to or called any more, at once and without asking the model; START undoes it."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from conftest import make_dispatch, make_lead
from leads.erasure import erase_leads
from leads.models import Dispatch, Lead, LeadEvent, Suppression
from leads.suppression import opted_out_of
from whatsapp.inbox import find_expired
from whatsapp.models import AgentTurn, Message, ObeyedCommand, SenderId
from whatsapp.optout import STOPPED, language_of_phone
from whatsapp.tests.conftest import OPENAI, Phone, Wire, make_message, message, reply, work
from whatsapp.tests.test_replies import tool_call
from whatsapp.tests.test_status_callbacks import call_back


@pytest.mark.parametrize(
    ("number", "language"),
    [("+4915112345678", "de"), ("+971501234567", "ar"), ("+12025550123", "en"), ("nonsense", "en")],
)
def test_guesses_a_language_by_the_phone(number: str, language: str) -> None:
    assert language_of_phone(number) == language


def test_a_stop_suppresses_at_once_and_is_confirmed_once(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()

    assert phone.write("Stop.").status_code == 200
    assert Suppression.objects.get().reason == "stop"
    phone.write("STOP")
    work()
    work(hours=1)

    assert [sent["Body"] for sent in wire.sent] == [
        "You won't get any more messages from Acme. Reply START if you change your mind."
    ]
    assert wire.asked == []
    assert AgentTurn.objects.count() == 0
    assert LeadEvent.objects.filter(kind="opted_out").count() == 1


def test_a_stop_reaches_what_waits_and_what_comes(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()
    wire.openai()
    make_dispatch(phone.lead)
    phone.write("Hi")

    phone.write("stop")
    work()
    phone.write("Anybody there?")
    work()

    assert (wire.asked, len(wire.sent)) == ([], 1)
    assert (Dispatch.objects.get().status, Dispatch.objects.get().reason) == ("skipped", "opted_out")
    assert AgentTurn.objects.get().code == "opted_out"
    assert Message.objects.filter(role="user").count() == 3


def test_a_turn_under_way_sends_nothing_after_a_stop(wire: Wire, phone: Phone) -> None:
    def stop(request: Any) -> Any:
        phone.write("STOP", OptOutType="STOP")
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, OPENAI, callback=stop)
    phone.write("Hi")

    work()
    work(hours=1)

    assert (len(wire.asked), wire.sent) == (1, [])
    assert AgentTurn.objects.get().state == "stopped"
    assert not Message.objects.filter(turn__isnull=False, role="assistant").exists()


def test_a_first_message_under_way_is_not_sent_after_a_stop(wire: Wire, phone: Phone) -> None:
    def stop(request: Any) -> Any:
        phone.write("STOP", OptOutType="STOP")
        return 200, {}, json.dumps(reply())

    Message.objects.all().delete()
    dispatch = make_dispatch(phone.lead)
    wire.mock.add_callback(responses.POST, OPENAI, callback=stop)

    work()

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.reason, wire.sent) == ("skipped", "opted_out", [])


def test_a_start_lifts_it_with_one_confirmation_and_the_agent_goes_on(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()
    wire.openai()
    phone.write("STOPP")
    work()

    phone.write("Start")
    assert not Suppression.objects.exists()
    work()
    phone.write("A kitchen, please")
    work()

    assert [sent["Body"] for sent in wire.sent] == [
        "Sie erhalten keine Nachrichten von Acme mehr. Mit START können Sie es sich anders überlegen.",
        "You will get messages from Acme again. Reply STOP to end them.",
        "Hi Jane! What would you like to achieve?",
    ]


def test_start_from_who_never_stopped_is_a_message_like_any(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()
    wire.openai()
    phone.write("Start")

    work()

    assert len(wire.asked) == 1
    assert not LeadEvent.objects.filter(kind="opted_in").exists()


def test_says_nothing_where_twilio_confirmed_it_already(wire: Wire, phone: Phone) -> None:
    phone.write("STOP", OptOutType="STOP")

    work()

    assert wire.sent == []
    assert Suppression.objects.exists()


def test_a_word_that_only_twilio_knows_counts(wire: Wire, phone: Phone) -> None:
    phone.write("NOPE", OptOutType="STOP")
    assert Suppression.objects.get().reason == "stop"

    phone.write("JOIN", OptOutType="START")
    work()

    assert not Suppression.objects.exists()
    assert (wire.sent, wire.asked) == ([], [])


def test_a_stop_button_counts_as_the_word(wire: Wire, phone: Phone) -> None:
    phone.write("No thanks", ButtonText="Stop promotions", OptOutType="STOP")

    assert Suppression.objects.exists()


def test_a_stop_of_who_is_no_lead_is_remembered(phone: Phone) -> None:
    phone.lead.workspace.unknown_senders = "lead"
    phone.lead.workspace.save()

    phone.write("STOP", From="whatsapp:+447999000111")
    phone.write("Hello?", From="whatsapp:+447999000111")

    assert Suppression.objects.get().phone == "+447999000111"
    assert Lead.objects.count() == 1


def test_a_stop_in_one_workspace_is_none_in_another(phone: Phone) -> None:
    from leads.suppression import is_suppressed

    theirs = make_lead(phone=phone.lead.phone)

    phone.write("STOP", OptOutType="STOP")

    assert is_suppressed(phone.lead.workspace_id, phone.lead.phone)
    assert not is_suppressed(theirs.workspace_id, theirs.phone)


def test_a_refusal_by_twilio_for_an_opt_out_suppresses(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio(status=400, json={"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400})
    phone.write("Hi")

    work()
    work(hours=1)

    assert (Suppression.objects.get().reason, len(wire.sent)) == ("provider", 1)
    assert (AgentTurn.objects.get().state, AgentTurn.objects.get().code) == ("stopped", "opted_out")


def test_a_callback_that_the_lead_blocked_us_suppresses(phone: Phone) -> None:
    sent = make_message(phone.lead, twilio_sid="SM" + "b" * 32)

    call_back(phone.client, sent, "undelivered", ErrorCode="63014")

    assert Suppression.objects.get().reason == "provider"
    assert LeadEvent.objects.filter(kind="opted_out").exists()


def test_who_has_opted_out_at_the_provider_needs_no_human(wire: Wire, phone: Phone) -> None:
    dispatch = make_dispatch(make_lead(phone.lead.workspace, phone="+5215512345678"))
    wire.openai()
    wire.twilio(status=400, json={"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400})
    work()

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.reason, dispatch.lead.status) == ("skipped", "opted_out", "new")
    # The list says so beside its status.
    assert opted_out_of([dispatch.lead], workspace=dispatch.lead.workspace) == {dispatch.lead_id}
    assert set(Suppression.objects.values_list("phone", flat=True)) == {"+5215512345678", "+525512345678"}

    greeting = make_message(phone.lead, twilio_sid="SM" + "b" * 32, dispatch=make_dispatch(phone.lead))
    call_back(phone.client, greeting, "undelivered", ErrorCode="63014")
    assert Lead.objects.get(pk=phone.lead.pk).status == "in_conversation"


def test_what_was_being_sent_when_the_worker_died_is_not_sent_again_after_a_stop(wire: Wire, phone: Phone) -> None:
    def die(request: Any) -> Any:
        raise KeyboardInterrupt

    wire.openai()
    from whatsapp.tests.conftest import TWILIO

    wire.mock.add_callback(responses.POST, TWILIO, callback=die)
    phone.write("Hi")
    with pytest.raises(KeyboardInterrupt):
        work()
    wire.twilio_list(message(body="Something else", date_created="Sun, 07 Jun 2026 13:03:40 +0000"))
    phone.write("STOP", OptOutType="STOP")

    work(minutes=3)
    call_command("sweep")

    assert AgentTurn.objects.get().code == "opted_out"
    assert not Message.objects.filter(role="assistant", status__in=["written", "sending"]).exists()


def test_a_wish_that_no_list_knows_is_obeyed_by_the_agent_and_confirmed_once(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()
    wire.openai(json=tool_call("optOut", reason="Ne me relancez pas."))
    wire.openai(json=reply("Bien sûr, au revoir !"))
    Lead.objects.update(phone="+33612345678")
    phone.lead.refresh_from_db()
    phone.write("Ce n'est plus la peine de me relancer, ni par ici ni au téléphone.")

    work()
    work(hours=1)

    assert [sent["Body"] for sent in wire.sent] == [STOPPED["fr"].format(business="Acme")]
    row = Suppression.objects.get()
    assert (row.phone, row.reason, row.detail) == ("+33612345678", "message", "Ne me relancez pas.")
    assert AgentTurn.objects.get().code == "opted_out"


def test_the_agents_opt_out_covers_the_phones_other_spelling(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()
    wire.openai(json=tool_call("optOut"))
    wire.openai()
    Lead.objects.update(phone="+525512345678")
    phone.lead.refresh_from_db()
    phone.write("Basta, ya no quiero saber nada más de ustedes")

    work()

    assert set(Suppression.objects.values_list("phone", flat=True)) == {"+525512345678", "+5215512345678"}


def replay(phone: Phone, sid: str, text: str) -> None:
    """Send what Twilio signed before once more."""
    assert phone.write(text, MessageSid=sid).status_code == 200


@pytest.mark.parametrize("known", [True, False], ids=["a lead", "nobody's"])
def test_an_old_start_that_is_sent_again_lifts_no_newer_stop(wire: Wire, phone: Phone, known: bool) -> None:
    wire.twilio_each()
    if not known:
        Lead.objects.all().delete()
    stop, start, again = ("SM" + letter * 32 for letter in "abc")
    replay(phone, stop, "STOP")
    replay(phone, start, "START")
    assert not Suppression.objects.exists()
    replay(phone, again, "STOP")
    assert Suppression.objects.exists()

    replay(phone, start, "START")

    assert Suppression.objects.exists()
    replay(phone, "SM" + "d" * 32, "START")
    assert not Suppression.objects.exists()


def test_commands_are_remembered_for_two_years_and_hold_nothing_of_the_person(phone: Phone) -> None:
    phone.write("STOP")

    row = ObeyedCommand.objects.get()
    assert phone.lead.phone not in str(row.__dict__)
    assert not find_expired(now=timezone.now() + timedelta(days=729))[0].exists()
    assert find_expired(now=timezone.now() + timedelta(days=731))[0].exists()


def test_who_has_opted_out_and_writes_something_real_is_seen_by_a_human(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()
    phone.write("STOP")
    for thanks in ("Thank you", "ok", "👍"):
        phone.write(thanks)
    assert Lead.objects.get().status == "in_conversation"

    phone.write("I do want an appointment, please call me")
    work()

    assert Lead.objects.get().status == "needs_human"
    event = LeadEvent.objects.filter(kind="status").latest("at")
    assert event.data["reason"] == "Opted out, and now writes: I do want an appointment, please call me"
    assert wire.asked == []


class TestHiddenNumber:
    """WhatsApp's own id of a person stands for the phone that it came with before."""

    ID = "whatsapp:US.13491208655302741918"

    def test_a_stop_by_the_id_alone_stops_the_phone(self, wire: Wire, phone: Phone) -> None:
        wire.twilio_each()
        phone.write("Hi", ExternalUserId=self.ID)

        phone.write("STOP", From="", ExternalUserId=self.ID)

        assert Suppression.objects.get().phone == phone.lead.phone
        assert Message.objects.filter(role="user").count() == 2

    def test_an_id_that_never_came_with_a_phone_is_nobody(self, phone: Phone) -> None:
        phone.write("STOP", From="", ExternalUserId=self.ID)

        assert not Suppression.objects.exists()

    def test_the_id_follows_its_owner_to_another_phone(self, phone: Phone) -> None:
        phone.write("Hi", ExternalUserId=self.ID)
        phone.write("Hi", From="whatsapp:+447700900222", ExternalUserId=self.ID)

        assert SenderId.objects.get().phone == "+447700900222"

    def test_one_workspace_s_ids_are_not_another_s(self, phone: Phone) -> None:
        phone.write("Hi", ExternalUserId=self.ID)
        SenderId.objects.update(workspace=make_lead().workspace)

        phone.write("STOP", From="", ExternalUserId=self.ID)

        assert not Suppression.objects.exists()

    def test_erasing_the_lead_forgets_the_id(self, phone: Phone) -> None:
        phone.write("Hi", ExternalUserId=self.ID)

        erase_leads(Lead.objects.filter(pk=phone.lead.pk), now=timezone.now())

        assert not SenderId.objects.exists()
