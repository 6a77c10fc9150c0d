"""The design page, in a browser: colours refused and offered, a preview that follows, nothing lost in silence."""

import json
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FrameLocator, Page, expect

from conftest import make_member, make_workspace
from leadforms.design import read_design
from leadforms.models import LeadForm, Logo
from leadforms.tests.factories import document, make_published, question
from tests.browser.conftest import enter_as, faults, overflows

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]
PASSWORD = "correct-horse-battery"
CASES = json.loads((Path(__file__).parents[2] / "leadforms/tests/colors.json").read_text())


def make_owner(**overrides: Any) -> Any:
    workspace = make_workspace(name="Northlight Coaching", slug="northlight")
    make_member(workspace, username="maya", password=PASSWORD)
    make_published(workspace, document(question(label="What brings you here?")), **overrides)
    return workspace


def open_design(open_page: OpenPage, **options: Any) -> tuple[Page, list[str]]:
    page, complaints = open_page(**options)
    enter_as(page, "maya")
    page.goto("/admin/northlight/design")
    return page, complaints


def preview(page: Page) -> FrameLocator:
    """Return the preview's frame; while a new one loads there are two."""
    return page.frame_locator("iframe[data-frame]:not(.is-loading)")


def readout(page: Page, name: str) -> Any:
    return page.locator(".readout").filter(has_text=name)


def color(page: Page, name: str) -> Any:
    return page.get_by_role("textbox", name=name, exact=True).first


def saved() -> Any:
    return read_design(LeadForm.objects.get().design)


def test_tells_of_a_pale_colour_offers_a_better_one_and_saves_that(open_page: OpenPage) -> None:
    make_owner()
    page, complaints = open_design(open_page)
    pair = readout(page, "Text on the card")

    expect(pair).to_contain_text("16.6:1")
    expect(pair).to_contain_text("readable")
    color(page, "Text").fill("#b9c0bd")
    expect(pair).to_contain_text("1.8:1")
    expect(pair).to_contain_text("hard to read")
    expect(page.locator("[data-status]")).to_contain_text("is hard to read")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("On the card its contrast is 1.8:1")
    assert LeadForm.objects.get().design == {}

    offer = readout(page, "Text on the card").get_by_role("button", name="for the text")
    expect(offer).to_have_text("Use #6d7370 for the text")
    offer.click()
    expect(color(page, "Text")).to_have_value("#6d7370")
    expect(color(page, "Text")).to_be_focused()
    expect(page.locator("[data-verdict]", has_text="readable")).to_have_count(3)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    assert saved().colors.text == "#6d7370"
    assert complaints == []


def test_does_it_without_scripts_too(open_page: OpenPage) -> None:
    make_owner()
    page, _complaints = open_design(open_page, java_script_enabled=False)

    page.get_by_label("Heading", exact=False).first.fill("Talk to a coach")
    color(page, "Button").fill("#f5c518")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Its contrast is 1.6:1")
    page.get_by_role("button", name=re.compile("Use #[0-9a-f]{6} for the button")).click()

    expect(page.get_by_text("Saved. Visitors see it from now on.")).to_be_visible()
    expect(preview(page).get_by_role("heading", name="Talk to a coach")).to_be_visible()
    assert saved().heading == "Talk to a coach"


def test_the_preview_follows_what_is_chosen(open_page: OpenPage) -> None:
    make_owner()
    page, complaints = open_design(open_page)
    frame, shown = page.locator("[data-frame]:not(.is-loading)"), preview(page).locator("html")

    page.get_by_label("Heading", exact=False).first.fill("Talk to a coach")
    expect(preview(page).get_by_role("heading", name="Talk to a coach")).to_be_visible()
    page.locator("[data-picker=id_button]").fill("#7a1f5c")
    expect(color(page, "Button")).to_have_value("#7a1f5c")
    expect(frame).to_have_attribute("srcdoc", re.compile("7a1f5c"))
    expect(shown).to_have_css("--form-accent", "#7a1f5c")
    page.get_by_role("button", name="Dark").click()
    expect(frame).to_have_attribute("srcdoc", re.compile("time=night"))
    expect(shown).to_have_css("color-scheme", "dark")
    page.get_by_role("button", name="Thank-you").click()
    expect(preview(page).get_by_role("heading", name="Thank you")).to_be_visible()
    phone = frame.evaluate("frame => frame.clientWidth")
    page.get_by_role("button", name="Desktop").click()
    assert phone < 420
    assert frame.evaluate("frame => frame.clientWidth") == 1024
    assert not overflows(page)
    # As on a desk at 400 %.
    page.set_viewport_size({"width": 320, "height": 800})
    assert not overflows(page)
    assert LeadForm.objects.get().design == {}
    assert complaints == []


def test_a_logo_is_uploaded_beside_what_is_not_saved_yet(open_page: OpenPage) -> None:
    make_owner()
    page, complaints = open_design(open_page)
    picture = BytesIO()
    Image.new("RGB", (600, 200), "#0f6b54").save(picture, "PNG")
    page.get_by_label("Heading", exact=False).first.fill("Not saved yet")

    page.get_by_label("Picture").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    expect(page.get_by_alt_text("The present logo")).to_be_visible()
    expect(page.get_by_label("Show the logo")).to_be_visible()
    expect(preview(page).get_by_alt_text("Northlight Coaching")).to_be_visible()
    expect(page.get_by_label("Heading", exact=False).first).to_have_value("Not saved yet")
    page.get_by_label("Another picture").set_input_files(
        {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}
    )
    expect(page.locator("#id_logo_error")).to_contain_text("This is no PNG, JPEG or WebP picture")
    assert Logo.objects.count() == 1
    page.get_by_role("button", name="Delete the logo").click()
    expect(page.get_by_alt_text("The present logo")).to_have_count(0)
    expect(page.get_by_label("Show the logo")).to_be_hidden()
    assert not Logo.objects.exists()
    assert complaints == []

    page.context.clear_cookies(name="sessionid")
    page.get_by_label("Picture").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    expect(page.locator("#id_logo_error")).to_contain_text("you are signed out")
    enter_as(page, "maya")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_alt_text("The present logo")).to_be_visible()


