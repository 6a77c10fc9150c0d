"""Cal.com's wire: how it fails, and what its refusals are about."""

from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from requests import ConnectionError as Broken
from requests import ConnectTimeout, ReadTimeout

from providers import calcom
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable

URL = "https://api.cal.com/v2/bookings"
START = datetime(2026, 6, 8, 8, tzinfo=UTC)
ROW = {"uid": "bk_1", "status": "accepted", "start": "2026-06-08T09:00:00+01:00", "attendees": [{"email": "A@b.co"}]}


def book(**overrides: Any) -> calcom.Appointment:
    asked: dict[str, Any] = {
        "api_key": "cal_live_secret",
        "event_type_id": "10",
        "start": START,
        "name": "Jane",
        "email": "a@b.co",
        "timezone": "UTC",
        "timeout_s": 2.0,
    }
    return calcom.book(**(asked | overrides))


def find() -> calcom.Appointment | None:
    return calcom.find_appointment(api_key="cal_live_secret", email="a@b.co", start=START, timeout_s=2.0).found


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 400, "json": {"status": "error", "error": {"message": "No", "code": "X"}}}, Rejected),
        ({"status": 409, "body": "<html>"}, Rejected),
        ({"status": 401, "json": {"message": "Unauthorized"}}, Rejected),
        ({"status": 429, "json": {"error": {"message": "Slow down"}}}, Unavailable),
        ({"status": 408, "body": ""}, Unavailable),
        ({"status": 500, "json": {"error": {"message": "Oops"}}}, OutcomeUnknown),
        ({"status": 504, "body": "<html>"}, OutcomeUnknown),
        ({"status": 302, "body": ""}, OutcomeUnknown),
        ({"status": 201, "body": "<html>"}, OutcomeUnknown),
        ({"status": 201, "json": []}, OutcomeUnknown),
        ({"status": 201, "json": {"status": "success", "data": None}}, OutcomeUnknown),
        ({"status": 201, "json": {"status": "success", "data": {"uid": "", "start": ROW["start"]}}}, OutcomeUnknown),
        ({"status": 201, "json": {"status": "error", "data": ROW}}, OutcomeUnknown),
        ({"body": ConnectTimeout("no")}, Unavailable),
        ({"body": ReadTimeout("slow")}, OutcomeUnknown),
        ({"body": Broken("reset")}, OutcomeUnknown),
    ],
)
@responses.activate
def test_tells_apart_what_may_be_done_next(answer: dict[str, Any], kind: type[ProviderError]) -> None:
    responses.add(responses.POST, URL, **answer)

    with pytest.raises(ProviderError) as caught:
        book()

    assert type(caught.value) is kind
    assert "secret" not in f"{caught.value.request}{caught.value.message}"


@pytest.mark.parametrize("event_type_id", ["", "ten", "-1", "1.5"])
@responses.activate
def test_an_event_type_that_is_no_number_is_refused_before_the_wire(event_type_id: str) -> None:
    with pytest.raises(Rejected) as caught:
        book(event_type_id=event_type_id)

    assert calcom.is_about_account(caught.value)
    assert len(responses.calls) == 0


@pytest.mark.parametrize(
    ("rows", "uid"),
    [
        ([], None),
        ([ROW], "bk_1"),
        ({"bookings": [ROW]}, "bk_1"),
        ([{**ROW, "status": "cancelled"}], None),
        ([{**ROW, "status": "REJECTED"}], None),
        ([{**ROW, "start": "2026-06-08T09:00:00Z"}], None),
        ([{**ROW, "attendees": [{"email": "x@b.co"}]}], None),
        ([{**ROW, "attendees": []}], "bk_1"),
        ([{**ROW, "start": "2026-06-08T08:30:00Z"}, {**ROW, "uid": "bk_2"}], "bk_2"),
    ],
)
@responses.activate
def test_finds_the_appointment_of_that_person_at_that_time(rows: Any, uid: str | None) -> None:
    responses.add(responses.GET, URL, json={"status": "success", "data": rows})

    found = find()

    assert (found.uid if found else None) == uid


@pytest.mark.parametrize("data", [None, "x", [{"status": "accepted"}], [{**ROW, "uid": None}], {"rows": []}])
@responses.activate
def test_a_list_that_cannot_be_read_says_nothing(data: Any) -> None:
    responses.add(responses.GET, URL, json={"status": "success", "data": data})

    with pytest.raises(OutcomeUnknown):
        find()


@pytest.mark.parametrize(
    ("message", "is_attendee"),
    [
        ("attendee.email must be an email", True),
        ("phoneNumber must be a valid phone number", True),
        ("responses - {size}error_required_field", True),
        ("no_available_users_found_error", False),
        ("User either already has booking at this time.", False),
    ],
)
def test_words_tell_whether_the_person_or_the_time_is_refused(message: str, is_attendee: bool) -> None:
    assert calcom.is_about_attendee(Rejected(message, status=400)) is is_attendee
    assert not calcom.is_about_account(Rejected(message, status=400))
