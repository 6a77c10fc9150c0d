"""Who loses a turn changes nothing any more, a stop counts until the last moment, and no turn stays open for ever."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from django.utils.module_loading import import_string

from leads.models import Dispatch, Lead, LeadEvent
from leads.suppression import suppress
from leads.takeover import take_over
from whatsapp import sending
from whatsapp.events import sender
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import (
    OPENAI,
    TWILIO,
    Events,
    Executor,
    Phone,
    Wire,
    make_message,
    message,
    pass_time,
    reply,
    work,
)
from whatsapp.tests.test_replies import Killed


def lose_the_turn() -> None:
    AgentTurn.objects.update(claimed_by="another")


def test_who_lost_the_turn_frees_none_of_its_messages(
    wire: Wire, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(lead_id: Any) -> str:
        lose_the_turn()
        return "taken_over"

    monkeypatch.setattr("whatsapp.replies.reason_to_hold", hold)
    phone.write("Hi")

    work()

    turn = AgentTurn.objects.get()
    assert (turn.state, turn.claimed_by) == ("running", "another")
    assert Message.objects.get(role="user").turn_id == turn.pk


def test_who_lost_the_turn_calls_no_human(wire: Wire, phone: Phone) -> None:
    def refuse(request: Any) -> Any:
        lose_the_turn()
        return 401, {}, json.dumps({"error": {"message": "Incorrect API key", "code": "invalid_api_key"}})

    wire.mock.add_callback(responses.POST, OPENAI, callback=refuse)
    make_message(phone.lead, kind="fallback")
    phone.write("Hi")

    work()

    assert (Lead.objects.get().status, LeadEvent.objects.count()) == ("in_conversation", 0)


def test_an_engine_that_calls_twice_at_once_gets_one_answer_sent(
    wire: Wire, engine: Events, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "put", lambda wish: None)
    phone.write("Hi")
    pass_time(seconds=5)
    executor = Executor(phone.client, AgentTurn.objects.get())

    def again(request: Any) -> Any:
        if len(wire.asked) == 0:
            executor.post()
        return 200, {}, json.dumps(reply())

    wire.mock.add_callback(responses.POST, OPENAI, callback=again)
    wire.twilio_each()

    assert executor.run()["outcome"] == "sent"
    assert (len(wire.sent), Message.objects.filter(turn__isnull=False, role="assistant").count()) == (1, 1)


def test_who_got_a_part_of_an_answer_is_not_answered_once_more(wire: Wire, phone: Phone) -> None:
    def step_in(request: Any) -> Any:
        take_over(phone.lead.pk, by_id=None, now=timezone.now())
        return 201, {}, json.dumps(message())

    wire.openai(json=reply("This is one sentence of many that are about kitchens. " * 60))
    wire.mock.add_callback(responses.POST, TWILIO, callback=step_in)
    phone.write("Tell me everything")

    work()

    turn = AgentTurn.objects.get()
    assert (len(wire.sent), turn.state, turn.code) == (1, "stopped", "taken_over")
    assert Message.objects.get(role="user").turn_id == turn.pk


@pytest.mark.parametrize("first", [True, False])
def test_obeys_a_stop_that_comes_while_the_database_keeps_it_waiting(
    wire: Wire, phone: Phone, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    lead = dispatch.lead if first else phone.lead
    mark = sending._mark_sending

    def stop_first(row: Message, **more: Any) -> bool:
        suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason="stop", now=timezone.now())
        return mark(row, **more)

    wire.openai()
    wire.twilio()
    if first:
        AgentTurn.objects.all().delete()
    else:
        Dispatch.objects.all().delete()
        phone.write("Hi")
    monkeypatch.setattr(sending, "_mark_sending", stop_first)

    work()

    assert (len(wire.asked), wire.sent) == (1, [])


def test_a_turn_whose_sending_kills_its_process_each_time_comes_to_an_end(
    wire: Wire, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: str) -> Any:
        raise Killed

    wire.openai()
    phone.write("Hi")
    monkeypatch.setattr("whatsapp.replies.send_part", die)

    for _ in range(settings.DISPATCH_MAX_ATTEMPTS):
        with pytest.raises(Killed):
            work(hours=1)
    for _ in range(2):
        work(hours=1)

    turn = AgentTurn.objects.get()
    assert (turn.state, turn.code, len(wire.asked)) == ("failed", "broken", 1)
    assert Lead.objects.get().status == "needs_human"


def test_a_message_whose_sending_kills_its_process_each_time_is_given_up(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: Any) -> Any:
        raise Killed

    phone.write("STOP")
    with monkeypatch.context() as patched:
        patched.setattr("whatsapp.outbox._send", die)
        for _ in range(settings.DISPATCH_MAX_ATTEMPTS):
            with pytest.raises(Killed):
                work(hours=1)
        work(hours=1)

    confirmation = Message.objects.get(kind="confirmation")
    assert (confirmation.status, confirmation.due_at) == ("failed", None)


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_an_engine_for_a_day_is_left_to_a_human(engine: Events, phone: Phone, dispatch: Dispatch) -> None:
    engine.away = True
    Dispatch.objects.update(status="queued", created_at=timezone.now())
    phone.write("Hi")
    assert sender.wait_until_idle(timeout_s=10)
    pass_time(hours=23)
    call_command("sweep")
    assert set(AgentTurn.objects.values_list("state", flat=True)) == {"waiting"}

    for rows in (AgentTurn, Dispatch):
        rows.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    pass_time(hours=2)
    call_command("sweep")
    assert sender.wait_until_idle(timeout_s=10)

    dispatch.refresh_from_db()
    turn = AgentTurn.objects.get()
    assert (turn.state, turn.code, dispatch.status) == ("failed", "no_engine", "failed")
    assert {lead.status for lead in Lead.objects.all()} == {"needs_human"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", [True, False])
def test_stores_what_is_paid_for_though_the_database_is_locked_at_first(
    wire: Wire, phone: Phone, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    locked = iter([True, True, False])
    owner = "whatsapp.turns.journal_answer" if first else "whatsapp.claims.cost_usd"
    act = import_string(owner)

    def wait_in_line(*args: Any, **more: Any) -> Any:
        if next(locked, False):
            raise OperationalError("database is locked")
        return act(*args, **more)

    monkeypatch.setattr(owner, wait_in_line)
    monkeypatch.setattr("workspaces.connections.INSIST_EVERY_S", 0.01)
    if first:
        phone.lead.delete()
    else:
        dispatch.lead.delete()
        phone.write("Hi")
    wire.openai()
    wire.twilio()

    work()

    assert (len(wire.asked), len(wire.sent)) == (1, 1)