def test_asks_before_what_is_not_saved_is_lost(open_page: OpenPage) -> None:
    make_owner()
    page, _complaints = open_design(open_page)
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_label("Introduction", exact=False).fill("Two minutes.")
    expect(page.get_by_text("Not saved yet", exact=True)).to_be_visible()
    with page.expect_event("dialog"):
        page.get_by_role("link", name="API keys").click()
    assert asked == ["beforeunload"]
    expect(page).to_have_url(re.compile("/design$"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. Visitors see it from now on.")).to_be_visible()
    page.get_by_role("link", name="API keys").click()
    expect(page).to_have_url(re.compile("/api-keys$"))
    assert asked == ["beforeunload"]


def test_copies_what_embeds_the_form(open_page: OpenPage) -> None:
    make_owner()
    page, complaints = open_design(open_page)

    copied = {}
    for source in ("form-address", "script-snippet", "iframe-snippet"):
        page.locator(f"[data-copy={source}]").click()
        expect(page.locator(f"[data-copy={source}]")).to_have_text("Copied")
        copied[source] = page.evaluate("navigator.clipboard.readText()")

    assert copied["form-address"].endswith("/forms/northlight")
    assert re.fullmatch(
        r'<script async src="http\S+/forms/embed\.js" data-form="northlight"></script>', copied["script-snippet"]
    )
    assert copied["iframe-snippet"].startswith("<iframe ")
    assert complaints == []


def test_the_browser_and_the_server_agree_on_contrast(open_page: OpenPage) -> None:
    make_owner()
    page, _complaints = open_design(open_page)

    ratios, nearest = page.evaluate(
        """async ({ contrast, nearest }) => {
            const colors = await import("/static/js/design/colors.js");
            return [
                contrast.map(({ one, other }) => colors.contrast(one, other)),
                nearest.map(({ color, grounds }) => colors.nearestPassing(color, grounds)),
            ];
        }""",
        CASES,
    )

    assert ratios == pytest.approx([case["ratio"] for case in CASES["contrast"]], abs=0.0001)
    assert nearest == [case["nearest"] for case in CASES["nearest"]]


def test_breaks_no_rule_of_accessibility_or_csp(open_page: OpenPage) -> None:
    make_owner()
    page, complaints = open_design(open_page)
    found: list[str] = []

    def inspect() -> None:
        expect(page.locator("[data-frame].is-loading")).to_have_count(0)
        found.extend(faults(page, complaints))

    expect(preview(page).get_by_role("heading").first).to_be_visible()
    inspect()
    color(page, "Text").fill("#b9c0bd")
    color(page, "Button").fill("#f5c518")
    expect(page.locator("[data-verdict]", has_text="hard to read")).to_have_count(3)
    inspect()
    page.get_by_label("Sites that may show the form").fill("example.com")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    inspect()
    page.goto("/admin/northlight/design/preview?show=thanks")
    inspect()

    assert found == []


@pytest.mark.parametrize("trouble", ["signed out", "offline"])
def test_keeps_what_was_typed_while_nobody_can_save_it(open_page: OpenPage, trouble: str) -> None:
    make_owner()
    page, _complaints = open_design(open_page)
    heading, note = page.get_by_label("Heading", exact=False).first, page.locator("[data-save-trouble]")
    address = page.url
    heading.fill("Talk to a coach")

    if trouble == "offline":
        page.context.set_offline(True)
    else:
        page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save").click()
    expect(note).to_contain_text("you are signed out" if trouble == "signed out" else "can’t be reached")
    expect(heading).to_have_value("Talk to a coach")
    assert page.url == address
    # Signing in changes the token that the page was opened with.
    if trouble == "offline":
        page.context.set_offline(False)
        expect(note.get_by_role("link")).to_have_count(0)
    else:
        with page.expect_popup() as opened:
            note.get_by_role("link", name="Sign in").click()
        opened.value.get_by_label("Username").fill("maya")
        opened.value.get_by_label("Password").fill(PASSWORD)
        opened.value.get_by_role("button", name="Log in").click()
        opened.value.wait_for_url(lambda url: "/login/" not in url)
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Saved. Visitors see it from now on.")).to_be_visible()
    assert saved().heading == "Talk to a coach"


def test_shows_no_login_page_in_the_preview(open_page: OpenPage) -> None:
    make_owner()
    page, _complaints = open_design(open_page)
    expect(preview(page).get_by_text("What brings you here?").first).to_be_visible()
    page.context.clear_cookies(name="sessionid")

    with page.expect_response(re.compile("/login/")):
        page.get_by_label("Heading", exact=False).first.fill("Talk to a coach")

    expect(page.locator("[data-frame].is-loading")).to_have_count(0)
    expect(preview(page).get_by_label("Password")).to_have_count(0)
