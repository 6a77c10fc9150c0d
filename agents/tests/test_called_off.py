"""An appointment is relied on only after Cal.com was asked whether it still stands."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from requests import ReadTimeout

from agents.models import Booking
from agents.tests.factories import (
    BOOKINGS_URL,
    LATER,
    START,
    answer_booking,
    answer_standing,
    bookings_asked,
    make_calendar_lead,
    refuse_booking,
    use,
)
from agents.tests.test_conversation import answer, asked, message, talk
from agents.timeline import items
from conftest import NOW
from leads.models import Lead, LeadEvent
from workspaces.models import Fault, LogEntry

pytestmark = pytest.mark.django_db

SAID = "Monday, June 8, 9:00 AM"


def make_booked(**lead: Any) -> Lead:
    """Make a lead that the agent has booked, and let Cal.com say nothing of it yet."""
    made = make_calendar_lead(**lead)
    answer_booking()
    assert use(made, "bookConsult", {"start": START}).ok
    responses.reset()
    return Lead.objects.select_related("workspace").get(pk=made.pk)


@responses.activate
def test_one_that_was_called_off_is_not_confirmed_and_may_be_booked_again() -> None:
    lead = make_booked()
    answer_standing(status="cancelled")

    told = use(lead, "bookConsult", {"start": START})

    assert not told.ok
    assert told.result["error"].startswith(f"The appointment on {SAID} was called off at Cal.com")
    now = Lead.objects.get(pk=lead.pk)
    assert (now.status, now.booking_uid, now.booking_start) == ("in_conversation", None, None)
    assert Booking.objects.get().status == "canceled"
    event = LeadEvent.objects.filter(kind="status").latest("pk")
    assert event.data["reason"] == "The appointment on Monday, June 8, 8:00 AM (UTC) was called off at Cal.com."
    assert bookings_asked() == 0

    answer_booking(uid="bk_2")
    assert use(lead, "bookConsult", {"start": START}).ok
    now = Lead.objects.get(pk=lead.pk)
    assert (now.status, now.booking_uid) == ("booked", "bk_2")
    assert sorted(Booking.objects.values_list("status", flat=True)) == ["booked", "canceled"]


@pytest.mark.parametrize("gone", ["cancelled", "rejected", "not found"])
@responses.activate
def test_another_time_is_booked_where_the_first_was_called_off(gone: str) -> None:
    lead = make_booked()
    if gone == "not found":
        responses.add(responses.GET, f"{BOOKINGS_URL}/bk_1", status=404, json={"error": {"message": "Not found"}})
    else:
        answer_standing(status=gone)
    answer_booking(start=LATER, uid="bk_2")

    assert use(lead, "bookConsult", {"start": LATER}).ok

    assert Lead.objects.get(pk=lead.pk).booking_uid == "bk_2"


@responses.activate
def test_one_that_stands_is_confirmed_after_cal_com_was_asked() -> None:
    lead = make_booked()
    answer_standing()

    told = use(lead, "bookConsult", {"start": START})

    assert told.result["say"].startswith("The consultation is booked: ")
    assert (len(responses.calls), bookings_asked()) == (1, 0)
    entry = LogEntry.objects.filter(operation="read booking").get()
    assert (entry.outcome, entry.lead_id) == ("ok", lead.pk)


@responses.activate
def test_one_that_was_moved_at_cal_com_is_told_at_its_new_time() -> None:
    lead = make_booked()
    answer_standing(status="cancelled", rescheduledToUid="bk_2")
    answer_standing("bk_2", start=LATER, end="2026-06-08T13:30:00Z")

    told = use(lead, "bookConsult", {"start": START})

    assert "an appointment already, on Monday, June 8, 2:00 PM" in told.result["error"]
    now = Lead.objects.get(pk=lead.pk)
    assert (now.status, now.booking_uid, now.booking_start) == ("booked", "bk_2", datetime(2026, 6, 8, 13, tzinfo=UTC))
    assert (Booking.objects.get().uid, Booking.objects.get().status) == ("bk_2", "booked")


@pytest.mark.parametrize("fault", [{"body": ReadTimeout("slow")}, {"status": 500, "json": {}}, {"status": 429}])
@responses.activate
def test_one_that_cannot_be_asked_about_is_not_promised(fault: dict[str, Any]) -> None:
    lead = make_booked()
    responses.add(responses.GET, f"{BOOKINGS_URL}/bk_1", **fault)

    told = use(lead, "bookConsult", {"start": START})

    assert not told.ok
    assert f"was booked for {SAID}, but the calendar can't be asked just now" in told.result["error"]
    assert (Lead.objects.get(pk=lead.pk).status, bookings_asked()) == ("booked", 0)


@responses.activate
def test_an_account_that_refuses_to_tell_is_a_persons_business() -> None:
    lead = make_booked()
    responses.add(responses.GET, f"{BOOKINGS_URL}/bk_1", status=401, json={"error": {"message": "Unauthorized"}})

    told = use(lead, "bookConsult", {"start": START})

    assert "A person of the team will confirm it" in told.result["error"]
    now = Lead.objects.get(pk=lead.pk)
    assert (now.status, now.booking_uid) == ("needs_human", "bk_1")
    assert Fault.objects.get().reason.startswith("Cal.com refuses the API key")


@responses.activate
def test_a_test_leads_appointment_is_nowhere_but_here() -> None:
    lead = make_calendar_lead(is_test=True)

    assert all(use(lead, "bookConsult", {"start": START}).ok for _ in range(2))

    assert len(responses.calls) == 0


@responses.activate
def test_the_timeline_shows_that_it_was_called_off() -> None:
    lead = make_booked()
    answer_standing(status="cancelled")
    use(lead, "bookConsult", {"start": START})

    (shown,) = [item.data for item in items(lead) if item.key.startswith("booking-")]

    assert (shown["status"], str(shown["status_label"])) == ("canceled", "called off")


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        ({"status": "accepted"}, "Appointment: Monday, June 8, 2026, 09:00 AM (Europe/London)"),
        ({"status": "cancelled"}, "Appointment: none any more: the one there was has been called off at Cal.com"),
        ({"start": LATER}, "Appointment: Monday, June 8, 2026, 02:00 PM (Europe/London)"),
        (None, "Appointment: Monday, June 8, 2026, 09:00 AM (Europe/London), as far as is known"),
    ],
)
@responses.activate
def test_the_agent_that_writes_is_told_how_it_stands(shown: dict[str, Any] | None, line: str) -> None:
    lead = make_booked()
    if shown is None:
        responses.add(responses.GET, f"{BOOKINGS_URL}/bk_1", status=500, json={})
    else:
        answer_standing(**shown)
    answer(message("See you then."))

    talk(lead)

    instructions = next(body["instructions"] for body in asked() if "instructions" in body)
    assert line in instructions


@responses.activate
def test_an_appointment_that_is_over_is_not_asked_about() -> None:
    lead = make_booked()
    Lead.objects.filter(pk=lead.pk).update(booking_start=NOW - timedelta(hours=1))
    answer(message("How was it?"))

    talk(Lead.objects.select_related("workspace").get(pk=lead.pk))

    assert [call.request.method for call in responses.calls] == ["POST"]


@responses.activate
def test_a_time_that_is_gone_by_then_is_offered_no_more() -> None:
    lead = make_booked()
    answer_standing(status="cancelled")
    use(lead, "bookConsult", {"start": START})
    responses.reset()
    refuse_booking(400, "User either already has booking at this time or is not available")

    assert "no longer free" in use(lead, "bookConsult", {"start": START}).result["error"]
