"""A calendar that can't be booked as it is set up is nobody's fault but its own: a human takes over and is told why."""

from datetime import timedelta
from typing import Any

import pytest
import responses

from agents.tests.factories import (
    BOOKINGS_URL,
    SLOTS_URL,
    START,
    answer_booking,
    answer_slots,
    bookings_asked,
    make_calendar_lead,
    refuse_booking,
    use,
)
from conftest import NOW, make_member
from leads.models import Lead, LeadEvent
from workspaces.models import Fault, Integration

pytestmark = pytest.mark.django_db

TITLE = "Appointments can’t be booked: the account at Cal.com needs attention"
SET_UP = [
    (
        422,
        "Can't book this team event type because it has no hosts. Please, add at least 1 host to event type",
        "no hosts",
    ),
    (400, "Event type with id=10 is the parent managed event type that can't be booked. You have to", "managed parent"),
    (403, "booking_limit_reached", "reached its booking limit"),
    (400, "Booking limit for this year has been reached", "reached its booking limit"),
    (401, "Invalid API key", "refuses the API key"),
    (404, "Event type with id 10 not found.", "doesn't know the event type"),
    (403, "checkBookingRequiresAuthentication - user is not authorized to access this event type", "to be signed in"),
    (400, "missing_payment_credential_error", "wants to be paid for"),
]


def make_lead_of_old() -> Lead:
    """Make a lead whose workspace entered its calendar before the moment at which these tests play."""
    lead = make_calendar_lead()
    Integration.objects.update(updated_at=NOW - timedelta(days=1))
    return lead


def page(client: Any, lead: Lead) -> str:
    client.force_login(make_member(lead.workspace, is_staff=False))
    return str(client.get(f"/admin/{lead.workspace.slug}/leads").content.decode())


@pytest.mark.parametrize(("status", "said", "advice"), SET_UP)
@responses.activate
def test_is_handed_over_with_the_reason_and_shown_on_every_page(
    client: Any, status: int, said: str, advice: str
) -> None:
    lead = make_lead_of_old()
    refuse_booking(status, said)

    told = use(lead, "bookConsult", {"start": START})

    assert told.result == {
        "ok": False,
        "error": "The calendar takes no bookings. Say that a person of the team will get in touch to arrange the time.",
    }
    assert Lead.objects.get(pk=lead.pk).status == "needs_human"
    reason = LeadEvent.objects.get(kind="status").data["reason"]
    assert advice in reason
    assert said[:60] in reason
    text = page(client, lead)
    assert TITLE in text
    assert advice.replace("'", "&#x27;") in text


@responses.activate
def test_a_refusal_that_nobody_knows_is_blamed_on_no_time_and_on_no_lead(client: Any) -> None:
    lead = make_lead_of_old()
    refuse_booking(400, "Something new.")

    told = use(lead, "bookConsult", {"start": START})

    assert "takes no bookings" in told.result["error"]
    assert LeadEvent.objects.get(kind="status").data["reason"] == "Cal.com refused (400): Something new."
    assert TITLE not in page(client, lead)


@responses.activate
def test_a_person_who_can_book_no_more_is_no_fault_of_the_account() -> None:
    lead = make_lead_of_old()
    refuse_booking(
        400, "Attendee with this email can't book because the maximum number of active bookings has been reached."
    )

    use(lead, "bookConsult", {"start": START})

    assert Lead.objects.get(pk=lead.pk).status == "needs_human"
    assert not Fault.objects.exists()


@pytest.mark.parametrize(
    "said",
    [
        "User either already has booking at this time or is not available",
        "One of the hosts either already has booking at this time or is not available",
        "The event type can't be booked at the \"start\" time provided. This could be because it's too soon",
        "Attempting to book a meeting in the past.",
        "booking_conflict_error",
    ],
)
@responses.activate
def test_what_is_about_the_time_is_about_the_time(said: str) -> None:
    lead = make_lead_of_old()
    refuse_booking(400, said)
    answer_slots("2026-06-08T13:00:00Z")

    told = use(lead, "bookConsult", {"start": START})

    assert told.result["error"] == "That time is no longer free. Offer the lead one of these."
    assert Lead.objects.get(pk=lead.pk).status == "in_conversation"


@pytest.mark.parametrize(("status", "said"), [(401, "Invalid API key"), (404, "Event type not found")])
@responses.activate
def test_free_times_that_are_refused_for_it_are_handed_over_as_well(client: Any, status: int, said: str) -> None:
    lead = make_lead_of_old()
    error = {"status": "error", "error": {"message": said}}
    responses.add(responses.GET, SLOTS_URL, status=status, json=error)

    told = use(lead, "listSlots")

    assert "takes no bookings" in told.result["error"]
    assert Lead.objects.get(pk=lead.pk).status == "needs_human"
    assert TITLE in page(client, lead)

    responses.replace(responses.GET, SLOTS_URL, json={"status": "success", "data": {}})
    assert use(lead, "listSlots", now=NOW + timedelta(seconds=1)).ok
    assert TITLE not in page(client, lead)


@responses.activate
def test_a_booking_takes_the_notice_back(client: Any) -> None:
    lead, other = make_lead_of_old(), make_lead_of_old()
    refuse_booking(422, "it has no hosts")
    use(lead, "bookConsult", {"start": START})
    answer_slots(START)
    assert use(lead, "listSlots", now=NOW + timedelta(seconds=1)).ok
    assert Fault.objects.get().code == "no_hosts"

    answer_booking()
    assert use(lead, "bookConsult", {"start": START}, now=NOW + timedelta(seconds=2)).ok

    assert not Fault.objects.exists()
    assert TITLE not in page(client, other)


@responses.activate
def test_an_event_type_that_is_no_number_is_told_on_the_pages() -> None:
    lead = make_lead_of_old()
    integration = Integration.objects.get(workspace=lead.workspace, provider="calcom")
    integration.credentials = '{"api_key": "cal_live_x", "event_type_id": "intro"}'
    integration.save()

    assert "takes no bookings" in use(lead, "bookConsult", {"start": START}).result["error"]

    assert Fault.objects.get().code == "event_type"
    assert (bookings_asked(), BOOKINGS_URL in str(responses.calls)) == (0, False)
