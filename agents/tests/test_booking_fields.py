"""Required questions of an event type are answered from what is known of the lead, or the tool asks for them."""

from typing import Any

import pytest
import responses

from agents.tests.factories import (
    BOOKINGS_URL,
    CALCOM,
    START,
    answer_booking,
    bookings_asked,
    make_calendar_lead,
    sent,
    use,
)
from conftest import make_integration, make_lead, make_workspace
from leads.models import Lead
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db

COMPANY = {"type": "text", "slug": "company", "label": "Your company", "required": True}
SIZE = {"type": "select", "slug": "team-size", "label": "Team size", "required": True, "options": ["1-10", "11-50"]}
DEFAULTS = [
    {"isDefault": True, "type": "name", "slug": "name", "required": True},
    {"isDefault": True, "type": "email", "slug": "email", "required": True},
    {"isDefault": True, "type": "radioInput", "slug": "location", "required": True},
    {"type": "text", "slug": "website", "label": "Website", "required": False},
    {"type": "text", "slug": "utm", "label": "UTM", "required": True, "hidden": True},
]


def want(*fields: dict[str, Any]) -> None:
    """Let the event type ask for fields, and refuse what comes without the first of them."""
    words = f"Missing required booking field response: {fields[0]['slug']} - it is required by the event type"
    error = {"status": "error", "error": {"code": "BadRequestException", "message": words}}
    responses.add(responses.POST, BOOKINGS_URL, status=400, json=error)
    row = {"id": 10, "bookingFields": [*DEFAULTS, *fields]}
    responses.add(responses.GET, f"{CALCOM}/v2/event-types/10", json={"status": "success", "data": row})


def responses_sent(place: int) -> dict[str, Any]:
    fields: dict[str, Any] = sent(place)["bookingFieldsResponses"]
    return {name: value for name, value in fields.items() if name != "notes"}


@responses.activate
def test_the_lead_is_asked_for_what_is_missing_and_booked_with_the_answer() -> None:
    lead = make_calendar_lead()
    want(COMPANY, SIZE)

    told = use(lead, "bookConsult", {"start": START})

    assert not told.ok
    assert told.result["error"] == (
        "The calendar needs to know more: Your company (`company`); Team size (`team-size`, one of: 1-10, 11-50). Ask "
        "the lead, then call bookConsult again with `answers`, one line each, like `company: …`. If the lead doesn't "
        "want to say, call escalateToHuman."
    )
    assert Lead.objects.get(pk=lead.pk).status == "in_conversation"
    responses.remove(responses.POST, BOOKINGS_URL)
    answer_booking()

    told = use(lead, "bookConsult", {"start": START, "answers": "company: Acme Ltd\nteam-size: 11-50"})

    assert told.ok
    assert responses_sent(2) == {"company": "Acme Ltd", "team-size": "11-50"}
    assert (Lead.objects.get(pk=lead.pk).profile or {})["company"] == "Acme Ltd"
    entry = LogEntry.objects.get(operation="read event type")
    assert (entry.outcome, entry.lead_id) == ("ok", lead.pk)


@responses.activate
def test_what_is_known_is_filled_in_without_asking() -> None:
    workspace = make_workspace(
        channel="whatsapp", qualification_fields=[{"name": "team_size", "label": "How big is your team?"}]
    )
    make_integration(workspace, "calcom")
    lead = make_lead(
        workspace,
        email="jane@example.com",
        goal="Lose weight",
        metadata={"Company": "Acme Ltd", "nested": {"a": 1}},
        form_responses={"Which city?": "Leeds"},
        profile={"budget": "5k", "team_size": "11-50"},
    )
    how_big = {"type": "text", "slug": "q1", "label": "How big is your team?", "required": True}
    city = {"type": "address", "slug": "city", "label": "Which city?", "required": True}
    goal = {"type": "textarea", "slug": "goal", "label": "What for?", "required": True}
    call_me = {"type": "phone", "slug": "mobile", "label": "Mobile", "required": True}
    want({**COMPANY, "label": "Firm"}, how_big, city, goal, call_me)
    answer_booking()

    assert use(lead, "bookConsult", {"start": START}).ok

    assert responses_sent(2) == {
        "company": "Acme Ltd",
        "q1": "11-50",
        "city": "Leeds",
        "goal": "Lose weight",
        "mobile": lead.phone,
    }


