"""The operator's way through leads, in a browser."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from conftest import make_dispatch, make_lead, make_member, make_workspace
from leads.models import Consent, Dispatch, Lead, LeadEvent, Suppression
from tests.browser.conftest import enter_as, faults
from voice.models import CallSession
from whatsapp.models import Message

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]


def make_ada(channel: str = "whatsapp", **overrides: Any) -> Lead:
    workspace = make_workspace(channel=channel, slug="northlight", name="Northlight Coaching")
    make_member(workspace, username="maya", role="admin", is_staff=False)
    return make_lead(workspace, name="Ada Lovelace", email="ada@example.com", created_at=timezone.now(), **overrides)


def say(lead: Lead, role: str, text: str, *, status: str = "read", minutes_ago: int = 5) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    sid = f"SM{Message.objects.count()}"
    Message.objects.create(lead=lead, role=role, text=text, status=status, twilio_sid=sid, created_at=at, updated_at=at)


def open_lead(page: Page) -> None:
    enter_as(page, "maya")
    page.goto("/admin/northlight/")
    expect(page).to_have_url(re.compile("/admin/northlight/leads$"))
    page.get_by_role("link", name="Ada Lovelace").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada Lovelace")


def test_shows_what_happens_while_it_happens(open_page: OpenPage) -> None:
    lead = make_ada()
    make_call_of(lead)
    page, complaints = open_page()
    open_lead(page)
    page.get_by_label("Note for your colleagues").fill("half a thou")
    transcript = page.locator("details", has_text="AI: Hi")
    transcript.locator("summary").click()
    transcript.evaluate("part => { part.title = 'the same element' }")

    say(lead, "user", "Evenings please", status="received")
    Lead.objects.update(status="booked")

    expect(page.get_by_text("Evenings please")).to_be_visible()
    # Who writes is not disturbed.
    expect(page.get_by_label("Note for your colleagues")).to_have_value("half a thou")
    expect(page.get_by_label("Your message")).to_be_visible()
    expect(transcript).to_have_attribute("title", "the same element")
    status = page.get_by_label("Status", exact=True)
    expect(status).to_have_value("booked")

    status.focus()
    Lead.objects.update(status="unqualified")
    say(lead, "user", "No, thanks", status="received")
    expect(page.locator("[data-live=state]")).to_contain_text("Unqualified")
    expect(page.locator("[role=status][data-status]")).to_have_text("New in the timeline: 1")
    expect(status).to_have_value("booked")
    page.keyboard.press("Tab")
    expect(status).to_have_value("unqualified")

    say(lead, "user", "Or maybe", status="received")
    expect(page.get_by_text("Or maybe")).to_be_visible()
    expect(page.locator("[data-live=state]")).to_contain_text("Unqualified")
    assert complaints == []


def test_keeps_what_stands_before_the_newest_and_the_order_of_time(open_page: OpenPage) -> None:
    lead = make_ada()
    now = timezone.now()
    Lead.objects.update(created_at=now - timedelta(days=1))
    LeadEvent.objects.bulk_create(
        LeadEvent(lead=lead, kind="note", data={"text": f"Note {n}."}, at=now - timedelta(minutes=200 - n))
        for n in range(150)
    )
    dispatch = make_dispatch(lead, status="pending", created_at=now - timedelta(minutes=60), due_at=now)
    page, complaints = open_page()
    open_lead(page)
    expect(page.get_by_text("Note 149.")).to_be_visible()
    assert page.locator(".timeline-item").count() == 100
    page.get_by_role("link", name=re.compile("Show 52 earlier")).click()
    expect(page.get_by_text("Note 0.", exact=True)).to_be_visible()

    Dispatch.objects.filter(pk=dispatch.pk).update(status="done", finished_at=now - timedelta(minutes=1))
    LeadEvent.objects.create(lead=lead, kind="note", data={"text": "The latest."}, at=now)

    expect(page.get_by_text("The latest.")).to_be_visible()
    assert page.locator(".timeline-item").count() == 153
    assert page.locator(".timeline-title strong").all_inner_texts()[-3:] == ["Note", "Contacted", "Note"]
    assert complaints == []


def test_says_when_it_no_longer_brings_itself_up_to_date(open_page: OpenPage) -> None:
    lead = make_ada()
    page, _complaints = open_page()
    open_lead(page)
    page.get_by_label("Note for your colleagues").fill("half a thou")

    page.context.clear_cookies()
    expect(page.get_by_text("no longer brings itself up to date")).to_be_visible()
    expect(page.get_by_label("Note for your colleagues")).to_have_value("half a thou")

    enter_as(page, "maya")
    page.goto(f"/admin/northlight/leads/{lead.pk}")
    expect(page.get_by_text("no longer brings itself up to date")).to_be_hidden()
    lead.delete()
    expect(page.get_by_text("no longer brings itself up to date")).to_be_visible()


def test_takes_over_and_hands_back(open_page: OpenPage) -> None:
    lead = make_ada()
    page, complaints = open_page()
    open_lead(page)

    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_text("You have the conversation.")).to_be_visible()
    assert Lead.objects.filter(pk=lead.pk, taken_over_at__isnull=False).exists()
    page.get_by_role("button", name="Hand back").click()
    expect(page.get_by_role("button", name="Take over")).to_be_visible()

    assert Lead.objects.filter(pk=lead.pk, taken_over_at__isnull=True).exists()
    assert complaints == []


def test_keeps_what_is_being_written_until_it_is_sent(open_page: OpenPage) -> None:
    lead = make_ada()
    say(lead, "user", "Hi", status="received")
    page, complaints = open_page()
    open_lead(page)
    page.get_by_label("Your message").fill("Sam here, human.")

    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_text("You have the conversation.")).to_be_visible()
    expect(page.get_by_label("Your message")).to_have_value("Sam here, human.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".timeline-message-operator")).to_contain_text("Sam here, human.")

    expect(page.get_by_label("Your message")).to_have_value("")
    page.goto(f"/admin/northlight/leads/{lead.pk}")
    expect(page.get_by_label("Your message")).to_have_value("")
    assert complaints == []


def test_chooses_all_on_the_page(open_page: OpenPage) -> None:
    lead = make_ada()
    make_lead(lead.workspace, name="Grace Hopper")
    page, complaints = open_page()
    enter_as(page, "maya")
    page.goto("/admin/northlight/leads")

    page.get_by_label("All on this page").check()
    page.get_by_label("Choose Ada Lovelace").uncheck()
    page.get_by_label("Choose Ada Lovelace").check()
    expect(page.get_by_label("All on this page")).to_be_checked()
    page.get_by_label("Status for the chosen leads").select_option("booked")
    page.get_by_role("button", name="Apply").click()

    expect(page.get_by_text("2 leads changed.")).to_be_visible()
    assert complaints == []


def test_finds_by_name_and_keeps_the_filter_in_the_address(open_page: OpenPage) -> None:
    lead = make_ada()
    make_lead(lead.workspace, name="Grace Hopper")
    page, _complaints = open_page(java_script_enabled=False)
    enter_as(page, "maya")
    page.goto("/admin/northlight/leads")

    page.get_by_label("Search").fill("hopper")
    page.get_by_role("button", name="Show").click()

    expect(page).to_have_url(re.compile(r"\?q=hopper"))
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    expect(page.get_by_role("link", name="Ada Lovelace")).to_have_count(0)


def test_stops_contact_and_says_why_nobody_can_be_written_to(open_page: OpenPage) -> None:
    lead = make_ada()
    say(lead, "user", "Hi", status="received")
    page, _complaints = open_page()
    open_lead(page)

    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Never contact this phone").click()

    expect(page.get_by_text("This person said stop. Nothing can be sent.")).to_be_visible()
    expect(page.get_by_label("Your message")).to_be_hidden()
    assert Suppression.objects.get().phone == lead.phone


def make_call_of(lead: Lead) -> None:
    now = timezone.now()
    dispatch = make_dispatch(lead, status="done", finished_at=now)
    times = {"created_at": now, "updated_at": now, "started_at": now, "ended_at": now}
    words = {"summary": "Wants to lead.", "transcript": "AI: Hi", "ended_reason": "customer-ended-call"}
    CallSession.objects.create(
        lead=lead, dispatch=dispatch, vapi_call_id="x", status="ended", has_recording=True, **times, **words
    )


def make_history(channel: str) -> Lead:
    now = timezone.now()
    lead = make_ada(
        channel,
        status="in_conversation",
        source="form",
        goal="Into management",
        metadata={"referrer": "https://example.com/" + "a-long-path/" * 9},
        profile={"budget": "£540", "schedulePref": "Evenings"},
    )
    Consent.objects.create(lead=lead, text="Call me.", version=1, text_sha256="0" * 64, given_at=now, ip="192.0.2.7")
    LeadEvent.objects.create(lead=lead, kind="note", data={"text": "Very keen."}, at=now)
    if channel == "whatsapp":
        say(lead, "assistant", "Hi Ada, this is Maya.")
        say(lead, "user", "Hi!", status="received", minutes_ago=4)
        say(lead, "operator", "Sam here.", status="failed", minutes_ago=3)
    else:
        make_call_of(lead)
    return lead


@pytest.mark.parametrize("channel", ["voice", "whatsapp"])
def test_breaks_no_rule_of_accessibility_or_csp(open_page: OpenPage, channel: str) -> None:
    lead = make_history(channel)
    make_lead(lead.workspace, name="Katherine " + "von und zu " * 6, is_test=True)
    Suppression.objects.create(
        workspace=lead.workspace,
        phone_digest="1" * 64,
        phone="+447700900123",
        reason="stop",
        created_at=lead.created_at,
    )
    page, complaints = open_page()
    enter_as(page, "maya")
    found: list[str] = []

    for path in (
        "leads",
        f"leads/{lead.pk}",
        f"leads/{lead.pk}/delete",
        "settings/opt-outs",
        "settings/agent",
        "settings/alerts",
    ):
        page.goto(f"/admin/northlight/{path}")
        for part in page.locator("main details:not(.menu) > summary").all():
            part.click()
        found += faults(page, complaints)
        # An open menu lies over what is below it, which is no fault of that: looked at by itself.
        for menu in page.locator("main details.menu > summary").all():
            menu.click()
            found += faults(page, complaints, within="main .menu")

    assert found == []
