"""bookConsult: one appointment, whatever goes wrong and however often it is asked for."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from django.db import connection
from requests import ConnectTimeout, ReadTimeout

from agents.models import Booking
from agents.settling import settle_bookings
from agents.tests.factories import (
    BOOKINGS_URL,
    LATER,
    START,
    answer_booking,
    answer_list,
    answer_slots,
    answer_standing,
    booked,
    bookings_asked,
    make_calendar_lead,
    refuse_booking,
    sent,
    use,
)
from conftest import NOW, make_lead, make_workspace
from leads.models import Lead, LeadEvent
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db

START_AT = datetime(2026, 6, 8, 8, tzinfo=UTC)
SAID = "Monday, June 8, 9:00 AM"


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


@responses.activate
def test_books_for_this_lead_and_says_so() -> None:
    lead = make_calendar_lead(goal="Lose weight", profile={"budget": "5k"})
    answer_booking()

    told = use(lead, "bookConsult", {"start": START})

    assert (told.ok, told.result["words"]) == (True, SAID)
    assert "booked" in told.result["say"]
    body = sent()
    assert body == {
        "eventTypeId": 10,
        "start": START,
        "attendee": {
            "name": "Jane Doe",
            "email": "jane@example.com",
            "timeZone": "Europe/London",
            "phoneNumber": lead.phone,
        },
        "guests": [],
        "bookingFieldsResponses": {"notes": "goal: Lose weight\nbudget: 5k"},
    }
    assert responses.calls[0].request.headers["cal-api-version"] == "2026-02-25"
    now = fresh(lead)
    assert (now.status, now.booking_uid, now.booking_start) == ("booked", "bk_1", START_AT)
    assert LeadEvent.objects.get(lead=lead).data == {"from": "in_conversation", "to": "booked", "reason": ""}
    entry = LogEntry.objects.get(lead_id=lead.pk)
    assert (entry.provider, entry.operation, entry.outcome) == ("calcom", "book", "ok")
    assert "cal_live_" not in entry.request + entry.response


@responses.activate
def test_asked_twice_books_once() -> None:
    lead = make_calendar_lead()
    answer_booking()
    answer_standing()

    told = [use(lead, "bookConsult", {"start": START}) for _ in range(2)]

    assert [each.ok for each in told] == [True, True]
    assert bookings_asked() == 1


@responses.activate
def test_another_time_is_for_a_person_to_arrange() -> None:
    lead = make_calendar_lead()
    answer_booking()
    answer_standing()
    use(lead, "bookConsult", {"start": START})

    told = use(lead, "bookConsult", {"start": LATER})

    assert not told.ok
    assert f"on {SAID}. To move it, call escalateToHuman" in told.result["error"]
    assert bookings_asked() == 1


@responses.activate
def test_a_person_who_opens_the_lead_again_allows_another() -> None:
    lead = make_calendar_lead()
    answer_booking()
    use(lead, "bookConsult", {"start": START})
    Lead.objects.filter(pk=lead.pk).update(status="in_conversation")
    answer_booking(start=LATER, uid="bk_2")

    assert use(lead, "bookConsult", {"start": LATER}).ok

    assert fresh(lead).booking_uid == "bk_2"
    assert sorted(Booking.objects.values_list("status", flat=True)) == ["booked", "replaced"]


@responses.activate
def test_asks_for_an_email_address_first() -> None:
    lead = make_calendar_lead(email=None)

    told = use(lead, "bookConsult", {"start": START, "email": None})
    assert "Ask for it" in told.result["error"]
    told = use(lead, "bookConsult", {"start": START, "email": "jane at example"})
    assert "spell it" in told.result["error"]
    assert len(responses.calls) == 0

    answer_booking()
    assert use(lead, "bookConsult", {"start": START, "email": "jane@example.org"}).ok
    assert fresh(lead).email == "jane@example.org"


@responses.activate
def test_asks_for_a_name_and_an_address_that_the_calendar_takes() -> None:
    lead = make_calendar_lead(name="{{first_name}}", email="josé@example.com")

    told = use(lead, "bookConsult", {"start": START})
    assert "plain addresses" in told.result["error"]
    told = use(lead, "bookConsult", {"start": START, "email": "jose@example.com"})
    assert "name is not known" in told.result["error"]
    assert len(responses.calls) == 0

    answer_booking()
    assert use(lead, "bookConsult", {"start": START, "email": "jose@example.com", "name": "José"}).ok


@pytest.mark.parametrize(
    "start",
    ["", "tomorrow", "2026-06-08", "2026-06-08T08:00:00", "2036-06-08T08:00:00Z", "0001-01-01T00:00:00+23:00", 7],
)
@responses.activate
def test_a_start_that_listslots_never_gave_is_explained(start: Any) -> None:
    told = use(make_calendar_lead(), "bookConsult", {"start": start})

    assert not told.ok
    assert "start" in told.result["error"]
    assert len(responses.calls) == 0


@responses.activate
def test_a_time_that_is_over_is_not_asked_for() -> None:
    told = use(make_calendar_lead(), "bookConsult", {"start": "2026-06-07T13:00:00Z"})

    assert told.result["error"] == "That time is over. Call listSlots and offer another."


@responses.activate
def test_says_which_times_are_left_where_one_is_taken() -> None:
    lead = make_calendar_lead()
    refuse_booking(409, "no_available_users_found_error")
    answer_slots(START, LATER)

    told = use(lead, "bookConsult", {"start": START})

    assert not told.ok
    assert told.result["error"] == "That time is no longer free. Offer the lead one of these."
    assert told.result["slots"] == [{"start": LATER, "words": "Monday, June 8, 2:00 PM"}]
    assert fresh(lead).status == "in_conversation"
    answer_booking(start=LATER)
    assert use(lead, "bookConsult", {"start": LATER}).ok


@responses.activate
def test_says_what_cal_com_does_not_like_about_the_attendee() -> None:
    refuse_booking(400, "attendee.email must be an email")

    told = use(make_calendar_lead(), "bookConsult", {"start": START})

    assert "attendee.email must be an email" in told.result["error"]


@pytest.mark.parametrize("status", [401, 403, 404])
@responses.activate
def test_an_account_out_of_order_is_a_persons_business(status: int) -> None:
    lead = make_calendar_lead()
    refuse_booking(status, "No.")

    told = use(lead, "bookConsult", {"start": START})

    assert "takes no bookings" in told.result["error"]
    assert fresh(lead).status == "needs_human"


@pytest.mark.parametrize("fault", ["connect", "busy"])
@responses.activate
def test_what_never_got_there_may_be_asked_again(fault: str) -> None:
    lead = make_calendar_lead()
    if fault == "busy":
        refuse_booking(429, "Slow down")
    else:
        responses.add(responses.POST, BOOKINGS_URL, body=ConnectTimeout("no"))

    assert "can't be reached" in use(lead, "bookConsult", {"start": START}).result["error"]

    answer_booking()
    assert use(lead, "bookConsult", {"start": START}).ok


@responses.activate
def test_a_lost_answer_is_found_again_at_once() -> None:
    lead = make_calendar_lead()
    responses.add(responses.POST, BOOKINGS_URL, body=ReadTimeout("slow"))
    answer_list(booked("2026-06-09T08:00:00Z"), booked(status="cancelled", uid="old"), booked(uid="bk_7"))

    told = use(lead, "bookConsult", {"start": START})

    assert told.ok
    assert fresh(lead).booking_uid == "bk_7"
    assert (fresh(lead).status, bookings_asked()) == ("booked", 1)
    asked = str(responses.calls[1].request.url)
    assert "attendeeEmail=jane%40example.com" in asked
    assert "afterStart=2026-06-08T07%3A59%3A00Z" in asked


def lose_the_answer(lead: Lead) -> None:
    """Book with a time-out, and Cal.com doesn't have it yet."""
    responses.add(responses.POST, BOOKINGS_URL, body=ReadTimeout("slow"))
    answer_list()
    told = use(lead, "bookConsult", {"start": START})
    assert "a person will confirm" in told.result["error"]
    responses.reset()


