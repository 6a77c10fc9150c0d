"""A person steps in: the agent is silent at once, what they write goes out once, and the agent knows it afterwards."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.utils import timezone
from requests import ReadTimeout

from conftest import make_lead, make_member
from leads.channels import CannotWrite, get_channel
from leads.suppression import suppress
from leads.takeover import hand_back, take_over
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import OPENAI, Phone, Wire, make_message, message, reply, work
from whatsapp.tests.test_replies import rfc2822


def write(phone: Phone, text: str) -> None:
    kim = make_member(phone.lead.workspace)
    get_channel("whatsapp").write(phone.lead, text, by_id=kim.pk, now=timezone.now())


def take(phone: Phone) -> None:
    assert take_over(phone.lead.pk, by_id=None, now=timezone.now())


def give_back(phone: Phone) -> None:
    assert hand_back(phone.lead.pk, by_id=None, now=timezone.now())


def test_silences_the_agent_at_once(wire: Wire, phone: Phone) -> None:
    phone.write("Hi")
    take(phone)
    phone.write("Hello?")

    work()
    work(hours=1)

    assert (wire.asked, wire.sent) == ([], [])
    assert AgentTurn.objects.get().code == "taken_over"


def test_a_turn_under_way_sends_nothing(wire: Wire, phone: Phone) -> None:
    def step_in(request: Any) -> Any:
        take(phone)
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, OPENAI, callback=step_in)
    phone.write("Hi")

    work()

    assert (len(wire.asked), wire.sent) == (1, [])
    assert AgentTurn.objects.get().state == "stopped"


def test_sends_what_a_person_writes_once(wire: Wire, phone: Phone) -> None:
    wire.twilio()
    phone.write("Hi")
    take(phone)

    write(phone, "This is Kim. How can I help?")
    work()
    work(hours=1)

    assert [sent["Body"] for sent in wire.sent] == ["This is Kim. How can I help?"]
    said = Message.objects.get(role="operator")
    assert (said.status, said.by is not None, said.due_at) == ("sent", True, None)


def test_sends_the_parts_of_a_long_message_in_order(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()
    phone.write("Hi")
    take(phone)

    write(phone, "One sentence. " * 150 + "\n\n" + "Another one. " * 100)
    for _ in range(4):
        work()

    bodies = [sent["Body"] for sent in wire.sent]
    assert len(bodies) == 3
    assert bodies[0].startswith("One")
    assert bodies[-1].endswith("Another one.")


def test_never_sends_a_persons_message_twice_when_the_answer_gets_lost(wire: Wire, phone: Phone) -> None:
    wire.twilio(body=ReadTimeout("timed out"))
    wire.twilio_list(message(body="Kim here.", date_created=rfc2822()))
    phone.write("Hi")
    take(phone)
    write(phone, "Kim here.")

    work()
    work(minutes=3)

    assert len(wire.sent) == 1
    assert Message.objects.get(role="operator").status == "sent"


def test_tries_a_persons_message_again_when_twilio_is_busy(wire: Wire, phone: Phone) -> None:
    wire.twilio(status=429, json={"code": 20429, "message": "Too Many Requests", "status": 429})
    wire.twilio()
    phone.write("Hi")
    take(phone)
    write(phone, "Kim here.")

    work()
    assert Message.objects.get(role="operator").status == "written"
    work(hours=1)

    assert Message.objects.get(role="operator").status == "sent"


def test_a_persons_message_that_is_refused_says_why(wire: Wire, phone: Phone) -> None:
    wire.twilio(status=400, json={"code": 21211, "message": "Not a number", "status": 400})
    phone.write("Hi")
    take(phone)
    write(phone, "Kim here.")

    work()
    work(hours=1)

    said = Message.objects.get(role="operator")
    assert (said.status, said.error_code, len(wire.sent)) == ("failed", "21211", 1)
    assert "another way" in said.error_message


def test_a_persons_message_waits_for_no_window_that_closed_meanwhile(wire: Wire, phone: Phone) -> None:
    phone.write("Hi")
    write(phone, "Kim here.")
    Message.objects.filter(role="user").update(created_at=timezone.now() - timedelta(hours=25))
    take(phone)

    work()

    said = Message.objects.get(role="operator")
    assert (said.status, wire.sent) == ("failed", [])
    assert "24 hours" in said.error_message


def test_refuses_to_write_outside_the_window_or_after_a_stop(phone: Phone) -> None:
    with pytest.raises(CannotWrite, match="has not written yet"):
        write(phone, "Hello")
    phone.write("Hi")
    Message.objects.filter(role="user").update(created_at=timezone.now() - timedelta(hours=25))
    with pytest.raises(CannotWrite, match="24 hours"):
        write(phone, "Hello")
    Message.objects.filter(role="user").update(created_at=timezone.now())
    with pytest.raises(CannotWrite, match="nothing to send"):
        write(phone, " ")
    suppress(workspace_id=phone.lead.workspace_id, phone=phone.lead.phone, reason="operator", now=timezone.now())
    with pytest.raises(CannotWrite, match="opted out"):
        write(phone, "Hello")
    assert not Message.objects.filter(role="operator").exists()


@pytest.mark.django_db
def test_nothing_is_written_on_a_channel_that_calls() -> None:
    with pytest.raises(CannotWrite, match="calls its leads"):
        get_channel("voice").write(make_lead(), "Hello", by_id=None, now=timezone.now())


def test_on_return_the_agent_answers_the_leads_last_word_and_knows_the_rest(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio_each()
    phone.write("Hi")
    take(phone)
    write(phone, "Kim here. What's your budget?")
    work()
    phone.write("20k")

    give_back(phone)
    work()

    (asked,) = wire.asked
    assert [turn["content"] for turn in asked["input"]] == [
        "Hi Jane!",
        "Hi",
        "[written by a human colleague from the team] Kim here. What's your budget?",
        "20k",
    ]
    assert len(wire.sent) == 2


def test_on_return_the_agent_is_silent_where_a_person_had_the_last_word(wire: Wire, phone: Phone) -> None:
    wire.twilio_each()
    phone.write("Hi")
    take(phone)
    write(phone, "Kim here. I'll call you tomorrow.")
    work()

    give_back(phone)
    work()

    assert (wire.asked, len(wire.sent)) == ([], 1)


def test_a_hand_back_before_the_agent_noticed_the_take_over_leaves_nobody_unanswered(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio_each()
    phone.write("Hi")
    turn = AgentTurn.objects.get()
    later = timezone.now() + timedelta(minutes=1)
    AgentTurn.objects.update(state="running", claimed_by="a worker", due_at=later)
    Message.objects.filter(role="user").update(turn=turn)
    written = make_message(phone.lead, status="written", twilio_sid="", turn=turn, text="Written, not sent")
    take(phone)
    from whatsapp import replies

    assert replies.send_part(str(turn.pk), str(written.pk), "a worker")["outcome"] == "stopped"
    give_back(phone)
    work()

    assert not Message.objects.filter(pk=written.pk).exists()
    assert Message.objects.get(role="user").turn_id not in {None, turn.pk}
    assert len(wire.sent) == 1


def test_the_agent_adds_nothing_to_what_a_colleague_answered_meanwhile(wire: Wire, phone: Phone) -> None:
    def answer_first(request: Any) -> Any:
        write(phone, "This is Kim: yes, we do.")
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, OPENAI, callback=answer_first)
    wire.twilio_each()
    phone.write("Do you do kitchens?")

    work()
    work()

    assert [sent["Body"] for sent in wire.sent] == ["This is Kim: yes, we do."]
    assert (AgentTurn.objects.get().state, phone.lead.taken_over_at) == ("done", None)


def test_the_agent_is_not_asked_what_a_colleague_has_answered(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio_each()
    phone.write("Do you do kitchens?")
    write(phone, "This is Kim: yes, we do.")
    work()
    assert (wire.asked, AgentTurn.objects.get().state) == ([], "done")

    phone.write("In June?")
    work()

    assert [turn["content"] for turn in wire.asked[0]["input"]][-2:] == [
        "[written by a human colleague from the team] This is Kim: yes, we do.",
        "In June?",
    ]
    assert len(wire.sent) == 2


@pytest.mark.parametrize("takes_over", [True, False])
def test_a_colleague_who_writes_from_the_lead_s_page_takes_over(
    wire: Wire, phone: Phone, client: Any, takes_over: bool
) -> None:
    wire.openai()
    wire.twilio_each()
    workspace = phone.lead.workspace
    workspace.writing_takes_over = takes_over
    workspace.save()
    kim = make_member(workspace)
    client.force_login(kim)
    phone.write("Hi")
    work()

    page = f"/admin/{workspace.slug}/leads/{phone.lead.pk}"
    assert client.post(f"{page}/write", {"text": "Kim here."}).status_code == 302
    phone.lead.refresh_from_db()
    assert (phone.lead.taken_over_by == kim) is takes_over
    phone.write("Great, a question")
    work()

    assert len(wire.asked) == (1 if takes_over else 2)
    assert ("Hand back" in client.get(page).content.decode()) is True


def test_what_can_not_be_sent_takes_nothing_over(phone: Phone, client: Any) -> None:
    suppress(workspace_id=phone.lead.workspace_id, phone=phone.lead.phone, reason="stop", now=timezone.now())
    client.force_login(make_member(phone.lead.workspace))

    assert (
        client.post(f"/admin/{phone.lead.workspace.slug}/leads/{phone.lead.pk}/write", {"text": "Hi"}).status_code
        == 409
    )

    phone.lead.refresh_from_db()
    assert phone.lead.taken_over_at is None
