"""Tools called at the same moment: each call acts once, and one appointment is made."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import responses
from django.db import connection

from agents import tools
from agents.models import Booking
from agents.settling import settle_bookings
from agents.tests.factories import BOOKINGS_URL, LATER, START, answer_list, booked, make_calendar_lead, use
from conftest import NOW, make_lead
from leads.models import Lead, LeadEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture(autouse=True)
def _only_where_there_are_several_connections() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the tests' SQLite is in memory and has one connection")


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment, each on a connection of its own; raise what any of them raised."""
    barrier, results = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        try:
            barrier.wait(timeout=10)
            results.append(act())
        except Exception as error:  # noqa: BLE001 - raised below
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def test_of_two_deliveries_one_acts_and_both_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lead = make_lead()
    acted: list[int] = []
    original = tools._TOOLS["escalateToHuman"]

    def slowly(task: Any) -> Any:
        acted.append(1)
        threading.Event().wait(0.3)
        return original.act(task)

    counted = tools._Tool(description="", act=slowly, parameters=original.parameters)
    monkeypatch.setitem(tools._TOOLS, "escalateToHuman", counted)
    told = at_once(*[lambda: use(lead, "escalateToHuman", call_id="call_a")] * 3)

    assert acted == [1]
    assert [each.result["ok"] for each in told] == [True, True, True]
    assert LeadEvent.objects.filter(lead=lead).count() == 1


def test_what_is_learned_at_the_same_time_is_all_kept() -> None:
    lead = make_lead()

    at_once(*[lambda n=n: use(lead, "updateLeadProfile", {"notes": f"note {n}"}) for n in range(4)])

    profile = Lead.objects.get(pk=lead.pk).profile or {}
    assert sorted(profile["notes"].split("\n")) == [f"note {n}" for n in range(4)]


@responses.activate
def test_one_appointment_is_made_and_everybody_told_of_it() -> None:
    lead = make_calendar_lead()
    asked: list[str] = []

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        asked.append(json.loads(request.body)["start"])
        threading.Event().wait(0.3)
        return 201, {}, json.dumps({"status": "success", "data": booked(start=asked[0])})

    responses.add_callback(responses.POST, BOOKINGS_URL, callback=answer)
    told = at_once(*[lambda start=start: use(lead, "bookConsult", {"start": start}) for start in (START, START, LATER)])

    assert len(asked) == 1
    assert Booking.objects.filter(status="booked").count() == 1
    other = LATER if asked[0] == START else START
    assert sum(each.ok for each in told) == (2 if other == LATER else 1)
    assert all(each.ok or "has an appointment already" in each.result["error"] for each in told)


@responses.activate
def test_of_several_workers_one_asks_about_a_booking() -> None:
    lead = make_calendar_lead()
    start = {"start": NOW, "timezone": "UTC", "attendee_name": "Jane", "attendee_email": "jane@example.com"}
    times = {"due_at": NOW, "created_at": NOW, "updated_at": NOW}
    Booking.objects.create(lead=lead, status="unknown", **start, **times)
    answer_list(booked(NOW.isoformat()))

    asked = at_once(*[lambda: settle_bookings(now=NOW, limit=10)] * 3)

    assert sum(asked) == 1
    assert Lead.objects.get(pk=lead.pk).status == "booked"