@responses.activate
def test_what_is_not_known_is_promised_to_nobody_and_told_to_a_person() -> None:
    lead = make_calendar_lead()
    lose_the_answer(lead)

    assert (Booking.objects.get().status, fresh(lead).status) == ("unknown", "needs_human")
    assert "not known yet whether Cal.com has the appointment" in LeadEvent.objects.get().data["reason"]


@responses.activate
def test_is_never_booked_again_while_it_is_not_known() -> None:
    lead = make_calendar_lead()
    lose_the_answer(lead)
    answer_list()

    told = [use(lead, "bookConsult", {"start": start}) for start in (START, LATER)]

    assert [each.ok for each in told] == [False, False]
    assert bookings_asked() == 0


@responses.activate
def test_the_worker_finds_it() -> None:
    lead = make_calendar_lead()
    lose_the_answer(lead)
    answer_list(booked(uid="bk_9"))

    assert settle_bookings(now=NOW + timedelta(seconds=1), limit=10) == 0
    assert settle_bookings(now=NOW + timedelta(minutes=2), limit=10) == 1
    assert settle_bookings(now=NOW + timedelta(minutes=3), limit=10) == 0

    assert (fresh(lead).status, fresh(lead).booking_uid) == ("booked", "bk_9")


@responses.activate
def test_what_cal_com_never_had_is_a_persons_to_arrange_and_may_be_asked_for_again() -> None:
    lead = make_calendar_lead()
    lose_the_answer(lead)
    answer_list()

    settle_bookings(now=NOW + timedelta(minutes=1), limit=10)

    assert (Booking.objects.get().status, fresh(lead).status) == ("failed", "needs_human")
    answer_booking()
    assert use(lead, "bookConsult", {"start": START}, now=NOW + timedelta(minutes=2)).ok
    assert fresh(lead).status == "booked"


