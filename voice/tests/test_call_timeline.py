"""What an operator reads of a lead's calls."""

from decimal import Decimal
from typing import Any

import pytest
from django.template.loader import render_to_string

from conftest import make_lead
from leads.timeline import Item, read_timeline
from voice.tests.factories import CALL_ID, make_call

pytestmark = pytest.mark.django_db


def shown(**fields: Any) -> Item:
    session = make_call(**fields)
    return next(item for item in read_timeline(session.lead) if item.key == f"call-{session.pk}")


def rendered(item: Item) -> str:
    return " ".join(render_to_string(item.template, {"item": item, "data": item.data}).split())


def test_a_call_with_all_that_is_known_of_it() -> None:
    html = rendered(
        shown(
            status="ended",
            vapi_status="ended",
            outcome="completed",
            ended_reason="customer-ended-call",
            duration_s=127.598,
            cost_usd=Decimal("0.1931"),
            summary="Wants a <b>slot</b>.",
            transcript="AI: Hi\nUser: Tuesday works.\n",
            has_recording=True,
        )
    )
    for part in (
        "completed",
        "2:08 min",
        "$0.19",
        "The lead hung up.",
        "customer-ended-call",
        "Wants a &lt;b&gt;slot&lt;/b&gt;.",
        "Tuesday works.",
        '<audio controls preload="none" src="/api/vapi/recordings/',
    ):
        assert part in html
    assert CALL_ID not in html


@pytest.mark.parametrize(
    ("vapi_status", "words"),
    [
        ("scheduled", "planned"),
        ("queued", "about to ring"),
        ("ringing", "ringing"),
        ("in-progress", "talking"),
        ("simulated", "simulated"),
    ],
)
def test_a_call_that_goes_on(vapi_status: str, words: str) -> None:
    html = rendered(shown(vapi_status=vapi_status))
    assert words in html
    for absent in ("<audio", "Transcript", "min<", "$"):
        assert absent not in html


@pytest.mark.parametrize(
    ("reason", "outcome", "words"),
    [
        ("customer-did-not-answer", "no_answer", "Nobody picked up."),
        ("customer-busy", "no_answer", "The line was busy."),
        ("voicemail", "no_answer", "A voicemail box answered."),
        ("twilio-reported-customer-misdialed", "invalid_number", "The number doesn&#x27;t exist."),
        ("scheduled-call-deleted", "cancelled", "It was taken back before it rang."),
        ("call.start.error-subscription-insufficient-credits", "account", "has run out of credits"),
        ("worker-shutdown", "transient", "A passing fault ended it."),
        ("something-new", "failed", "It failed."),
        (None, "failed", "It failed."),
        (None, "", ""),
    ],
)
def test_says_in_words_how_it_ended(reason: str | None, outcome: str, words: str) -> None:
    item = shown(status="ended", vapi_status="ended", outcome=outcome, ended_reason=reason)
    assert words in rendered(item)


def test_hides_the_calls_of_other_leads() -> None:
    make_call()
    assert not [item for item in read_timeline(make_lead()) if item.key.startswith("call-")]
