"""What was kept back from the form, in a browser."""

from collections.abc import Callable, Iterator

import pytest
import responses
from playwright.sync_api import Page, expect

from conftest import make_lead, make_member, make_workspace
from leadforms.models import FormVersion, HeldSubmission
from leadforms.tests.factories import document, make_held, make_published, question
from leads.models import Consent, Dispatch, Lead
from tests.browser.conftest import enter_as, faults
from voice.models import CallSession
from webapi.tests.backend import calls_to_vapi, vapi_takes

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]
PASSWORD = "correct-horse-battery"
HELD = "/admin/northlight/form/held"
COLOUR = question("single_choice", "What would you like to change?", id="q_colour", options=["Work", "Sleep"])


@pytest.fixture
def version() -> FormVersion:
    workspace = make_workspace(name="Northlight Coaching", slug="northlight", timezone="Europe/London")
    make_member(workspace, username="maya", password=PASSWORD)
    return make_published(workspace, document(COLOUR))


@pytest.fixture
def _vapi() -> Iterator[None]:
    with responses.mock:
        vapi_takes("call-1")
        yield


@pytest.mark.usefixtures("_vapi")
@pytest.mark.parametrize("scripts", [True, False])
def test_releases_in_one_click_and_the_phone_rings(open_page: OpenPage, version: FormVersion, scripts: bool) -> None:
    waiting = make_held(version, name="Jane Doe", reason="too_fast", form_responses={"q_colour": "Sleep"})
    page, complaints = open_page(java_script_enabled=scripts)
    enter_as(page, "maya")
    page.goto("/")

    page.get_by_role("link", name="Held back 1 waiting").click()
    page.get_by_text("What was sent").click()
    expect(page.get_by_role("listitem").filter(has_text="Jane Doe")).to_contain_text("What would you like to change?")
    page.get_by_role("button", name="Release Jane Doe").click()

    expect(page.get_by_role("status").first).to_contain_text("Jane Doe is a lead now, and the call was started.")
    expect(page.get_by_role("heading", name="Nothing is waiting")).to_be_visible()
    lead = Lead.objects.get()
    assert (lead.phone, lead.form_responses) == (waiting.phone, {"q_colour": "Sleep"})
    assert Consent.objects.get().lead == lead
    assert Dispatch.objects.get().status == "done"
    assert CallSession.objects.get().vapi_call_id == "call-1"
    page.get_by_role("link", name="Open the lead").click()
    expect(page.get_by_role("heading", name="Jane Doe")).to_be_visible()
    assert complaints == []


@pytest.mark.usefixtures("_vapi")
def test_a_double_click_releases_once(open_page: OpenPage, version: FormVersion) -> None:
    make_held(version, name="Jane Doe")
    page, _complaints = open_page()
    enter_as(page, "maya")
    page.goto(HELD)

    page.get_by_role("button", name="Release Jane Doe").dblclick()

    expect(page.get_by_role("heading", name="Nothing is waiting")).to_be_visible()
    assert Lead.objects.count() == len(calls_to_vapi()) == 1


def test_discards_by_keyboard_and_enter_in_a_box_does_nothing(open_page: OpenPage, version: FormVersion) -> None:
    make_held(version, name="Jane Doe")
    page, _complaints = open_page()
    enter_as(page, "maya")
    page.goto(HELD)

    box = page.get_by_role("checkbox", name="Choose Jane Doe")
    box.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(box).to_be_checked()
    assert HeldSubmission.objects.waiting().count() == 1
    page.get_by_role("button", name="Discard chosen").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("1 discarded.")
    page.get_by_role("link", name="Discarded").click()
    page.get_by_role("button", name="Put back Jane Doe").click()
    expect(page.get_by_role("status").first).to_contain_text("1 waits again.")
    assert HeldSubmission.objects.waiting().count() == 1


def test_breaks_no_rule_of_accessibility_or_csp(open_page: OpenPage, version: FormVersion) -> None:
    long = "a" * 90
    for n, reason in enumerate(HeldSubmission.Reason):
        make_held(version, name=f"Person {n}", reason=reason, form_responses={"q_colour": "Work"}, goal=long)
    known = make_lead(version.form.workspace, phone=make_held(version, name=long, metadata={long: long}).phone)
    page, complaints = open_page()
    enter_as(page, "maya")
    found: list[str] = []

    for rest in ("", "?chosen=all", "?state=released", "?state=discarded"):
        page.goto(HELD + rest)
        for summary in page.get_by_text("What was sent").all():
            summary.click()
        found += faults(page, complaints)
    page.goto(HELD)
    page.get_by_role("button", name=f"Release {long}").click()
    expect(page.get_by_role("status").first).to_contain_text("is a lead already")
    found += faults(page, complaints)
    page.goto(HELD)
    page.get_by_role("button", name="Discard Person 1").click()
    page.goto(f"{HELD}?state=discarded")
    found += faults(page, complaints)
    page.goto(HELD)
    page.get_by_label("Contacts a day").fill("-1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("greater than or equal to 0").first).to_be_visible()
    found += faults(page, complaints)

    assert found == []
    assert Lead.objects.get() == known