@responses.activate
def test_not_there_is_not_believed_while_the_request_may_be_under_way() -> None:
    lead = make_calendar_lead()
    lose_the_answer(lead)
    answer_list()

    settle_bookings(now=NOW + timedelta(seconds=11), limit=10)

    assert Booking.objects.get().status == "unknown"


@responses.activate
def test_a_calendar_that_cannot_be_asked_for_a_day_leaves_it_to_a_person() -> None:
    lead = make_calendar_lead()
    lose_the_answer(lead)
    responses.add(responses.GET, BOOKINGS_URL, status=500, json={})
    for hours in (1, 12, 25):
        settle_bookings(now=NOW + timedelta(hours=hours), limit=10)
        expected = "failed" if hours == 25 else "unknown"
        assert Booking.objects.get().status == expected
    assert settle_bookings(now=NOW + timedelta(hours=30), limit=10) == 0


@responses.activate
def test_a_booking_whose_process_died_is_asked_about() -> None:
    lead = make_calendar_lead()
    Booking.objects.create(
        lead=lead,
        start=START_AT,
        timezone="Europe/London",
        attendee_name="Jane",
        attendee_email="jane@example.com",
        due_at=NOW + timedelta(seconds=25),
        created_at=NOW,
        updated_at=NOW,
    )
    told = use(lead, "bookConsult", {"start": START}, deadline_s=0.5)
    assert "still being made" in told.result["error"]

    answer_list(booked(uid="bk_4"))
    settle_bookings(now=NOW + timedelta(seconds=26), limit=10)

    assert fresh(lead).booking_uid == "bk_4"
    assert bookings_asked() == 0


