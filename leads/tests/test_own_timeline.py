"""What an operator reads of how a lead came in, what was promised to it, and what happened."""

from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string

from conftest import NOW, make_dispatch, make_lead, make_user, make_workspace
from leads.intake import ConsentGiven, Submission, accept_lead
from leads.models import Lead, LeadEvent
from leads.status import change_status
from leads.suppression import lift, suppress
from leads.takeover import hand_back, take_over
from leads.timeline import read_timeline

pytestmark = pytest.mark.django_db


def read(lead: Lead) -> list[str]:
    """Return the timeline as text, an entry each."""
    return [
        " ".join(render_to_string(item.template, {"item": item, "data": item.data}).split())
        for item in read_timeline(lead)
    ]


def note(lead: Lead, kind: str, **fields: Any) -> str:
    LeadEvent.objects.create(lead=lead, kind=kind, at=NOW + timedelta(minutes=1), **fields)
    return read(lead)[-1]


def test_begins_with_where_it_came_from_and_what_it_agreed_to() -> None:
    consent = ConsentGiven(
        text="Acme may call <me>.", version=1, given_at=NOW, ip="203.0.113.9", page_url="https://acme.example/form"
    )
    submission = Submission(
        workspace_id=make_workspace(channel="whatsapp").pk,
        channel="whatsapp",
        name="Jane",
        phone="+447123456789",
        source="form",
        consent=consent,
    )
    lead = Lead.objects.get(pk=accept_lead(submission, now=NOW).order.lead_id)

    first = read(lead)[0]

    for part in ("Came in", "Form", "Acme may call &lt;me&gt;.", "https://acme.example/form", "7 Jun 2026, 13:03"):
        assert part in first


def test_says_that_a_test_lead_is_one() -> None:
    assert "nobody is really contacted" in read(make_lead(is_test=True))[0]
    assert "nobody is really contacted" not in read(make_lead())[0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "pending"}, ["To be contacted", "7 Jun, 13:03"]),
        ({"status": "sending"}, ["Being contacted"]),
        ({"status": "done", "attempts": 3}, ["Contacted", "3 attempts"]),
        ({"status": "failed", "reason": "Vapi /call failed (402): <no credit>"}, ["Could not be", "&lt;no credit&gt;"]),
        ({"status": "skipped", "reason": "paused"}, ["Not contacted", "The agent was paused in this workspace."]),
        ({"status": "skipped", "reason": "opted_out"}, ["Not contacted", "This phone has opted out."]),
        ({"status": "skipped", "reason": "taken_over"}, ["Not contacted", "A person had taken over"]),
        ({"status": "skipped", "reason": "decided"}, ["Not contacted", "the lead had moved on"]),
    ],
)
def test_says_in_words_what_became_of_a_promise(fields: dict[str, Any], words: list[str]) -> None:
    lead = make_lead(created_at=NOW - timedelta(minutes=1))
    make_dispatch(lead, **fields)

    entry = read(lead)[-1]

    for part in words:
        assert part in entry


def test_tells_a_retry_from_the_first_promise() -> None:
    lead = make_lead(created_at=NOW - timedelta(minutes=1))
    first = make_dispatch(lead, status="done")
    make_dispatch(lead, retry_of=first, created_at=NOW + timedelta(hours=1))

    assert ["after no answer" in entry for entry in read(lead)[1:]] == [False, True]


def test_says_who_did_what() -> None:
    lead, user = make_lead(created_at=NOW), make_user(first_name="Ada", last_name="Lovelace")
    change_status(lead.pk, "booked", now=NOW + timedelta(minutes=1), reason="by phone")
    take_over(lead.pk, by_id=user.pk, now=NOW + timedelta(minutes=2))
    hand_back(lead.pk, by_id=user.pk, now=NOW + timedelta(minutes=3))
    workspace_id, phone = lead.workspace_id, lead.phone
    suppress(workspace_id=workspace_id, phone=phone, reason="stop", detail="STOP", now=NOW + timedelta(minutes=4))
    lift(workspace_id=workspace_id, phone=phone, now=NOW + timedelta(minutes=5), by_id=user.pk)

    entries = read(lead)[1:]

    expected = [
        ("Status changed", "New → Booked", "by phone"),
        ("Taken over by a person", "Ada Lovelace"),
        ("Handed back to the agent", "Ada Lovelace"),
        ("Opted out", "the lead wrote a stop word: STOP"),
        ("May be contacted again", "Ada Lovelace"),
    ]
    for entry, parts in zip(entries, expected, strict=True):
        assert all(part in entry for part in parts), entry


def test_says_when_it_will_be_called() -> None:
    lead = make_lead()
    scheduled = note(lead, "call_scheduled", data={"at": "2026-06-08T07:00:00.000Z"})
    retry = note(lead, "call_retry", data={"at": "2026-06-08T08:30:00+00:00", "attempt": 1, "of": 3})
    assert "Will be called at" in scheduled
    assert "8 Jun, 07:00" in scheduled
    assert "8 Jun, 08:30" in retry
    assert "retry 1 of 3" in retry


@pytest.mark.parametrize("kind", LeadEvent.Kind.values)
def test_every_kind_of_event_can_be_shown_whatever_its_data(kind: str) -> None:
    assert 'class="timeline-title"' in note(make_lead(), kind)
    assert "timeline-title" in note(make_lead(), kind, data={"at": "soon", "to": "gone", "reason": 7})


def test_a_note_is_text_and_nothing_else() -> None:
    entry = note(make_lead(), "note", data={"text": "Call <i>back</i>\non Monday"})
    assert "Call &lt;i&gt;back&lt;/i&gt;<br>on Monday" in entry


def test_hides_what_is_another_lead_s() -> None:
    other = make_lead(name="Other")
    make_dispatch(other, status="failed", reason="other's reason")
    note(other, "note", data={"text": "other's note"})

    assert len(read(make_lead())) == 1