@pytest.mark.parametrize(
    ("field", "answer", "value"),
    [
        ({"type": "number"}, "12", 12),
        ({"type": "number"}, "12,5", 12.5),
        ({"type": "number"}, "a dozen", None),
        ({"type": "number"}, "nan", None),
        ({"type": "boolean"}, "Yes", True),
        ({"type": "boolean"}, "Nein", False),
        ({"type": "boolean"}, "perhaps", None),
        ({"type": "select", "options": ["Small", "Large"]}, "large", "Large"),
        ({"type": "radio", "options": [{"label": "Small", "value": "small"}]}, "Small", "small"),
        ({"type": "select", "options": ["Small", "Large"]}, "medium", None),
        ({"type": "multiselect", "options": ["A", "B", "C"]}, "a; c", ["A", "C"]),
        ({"type": "checkbox", "options": ["A", "B"]}, "a, x", None),
        ({"type": "multiemail"}, "a@b.co, c@d.co", ["a@b.co", "c@d.co"]),
        ({"type": "text"}, "Acme: the best", "Acme: the best"),
    ],
)
@responses.activate
def test_an_answer_is_handed_on_as_cal_com_takes_it(field: dict[str, Any], answer: str, value: Any) -> None:
    lead = make_calendar_lead()
    want({"slug": "more", "label": "More", "required": True, **field})
    answer_booking()

    told = use(lead, "bookConsult", {"start": START, "answers": f"more: {answer}"})

    assert told.ok is (value is not None)
    if told.ok:
        assert responses_sent(2) == {"more": value}
    else:
        assert "More (`more`" in told.result["error"]


@responses.activate
def test_answers_may_come_as_an_object_too() -> None:
    lead = make_calendar_lead()
    want(COMPANY)
    answer_booking()

    assert use(lead, "bookConsult", {"start": START, "answers": '{"company": "Acme"}'}).ok
    assert responses_sent(2) == {"company": "Acme"}


@responses.activate
def test_the_next_lead_is_asked_before_cal_com_is() -> None:
    lead = make_calendar_lead()
    want(COMPANY)
    use(lead, "bookConsult", {"start": START})
    other = make_lead(lead.workspace, email="joe@example.com", status="in_conversation")

    assert "Your company" in use(other, "bookConsult", {"start": START}).result["error"]

    assert bookings_asked() == 1


@responses.activate
def test_a_field_of_an_event_type_that_cannot_be_read_is_asked_for_by_its_name() -> None:
    lead = make_calendar_lead()
    want(COMPANY)
    responses.replace(responses.GET, f"{CALCOM}/v2/event-types/10", status=500, json={})

    assert "company (`company`)" in use(lead, "bookConsult", {"start": START}).result["error"]


@responses.activate
def test_a_calendar_that_goes_on_asking_ends_with_a_human() -> None:
    lead = make_calendar_lead(metadata={"company": "Acme"})
    want(COMPANY)

    told = use(lead, "bookConsult", {"start": START})

    assert "company" in told.result["error"]
    assert bookings_asked() == 2


@responses.activate
def test_an_answer_that_cal_com_does_not_take_is_asked_for_again() -> None:
    lead = make_calendar_lead()
    want(SIZE)
    responses.remove(responses.POST, BOOKINGS_URL)
    words = "Invalid option '1-10' for booking field 'team-size'. Allowed options are: 1-10 people, more."
    missing = "Missing required booking field response: team-size - it is required"
    for each in (missing, words):
        responses.add(responses.POST, BOOKINGS_URL, status=400, json={"status": "error", "error": {"message": each}})

    told = use(lead, "bookConsult", {"start": START, "answers": "team-size: 1-10"})

    assert "Team size (`team-size`" in told.result["error"]
    assert Lead.objects.get(pk=lead.pk).status == "in_conversation"
