"""What leads write while the agent is switched off is answered once it is on again, or seen by a person."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conftest import make_lead
from leads.models import Dispatch, Lead, LeadEvent
from leads.suppression import suppress
from leads.takeover import take_over
from whatsapp import catching_up
from whatsapp.catching_up import ANSWERS, NOBODY, NOT_ANSWERED, NOT_CONTACTED
from whatsapp.delivery import leave_to_human
from whatsapp.events import sender
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import Events, Phone, Wire, make_message, pass_time, work


def switch(phone: Phone, *, on: bool) -> None:
    phone.lead.workspace.agent_enabled = on
    phone.lead.workspace.save()


def write_while_off(phone: Phone, *texts: str) -> None:
    switch(phone, on=False)
    for text in texts:
        phone.write(text)
        work()


def age(**ago: float) -> None:
    """Let a while go by for what was written and for what was stopped."""
    for message in Message.objects.all():
        Message.objects.filter(pk=message.pk).update(created_at=message.created_at - timedelta(**ago))
    for turn in AgentTurn.objects.exclude(finished_at=None):
        assert turn.finished_at
        AgentTurn.objects.filter(pk=turn.pk).update(finished_at=turn.finished_at - timedelta(**ago))


def status() -> str:
    return Lead.objects.get().status


def test_answers_once_when_the_agent_is_on_again(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio_each()
    write_while_off(phone, "Hi", "Anybody?")
    assert wire.sent == []

    switch(phone, on=True)
    work()
    work()
    work()

    assert [turn["content"] for turn in wire.asked[0]["input"]][-2:] == ["Hi", "Anybody?"]
    assert (len(wire.asked), len(wire.sent), status()) == (1, 1, "in_conversation")
    assert list(AgentTurn.objects.order_by("created_at").values_list("state", "reason")) == [
        *(("stopped", ANSWERS), ("stopped", ANSWERS)),
        ("done", ""),
    ]


def test_a_short_pause_troubles_nobody_and_a_longer_one_a_person(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio_each()
    write_while_off(phone, "Hi")
    age(minutes=59)
    work()
    assert status() == "in_conversation"

    age(minutes=2)
    work()
    work()
    assert status() == "needs_human"
    assert [event.data["reason"] for event in LeadEvent.objects.filter(kind="agent_stopped")] == [NOBODY]

    phone.write("Still there?")
    work()
    switch(phone, on=True)
    work()
    work()
    assert (len(wire.asked), len(wire.sent)) == (1, 1)
    assert LeadEvent.objects.filter(kind="agent_stopped").count() == 1


@pytest.mark.parametrize("on", [True, False])
def test_what_is_too_old_to_be_answered_is_left_to_a_person(wire: Wire, phone: Phone, on: bool) -> None:
    write_while_off(phone, "Hi")
    age(hours=25)
    switch(phone, on=on)

    work()
    work()

    assert (wire.asked, wire.sent, status()) == ([], [], "needs_human")
    assert AgentTurn.objects.get().code == "paused_seen"


def test_looks_once_at_what_is_old_while_the_lead_goes_on_writing(wire: Wire, phone: Phone) -> None:
    wire.openai()
    wire.twilio_each()
    write_while_off(phone, "Hi")
    age(hours=25)
    write_while_off(phone, "Still there?")

    work()
    assert catching_up.sweep(now=timezone.now(), limit=10) == 0
    assert (status(), LeadEvent.objects.filter(kind="agent_stopped").count()) == ("needs_human", 1)

    switch(phone, on=True)
    work()
    work()
    assert (len(wire.asked), len(wire.sent)) == (1, 1)


@pytest.mark.parametrize("why", ["taken over", "opted out", "answered by a colleague"])
def test_leaves_who_waits_for_no_agent_alone(wire: Wire, phone: Phone, why: str) -> None:
    write_while_off(phone, "Hi")
    lead, now = phone.lead, timezone.now()
    if why == "taken over":
        take_over(lead.pk, by_id=None, now=now)
    elif why == "opted out":
        suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason="operator", now=now)
    else:
        make_message(lead, role="operator", text="Hello from Kim")

    switch(phone, on=True)
    work()
    work()

    assert (wire.asked, wire.sent, status()) == ([], [], "in_conversation")


def test_looks_at_no_workspace_that_is_still_off(wire: Wire, phone: Phone) -> None:
    write_while_off(phone, "Hi")
    other = make_lead(phone.lead.workspace, status="in_conversation")
    pass_time(minutes=5)

    work()

    assert AgentTurn.objects.get().code == "paused"
    assert other.turns.count() == 0


def test_wakes_the_engine_where_there_is_one(
    wire: Wire, phone: Phone, engine: Events, django_capture_on_commit_callbacks: Any
) -> None:
    now = timezone.now()
    times = dict.fromkeys(("due_at", "wake_at", "created_at", "finished_at"), now)
    workspace = phone.lead.workspace
    AgentTurn.objects.create(workspace=workspace, lead=phone.lead, state="stopped", code="paused", **times)
    make_message(phone.lead, role="user", status="received", text="Hi")

    with django_capture_on_commit_callbacks(execute=True):
        work()

    assert sender.wait_until_idle(timeout_s=10)
    assert engine.ids == [str(AgentTurn.objects.get(state="waiting").pk)]


def test_a_person_is_told_of_who_waits_for_an_engine_that_does_not_come(engine: Events, phone: Phone) -> None:
    phone.write("Hi")
    work(minutes=59)
    assert status() == "in_conversation"

    work(minutes=2)
    work(minutes=2)

    assert (status(), AgentTurn.objects.get().state) == ("needs_human", "waiting")
    assert [event.data["reason"] for event in LeadEvent.objects.filter(kind="agent_stopped")] == [NOT_ANSWERED]


def test_of_two_workers_one_tells(engine: Events, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(hours=2)
    other = make_lead(phone.lead.workspace, status="in_conversation")
    for minute, lead in enumerate((phone.lead, other)):
        times = dict.fromkeys(("due_at", "wake_at", "created_at"), later - timedelta(minutes=90 - minute))
        AgentTurn.objects.create(workspace=lead.workspace, lead=lead, **times)
    nested: list[bool] = []

    def tell(*args: Any, **kwargs: Any) -> None:
        if not nested:
            nested.append(True)
            catching_up.sweep(now=later, limit=10)
        leave_to_human(*args, **kwargs)

    monkeypatch.setattr(catching_up, "leave_to_human", tell)
    catching_up.sweep(now=later, limit=10)

    assert LeadEvent.objects.filter(lead=other, kind="agent_stopped").count() == 1


def test_a_person_is_told_of_who_is_not_contacted(engine: Events, dispatch: Dispatch) -> None:
    now = timezone.now()
    Dispatch.objects.update(status="queued", created_at=now - timedelta(minutes=59), due_at=now + timedelta(hours=1))
    work(seconds=1)
    assert status() == "new"

    Dispatch.objects.update(created_at=now - timedelta(minutes=61))
    work(seconds=1)
    work(seconds=1)

    assert (status(), Dispatch.objects.get().status) == ("needs_human", "queued")
    assert LeadEvent.objects.get().data["reason"] == NOT_CONTACTED
