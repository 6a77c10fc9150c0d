"""What the agent did, in a lead's timeline and in Django admin."""

from datetime import timedelta
from typing import Any

import pytest
import responses
from django.template.loader import render_to_string
from django.test import Client

from agents.models import Booking, ToolCall
from agents.tests.factories import (
    START,
    answer_booking,
    answer_slots,
    make_calendar_lead,
    use,
)
from agents.timeline import items
from conftest import NOW, make_lead, make_member
from leads.models import Lead
from leads.timeline import Item, read_timeline

pytestmark = pytest.mark.django_db


def shown(item: Item) -> str:
    return " ".join(render_to_string(item.template, {"item": item, "data": item.data}).split())


def make_call(lead: Lead, **overrides: Any) -> ToolCall:
    fields = {"channel": "voice", "call_id": "c", "name": "listSlots", "created_at": NOW, "started_at": NOW}
    return ToolCall.objects.create(lead=lead, **(fields | overrides))


@responses.activate
def test_tells_what_was_asked_what_came_of_it_and_when() -> None:
    lead = make_calendar_lead()
    answer_slots(*(f"2026-06-{day:02}T08:00:00Z" for day in range(8, 15)))
    answer_booking()
    use(lead, "updateLeadProfile", {"goal": "<b>Run</b>", "budget": None})
    use(lead, "listSlots", now=NOW + timedelta(minutes=1))
    use(lead, "bookConsult", {"start": START}, now=NOW + timedelta(minutes=2))
    use(lead, "flyToTheMoon", now=NOW + timedelta(minutes=3))

    told = {item.key.partition("-")[0]: item for item in items(lead)}
    texts = [shown(item) for item in sorted(items(lead), key=lambda item: item.at)]

    assert set(told) == {"tool", "booking"}
    assert "Noted what the lead said" in texts[0]
    assert '<dt>goal</dt> <dd dir="auto">&lt;b&gt;Run&lt;/b&gt;</dd>' in texts[0]
    assert "budget" not in texts[0]
    assert "<li>Monday, June 8, 9:00 AM</li>" in texts[1]
    assert "and 2 more" in texts[1]
    assert any("jane@example.com · <code>bk_1</code>" in text for text in texts)
    assert "Called an unknown tool" in texts[-1]
    assert "There is no tool of that name" in texts[-1]


@responses.activate
def test_tells_in_one_moment_first_what_was_asked_in_its_order_then_what_came_of_it() -> None:
    lead = make_calendar_lead()
    answer_slots("2026-06-08T08:00:00Z")
    answer_booking()
    pks = [make_call(lead, call_id=str(n)).pk for n in range(11)]
    use(lead, "bookConsult", {"start": START})

    keys = [item.key for item in read_timeline(lead) if item.at == NOW]

    assert keys[:11] == [f"tool-{pk}" for pk in pks]
    assert [key.partition("-")[0] for key in keys[11:] if not key.startswith("arrived")] == ["tool", "booking", "event"]


def test_tells_what_is_under_way_and_what_was_no_object() -> None:
    lead = make_lead()
    make_call(lead, arguments="{{{")

    (item,) = items(lead)

    assert "under way" in shown(item)
    assert "{{{" in shown(item)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "unknown", "reason": "timed out"}, "It is asked until it is known"),
        ({"status": "failed", "reason": "Taken."}, "Taken."),
        ({"status": "booked", "awaits_host": True, "uid": "bk"}, "The host has to confirm it"),
    ],
)
def test_tells_what_became_of_an_appointment(fields: dict[str, Any], words: str) -> None:
    lead = make_lead()
    who = {"timezone": "Europe/London", "attendee_name": "Jane", "attendee_email": "jane@example.com"}
    times = {"start": NOW, "due_at": NOW, "created_at": NOW, "updated_at": NOW}
    Booking.objects.create(lead=lead, **who, **times, **fields)

    (item,) = items(lead)

    assert words in shown(item)
    assert "Sunday, June 7, 2:03 PM" in shown(item)
    assert item in read_timeline(lead)


def test_hides_calls_of_other_workspaces() -> None:
    lead, other = make_lead(), make_lead()
    mine, theirs = make_call(lead), make_call(other)
    client = Client()
    client.force_login(make_member(lead.workspace, role="admin"))

    assert [item.key for item in items(lead)] == [f"tool-{mine.pk}"]
    listed = client.get("/admin/agents/toolcall/").content.decode()
    assert f"/toolcall/{mine.pk}/" in listed
    assert f"/toolcall/{theirs.pk}/" not in listed
    assert client.get(f"/admin/agents/toolcall/{mine.pk}/change/").status_code == 200
    assert client.get(f"/admin/agents/toolcall/{theirs.pk}/change/").status_code == 302
    for path in ("toolcall", "booking"):
        assert client.get(f"/admin/agents/{path}/?q={lead.phone}").status_code == 200
        assert client.get(f"/admin/agents/{path}/add/").status_code == 403
    assert client.post(f"/admin/agents/toolcall/{mine.pk}/delete/", {"post": "yes"}).status_code == 403
