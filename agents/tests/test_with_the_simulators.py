"""A conversation from the first question to the booking, over real sockets, in both flavours of OpenAI's wire."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from agents.conversation import Said, converse
from agents.models import Booking, ToolCall
from agents.tests.factories import make_calendar_lead, use
from conftest import make_integration, make_lead, make_workspace
from leads.erasure import erase_leads
from leads.models import Erasure, Lead, LeadEvent
from providers.openai import Turn, Usage
from workspaces.models import Fault, Integration, LogEntry

pytestmark = [pytest.mark.django_db, pytest.mark.serial]


@pytest.fixture(scope="module")
def simulators() -> Iterator[str]:
    command = [sys.executable, "-m", "simulators", "--port", "0", "--latency", "0", "--timeout-sleep", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture(autouse=True)
def _wire(simulators: str, settings: Settings) -> None:
    requests.delete(f"{simulators}/_sim/state", timeout=5)
    settings.OPENAI_BASE_URL = f"{simulators}/openai/v1"
    settings.CALCOM_BASE_URL = f"{simulators}/calcom"


def bookings_asked(simulators: str) -> int:
    query = {"provider": "calcom", "method": "POST"}
    return len(requests.get(f"{simulators}/_sim/requests", params=query, timeout=5).json()["requests"])


def bookings_made(simulators: str) -> list[Any]:
    headers = {"Authorization": "Bearer cal_live_x", "cal-api-version": "2026-02-25"}
    answer = requests.get(f"{simulators}/calcom/v2/bookings", headers=headers, timeout=5)
    return list(answer.json()["data"])


def say(lead: Lead, turns: list[Turn], text: str) -> Said:
    turns.append({"role": "user", "content": text})
    kept: list[Any] = []

    def store(items: list[dict[str, Any]], spent: Usage) -> None:
        kept[:] = items

    said = converse(
        Lead.objects.select_related("workspace").get(pk=lead.pk),
        turns=turns,
        items=[],
        store=store,
        credentials={"api_key": "sk-test-0123456789"},
        model="gpt-5.4-mini",
        now=timezone.now(),
    )
    turns.append({"role": "assistant", "content": said.text})
    return said


def choose_event_type(lead: Lead, event_type_id: str) -> None:
    """Have the workspace book another event type."""
    integration = Integration.objects.get(workspace=lead.workspace, provider="calcom")
    integration.credentials = json.dumps({"api_key": "cal_live_0123456789", "event_type_id": event_type_id})
    integration.save()


@pytest.mark.parametrize("flavour", ["responses", "chat"])
def test_from_the_first_question_to_the_booking(flavour: str, simulators: str, settings: Settings) -> None:
    settings.OPENAI_API = flavour
    lead = make_calendar_lead(email=None)
    turns: list[Turn] = []

    assert "Thank you" in say(lead, turns, "My budget is 5k").text
    assert "Which one suits you?" in say(lead, turns, "Which times are free?").text
    assert "Ask for it" in say(lead, turns, "Please book the first").text
    booked = say(lead, turns, "jane@example.com")
    ended = say(lead, turns, "goodbye")

    assert booked.text.startswith("The consultation is booked:")
    assert (ended.ended, ended.text) == (True, "Goodbye, and good luck!")
    lead.refresh_from_db()
    (made,) = bookings_made(simulators)
    assert (lead.status, lead.booking_uid, lead.email) == ("booked", made["uid"], "jane@example.com")
    assert lead.booking_start == Booking.objects.get().start
    assert lead.profile == {"budget": "My budget is 5k"}
    names = ToolCall.objects.order_by("pk").values_list("name", flat=True)
    assert list(names) == [
        *("updateLeadProfile", "listSlots", "listSlots", "bookConsult", "listSlots", "bookConsult", "endConversation"),
    ]
    assert LeadEvent.objects.get(lead=lead).data["to"] == "booked"
    journaled = LogEntry.objects.filter(lead_id=lead.pk)
    assert set(journaled.values_list("provider", flat=True)) == {"openai", "calcom"}
    assert not any("sk-test" in entry.request or "cal_live" in entry.request for entry in journaled)


def test_an_erased_lead_has_no_appointment_any_more(simulators: str) -> None:
    lead = make_calendar_lead()
    assert use(lead, "bookConsult", {"start": first_slot(lead)}, now=timezone.now()).ok

    erase_leads(Lead.objects.filter(pk=lead.pk), now=timezone.now())
    call_command("sweep")

    assert [made["status"] for made in bookings_made(simulators)] == ["cancelled"]
    assert Erasure.objects.count() == 0


@pytest.mark.parametrize("text", ["I want a human", "I have no budget"])
def test_other_ends(text: str) -> None:
    lead = make_calendar_lead()

    say(lead, [], text)

    lead.refresh_from_db()
    assert lead.status == {"I want a human": "needs_human", "I have no budget": "unqualified"}[text]


def first_slot(lead: Lead) -> str:
    told = use(lead, "listSlots", now=timezone.now())
    return str(told.result["slots"][0]["start"])


@pytest.mark.parametrize("who", ["sim-late", "sim-cut"])
def test_an_appointment_whose_answer_got_lost_is_found(who: str, simulators: str) -> None:
    lead = make_calendar_lead(email=f"{who}@example.com")
    start = first_slot(lead)

    told = [use(lead, "bookConsult", {"start": start}, now=timezone.now(), deadline_s=2.5) for _ in range(2)]

    assert [each.ok for each in told] == [True, True]
    assert (bookings_asked(simulators), len(bookings_made(simulators))) == (1, 1)
    lead.refresh_from_db()
    assert (lead.status, lead.booking_uid) == ("booked", bookings_made(simulators)[0]["uid"])
    # Nobody was alarmed on the way.
    assert [event.data["to"] for event in LeadEvent.objects.filter(lead=lead)] == ["booked"]


@pytest.mark.parametrize("who", ["sim-error", "sim-lost"])
def test_an_appointment_that_may_not_be_there_is_promised_to_nobody(who: str, simulators: str) -> None:
    lead = make_calendar_lead(email=f"{who}@example.com")
    start = first_slot(lead)

    began = time.monotonic()
    told = use(lead, "bookConsult", {"start": start}, now=timezone.now(), deadline_s=1.5)

    assert time.monotonic() - began < 2
    assert "a person will confirm" in told.result["error"]
    lead.refresh_from_db()
    assert (lead.status, Booking.objects.get().status) == ("needs_human", "unknown")
    assert bookings_asked(simulators) == 1


def test_a_taken_time_comes_with_others() -> None:
    lead = make_calendar_lead(email="sim-taken@example.com")
    start = first_slot(lead)

    told = use(lead, "bookConsult", {"start": start}, now=timezone.now())

    assert told.result["error"] == "That time is no longer free. Offer the lead one of these."
    assert start not in [slot["start"] for slot in told.result["slots"]]


def test_a_request_to_the_host_counts_as_booked() -> None:
    workspace = make_workspace(channel="whatsapp")
    make_integration(workspace, "calcom", credentials={"event_type_id": "7777"})
    lead = make_lead(workspace, email="jane@example.com")
    start = first_slot(lead)

    told = use(lead, "bookConsult", {"start": start}, now=timezone.now())

    assert "host still has to confirm" in told.result["say"]
    assert Booking.objects.get().awaits_host


@pytest.mark.parametrize(
    ("event_type_id", "advice"),
    [("6001", "has no hosts"), ("6002", "is a managed parent"), ("6003", "has reached its booking limit")],
)
def test_a_calendar_that_is_not_set_up_is_a_humans_business(event_type_id: str, advice: str, simulators: str) -> None:
    lead = make_calendar_lead()
    start = first_slot(lead)
    choose_event_type(lead, event_type_id)

    told = use(lead, "bookConsult", {"start": start}, now=timezone.now())

    lead.refresh_from_db()
    assert (told.ok, lead.status) == (False, "needs_human")
    assert advice in Fault.objects.get().reason
    assert bookings_made(simulators) == []


def test_what_an_event_type_asks_for_besides_is_asked_of_the_lead(simulators: str) -> None:
    lead = make_calendar_lead(metadata={"company": "Acme Ltd"})
    start = first_slot(lead)
    choose_event_type(lead, "6004")

    asked = use(lead, "bookConsult", {"start": start}, now=timezone.now())
    told = use(lead, "bookConsult", {"start": start, "answers": "team-size: 11-50"}, now=timezone.now())

    assert "Team size (`team-size`, one of: 1-10, 11-50, more)" in asked.result["error"]
    assert told.ok
    (made,) = bookings_made(simulators)
    assert made["bookingFieldsResponses"]["company"] == "Acme Ltd"
    assert made["bookingFieldsResponses"]["team-size"] == "11-50"


def test_an_appointment_called_off_at_cal_com_is_not_confirmed(simulators: str) -> None:
    lead = make_calendar_lead()
    start = first_slot(lead)
    assert use(lead, "bookConsult", {"start": start}, now=timezone.now()).ok
    (made,) = bookings_made(simulators)
    headers = {"Authorization": "Bearer cal_live_x", "cal-api-version": "2026-02-25"}
    requests.post(f"{simulators}/calcom/v2/bookings/{made['uid']}/cancel", headers=headers, json={}, timeout=5)

    told = use(lead, "bookConsult", {"start": start}, now=timezone.now())
    again = use(lead, "bookConsult", {"start": start}, now=timezone.now())

    assert "was called off at Cal.com" in told.result["error"]
    assert again.ok
    lead.refresh_from_db()
    assert [made["status"] for made in bookings_made(simulators)] == ["cancelled", "accepted"]
    assert lead.booking_uid == bookings_made(simulators)[1]["uid"]
