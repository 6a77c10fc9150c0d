"""Some models number their tool calls from nought in every turn: an id alone says nothing of what was asked before."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.utils import timezone

from agents.models import Booking, ToolCall
from agents.tests.factories import answer_booking, answer_slots, bookings_asked, refuse_booking
from conftest import make_integration, make_lead, make_workspace
from leads.models import Lead, LeadEvent
from voice import tools
from voice.models import CallSession
from voice.tests.factories import make_call
from voice.tests.test_call_tools import ask, item, results_of, tool_calls

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _threads_let_go() -> Iterator[None]:
    yield
    tools._pool.submit(lambda: None).result(timeout=10)


def make_talk() -> CallSession:
    workspace = make_workspace(timezone="Europe/London")
    make_integration(workspace, "calcom")
    return make_call(lead=make_lead(workspace, email="jane@example.com"), vapi_status="in-progress")


def use(session: CallSession, name: str, call_id: str = "call_0", **arguments: Any) -> dict[str, Any]:
    message = tool_calls(item(call_id, name=name, **arguments), call_id=session.vapi_call_id)
    told: dict[str, Any] = results_of(ask(session.lead.workspace, message, tool=name))[call_id]
    return told


def in_days(days: int) -> str:
    return (timezone.now() + timedelta(days=days)).strftime("%Y-%m-%dT09:00:00Z")


@responses.activate
def test_the_id_of_an_earlier_tool_books_all_the_same() -> None:
    session, start = make_talk(), in_days(2)
    answer_slots(start)
    answer_booking(start=start)

    slots = use(session, "listSlots")
    booked = use(session, "bookConsult", start=start)

    assert [slot["start"] for slot in slots["slots"]] == [start]
    assert booked["say"].startswith("The consultation is booked")
    assert (Booking.objects.get().status, Lead.objects.get().status) == ("booked", "booked")


def test_a_second_call_hands_over_again() -> None:
    first = make_talk()
    assert use(first, "escalateToHuman", reason="Wants a person.")["ok"]
    Lead.objects.update(status="in_conversation")
    second = make_call(lead=first.lead, vapi_call_id="second-call", vapi_status="in-progress")

    assert use(second, "escalateToHuman", reason="Wants a person.")["ok"]

    assert Lead.objects.get().status == "needs_human"
    assert LeadEvent.objects.filter(kind="status", data__to="needs_human").count() == 2


def test_other_arguments_are_another_wish() -> None:
    session = make_talk()
    use(session, "updateLeadProfile", budget="5k")

    use(session, "updateLeadProfile", budget="10k")

    assert (Lead.objects.get().profile or {})["budget"] == "10k"


@responses.activate
def test_the_same_wish_told_twice_is_done_once() -> None:
    session, start = make_talk(), in_days(2)
    answer_booking(start=start)

    told = [use(session, "bookConsult", start=start) for _ in range(2)]

    assert told[0] == told[1]
    assert (bookings_asked(), ToolCall.objects.count()) == (1, 1)


@responses.activate
def test_what_was_refused_may_be_asked_for_again() -> None:
    session, start = make_talk(), in_days(2)
    refuse_booking(429, "Slow down")
    assert not use(session, "bookConsult", start=start)["ok"]
    answer_booking(start=start)

    assert use(session, "bookConsult", start=start)["ok"]

    assert [call.ok for call in ToolCall.objects.order_by("pk")] == [False, True]


@responses.activate
def test_free_times_are_looked_up_each_time() -> None:
    session = make_talk()
    answer_slots(in_days(2))
    assert [slot["start"] for slot in use(session, "listSlots")["slots"]] == [in_days(2)]
    responses.reset()
    answer_slots(in_days(3))

    assert [slot["start"] for slot in use(session, "listSlots")["slots"]] == [in_days(3)]
