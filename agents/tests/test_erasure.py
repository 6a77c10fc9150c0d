"""Erasing a lead calls off its appointment at Cal.com, where it lies ahead, however long Cal.com is away."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from agents.models import Booking
from agents.settling import adopt
from agents.tests.factories import BOOKINGS_URL, booked, make_calendar_lead
from leads.erasure import erase_leads
from leads.models import Erasure, Lead
from providers import calcom
from workspaces.models import Integration, LogEntry

pytestmark = pytest.mark.django_db
UID = "bk_ahead"
CANCEL = f"{BOOKINGS_URL}/{UID}/cancel"


def make_booking(lead: Lead, **overrides: Any) -> Booking:
    now = timezone.now()
    fields = {"status": "booked", "uid": UID, "start": now + timedelta(days=2), "timezone": "Europe/London"}
    fields |= {"due_at": now, "created_at": now, "updated_at": now, "attendee_email": "jane@example.com"}
    return Booking.objects.create(lead=lead, **(fields | overrides))


def erase(lead: Lead) -> None:
    assert erase_leads(Lead.objects.filter(pk=lead.pk), now=timezone.now()) == 1


def sweep_later() -> None:
    Erasure.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    call_command("sweep")


def refuse(message: str = "Cannot cancel", status: int = 400) -> Any:
    return responses.post(CANCEL, status=status, json={"status": "error", "error": {"code": "X", "message": message}})


@responses.activate
def test_calls_off_what_lies_ahead_and_says_why() -> None:
    asked = responses.post(CANCEL, json={"status": "success", "data": booked(uid=UID, status="cancelled")})
    lead = make_calendar_lead()
    make_booking(lead)
    make_booking(lead, uid="bk_past", status="replaced", start=timezone.now() - timedelta(days=1))

    erase(lead)
    assert Erasure.objects.get().reference == UID
    call_command("sweep")

    assert (asked.call_count, Erasure.objects.count()) == (1, 0)
    assert json.loads(asked.calls[0].request.body) == {"cancellationReason": "The attendee's data was deleted."}
    entry = LogEntry.objects.get(provider="calcom")
    assert (entry.operation, entry.outcome, entry.lead_id) == ("erase", "ok", None)


@responses.activate
def test_asks_until_cal_com_has_done_it() -> None:
    refuse("Internal", status=500)
    responses.post(CANCEL, json={"status": "success", "data": booked(uid=UID, status="cancelled")})
    lead = make_calendar_lead()
    make_booking(lead)

    erase(lead)
    call_command("sweep")
    assert Erasure.objects.get().reason == "OutcomeUnknown, status 500"
    sweep_later()

    assert Erasure.objects.count() == 0


@pytest.mark.parametrize(
    "found",
    [{"status": "cancelled"}, {"status": "rejected"}, {"status": "accepted", "start": "2026-01-01T08:00:00Z"}],
)
@responses.activate
def test_what_is_called_off_already_or_over_needs_nothing(found: dict[str, Any]) -> None:
    refuse()
    responses.get(f"{BOOKINGS_URL}/{UID}", json={"status": "success", "data": booked(uid=UID) | found})
    lead = make_calendar_lead()
    make_booking(lead)

    erase(lead)
    call_command("sweep")

    assert Erasure.objects.count() == 0


@responses.activate
def test_what_cal_com_does_not_know_is_gone() -> None:
    refuse("Not found", status=404)
    lead = make_calendar_lead()
    make_booking(lead)

    erase(lead)
    call_command("sweep")

    assert Erasure.objects.count() == 0


@responses.activate
def test_a_refusal_of_what_still_stands_is_tried_again() -> None:
    refuse("Not now")
    standing = {"status": "accepted", "start": "2099-01-01T08:00:00Z"}
    responses.get(f"{BOOKINGS_URL}/{UID}", json={"status": "success", "data": booked(uid=UID) | standing})
    lead = make_calendar_lead()
    make_booking(lead)

    erase(lead)
    call_command("sweep")

    assert Erasure.objects.get().reason == "Rejected, status 400"


def test_waits_for_the_calendar_to_be_connected_again() -> None:
    lead = make_calendar_lead()
    make_booking(lead)
    Integration.objects.filter(provider="calcom").delete()

    erase(lead)
    call_command("sweep")

    assert Erasure.objects.get().reason == "Cal.com is not connected any more."


@pytest.mark.parametrize("fields", [{"status": "failed", "uid": ""}, {"start": timezone.now() - timedelta(hours=1)}])
def test_asks_for_nothing_where_nothing_lies_ahead(fields: dict[str, Any]) -> None:
    lead = make_calendar_lead()
    make_booking(lead, **fields)

    erase(lead)

    assert Erasure.objects.count() == 0


def test_an_appointment_of_a_test_lead_was_nobodys() -> None:
    lead = make_calendar_lead(is_test=True)
    make_booking(lead)

    erase(lead)

    assert Erasure.objects.count() == 0


def test_says_where_to_look_when_it_was_not_known_yet() -> None:
    lead = make_calendar_lead()
    booking = make_booking(lead, status="unknown", uid="")

    erase(lead)

    entry = LogEntry.objects.get(provider="calcom")
    assert "by hand" in entry.response
    assert f"{booking.start:%Y-%m-%dT%H:%M}" in entry.request
    assert "jane" not in entry.request + entry.response


def test_one_that_is_made_while_the_lead_is_erased_is_called_off_as_well() -> None:
    lead = make_calendar_lead()
    booking = make_booking(lead, status="sending", uid="")
    erase(lead)
    wire = calcom.Crossing(status_code=201, request="", response="", duration_ms=1)
    found = calcom.Appointment(uid=UID, start=booking.start, end=None, awaits_host=False, wire=wire)

    assert not adopt(booking, found, now=timezone.now())

    assert Erasure.objects.get().reference == UID
