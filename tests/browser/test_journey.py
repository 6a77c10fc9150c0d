"""From an empty builder to a ringing phone: a form is written and published, a visitor fills it in, Vapi calls."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import requests
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from conftest import make_member, make_workspace
from leads import sweep
from leads.models import Dispatch, Lead
from tests.browser.builder import ADDRESS, PASSWORD, has_saved
from tests.browser.conftest import sign_in
from voice.models import CallSession

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]
# What one after the other Tab leads to; more of it than a page has.
STOPS = 80


@pytest.fixture
def simulator(settings: Settings) -> Iterator[str]:
    """Start the simulators and take their Vapi for ours."""
    command = [sys.executable, "-m", "simulators", "--port", "0", "--latency", "0", "--event-delay", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        settings.VAPI_BASE_URL = f"{address}/vapi"
        settings.FORM_MIN_SECONDS = 0
        try:
            yield address
        finally:
            process.terminate()
            process.wait(timeout=10)


def tab_to(page: Page, name: str, *, within: str = "body") -> None:
    """Press Tab until what is focused has this name."""
    place = page.locator(f"{within}:visible")
    target = place.get_by_role("button", name=name).or_(place.get_by_label(name)).first
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab never leads to {name}")


def publish_by_mouse(page: Page) -> None:
    page.get_by_role("button", name="Add question to Step 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes or no").click()
    page.get_by_label("Question", exact=True).fill("Have you had a coach?")
    has_saved(page)
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()


def publish_by_keyboard(page: Page) -> None:
    tab_to(page, "Add question to Step 1")
    page.keyboard.press("Enter")
    tab_to(page, "Yes or no")
    page.keyboard.press("Enter")
    page.keyboard.type("Have you had a coach?")
    has_saved(page)
    tab_to(page, "Publish")
    page.keyboard.press("Enter")
    tab_to(page, "Publish", within="dialog")
    page.keyboard.press("Enter")


def fill_in_by_thumb(page: Page) -> None:
    page.get_by_text("Within a month").tap()
    page.get_by_text("Yes", exact=True).tap()
    following = page.get_by_role("button", name="Next")
    if following.count():
        following.tap()
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("Phone number").fill("07123 456789")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Send").tap()


def fill_in_by_keyboard(page: Page) -> None:
    for key in ("Tab", "Space", "ArrowDown", "Tab", "Space", "Enter"):
        page.keyboard.press(key)
    tab_to(page, "Your name")
    page.keyboard.type("Ada Byron")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("07123 456789")
    tab_to(page, "I agree that Northlight Coaching calls me")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")


@pytest.mark.parametrize("way", ["scripts", "no scripts", "keyboard alone"])
def test_what_was_published_is_filled_in_on_a_phone_and_rings(open_page: OpenPage, simulator: str, way: str) -> None:
    workspace = make_workspace(slug="northlight", name="Northlight Coaching", default_region="GB")
    make_member(workspace, username="maya", password=PASSWORD, is_staff=False)
    by_keyboard = way == "keyboard alone"
    desk, complaints = open_page()
    sign_in(desk, "maya", PASSWORD)
    desk.goto(ADDRESS)
    (publish_by_keyboard if by_keyboard else publish_by_mouse)(desk)
    expect(desk.get_by_text("Visitors see it from now on")).to_be_visible()
    address = desk.locator("#published-address").inner_text()

    phone, phone_complaints = open_page(
        width=390, has_touch=True, is_mobile=True, locale="en-GB", java_script_enabled=way != "no scripts"
    )
    phone.goto(address)
    (fill_in_by_keyboard if by_keyboard else fill_in_by_thumb)(phone)
    expect(phone.get_by_role("heading", name="Thank you")).to_be_visible()
    for job in sweep.claim_jobs(by="worker", now=timezone.now(), limit=10):
        job()

    lead = Lead.objects.get()
    assert (lead.phone, lead.source, lead.consent.version) == ("+447123456789", "form", 1)
    assert sorted(lead.form_responses.values()) == ["Within a month", "yes"]
    assert Dispatch.objects.get().status == "done"
    call = requests.get(f"{simulator}/_sim/calls", params={"number": lead.phone}, timeout=5).json()
    assert call["total"] == 1
    assert CallSession.objects.get().lead == lead
    assert complaints + phone_complaints == []