@responses.activate
def test_a_booking_that_waits_for_its_host_counts_with_a_note() -> None:
    lead = make_calendar_lead()
    answer_booking(status="pending")

    told = use(lead, "bookConsult", {"start": START})

    assert told.ok
    assert "host still has to confirm" in told.result["say"]
    assert fresh(lead).status == "booked"


@responses.activate
def test_a_success_that_cannot_be_read_is_asked_about() -> None:
    lead = make_calendar_lead()
    responses.add(responses.POST, BOOKINGS_URL, status=201, json={"status": "success", "data": {"start": START}})
    answer_list(booked(uid="bk_5"))

    assert use(lead, "bookConsult", {"start": START}).ok
    assert fresh(lead).booking_uid == "bk_5"


@pytest.mark.parametrize("status", ["new", "in_conversation", "needs_human"])
@responses.activate
def test_books_whoever_is_still_open(status: str) -> None:
    lead = make_calendar_lead(status=status)
    answer_booking()

    assert use(lead, "bookConsult", {"start": START}).ok
    assert fresh(lead).status == "booked"


@responses.activate
def test_an_unqualified_lead_is_not_booked() -> None:
    told = use(make_calendar_lead(status="unqualified"), "bookConsult", {"start": START})

    assert "unqualified" in told.result["error"]
    assert len(responses.calls) == 0


@responses.activate
def test_a_test_lead_takes_nobodys_time() -> None:
    lead = make_calendar_lead(is_test=True)

    assert use(lead, "bookConsult", {"start": START}).ok

    assert len(responses.calls) == 0
    assert (fresh(lead).booking_uid or "").startswith("test-")


@pytest.mark.parametrize("tool", ["listSlots", "bookConsult"])
@responses.activate
def test_says_where_no_calendar_is_connected(tool: str) -> None:
    lead = make_lead(make_workspace(channel="whatsapp"), email="jane@example.com")

    told = use(lead, tool, {"start": START} if tool == "bookConsult" else {})

    assert told.result == {"ok": False, "error": "Cal.com not connected"}


@responses.activate
@pytest.mark.parametrize(
    "phone", ["+1 202 555 0123", "tel:+1-202-555-0123", "\u202a+1\u00a0202\u2011555\u20110123\u202c"]
)
def test_another_number_is_used_for_the_appointment_alone(phone: str) -> None:
    lead = make_calendar_lead()
    answer_booking()

    use(lead, "bookConsult", {"start": START, "phone": phone, "name": "Janet", "notes": "Vegan"})

    body = sent()
    assert body["attendee"]["phoneNumber"] == "+12025550123"
    assert (body["attendee"]["name"], body["bookingFieldsResponses"]) == ("Janet", {"notes": "Vegan"})
    assert (fresh(lead).phone, fresh(lead).name) == (lead.phone, "Jane Doe")


@responses.activate
def test_holds_no_transaction_while_cal_com_is_slow() -> None:
    lead = make_calendar_lead()
    depths: list[int] = []
    before = len(connection.savepoint_ids)

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        depths.append(len(connection.savepoint_ids))
        return 201, {}, json.dumps({"status": "success", "data": booked()})

    responses.add_callback(responses.POST, BOOKINGS_URL, callback=answer)
    use(lead, "bookConsult", {"start": START})

    assert depths == [before]


@responses.activate
def test_a_lead_erased_while_it_is_booked_leaves_nothing_behind() -> None:
    lead = make_calendar_lead()

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        Lead.objects.filter(pk=lead.pk).delete()
        return 201, {}, json.dumps({"status": "success", "data": booked()})

    responses.add_callback(responses.POST, BOOKINGS_URL, callback=answer)
    use(lead, "bookConsult", {"start": START})

    assert (Booking.objects.count(), LogEntry.objects.filter(lead_id=lead.pk).count()) == (0, 0)
