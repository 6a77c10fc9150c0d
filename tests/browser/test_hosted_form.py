"""The hosted form in a real browser: on a phone, with and without scripts, by mouse and by keyboard alone."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings

from leadforms.models import LeadForm
from leadforms.tests.factories import make_published, question, step, when
from leads.models import Dispatch, Lead
from tests.browser.hosted import COACH, CONTENT, fill_contact, make_northlight, next_step
from workspaces.models import Workspace

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]


@pytest.fixture(autouse=True)
def workspace(settings: Settings) -> Workspace:
    return make_northlight(settings)


def test_a_phone_fills_it_in_step_by_step(open_page: OpenPage) -> None:
    page, complaints = open_page(width=390, has_touch=True, is_mobile=True, locale="en-GB")
    others: list[str] = []
    page.on("request", lambda request: others.append(request.url))
    page.goto("/forms/northlight?utm_source=ad&gclid=77&plan=Gold", referer="https://search.example/")

    expect(page.get_by_text("Step 1 of 3")).to_be_visible()
    expect(page.get_by_role("heading", name="A bit more")).to_be_hidden()
    expect(page.get_by_role("button", name="Back")).to_be_hidden()
    page.get_by_text("This year").tap()
    expect(page.get_by_label("What was it like?")).to_be_hidden()
    page.get_by_role("radiogroup", name="Have you worked with a coach").get_by_text("Yes").tap()
    page.get_by_label("What was it like?").fill("Good")
    next_step(page)
    expect(page.get_by_role("heading", name="A bit more")).to_be_focused()
    expect(page).to_have_title("Let us talk about your work")
    expect(page.get_by_text("meetings in person")).to_be_hidden()
    page.get_by_label("What may it cost").fill("1,200")
    page.get_by_role("radiogroup", name="meetings in person").get_by_text("No").tap()
    page.get_by_label("7", exact=True).tap()
    page.get_by_text("Career").tap()
    page.get_by_text("Balance").tap()
    page.get_by_label("From which day on?").fill("2026-12-01")
    next_step(page)
    expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    expect(page.get_by_label("Country")).to_have_value("GB")
    fill_contact(page)
    page.get_by_role("button", name="Send").tap()

    expect(page).to_have_url(re.compile("/forms/northlight/thanks$"))
    expect(page.get_by_role("heading", name="Thank you")).to_be_focused()
    lead = Lead.objects.get()
    assert (lead.name, lead.phone, lead.email, lead.source) == ("Ada Byron", "+447123456789", "ada@example.com", "form")
    assert lead.form_responses == {
        **{"q_start0": "This year", "q_coach0": "yes", "q_which0": "Good", "q_plan00": "Gold", "q_budget": "1200"},
        **{"q_premi0": "no", "q_rating": "7", "q_topic0": "Career; Balance", "q_day000": "2026-12-01"},
    }
    assert lead.metadata is not None
    assert {"utm_source": "ad", "gclid": "77", "referrer": "https://search.example/"}.items() <= lead.metadata.items()
    assert lead.consent.text == CONTENT["consent"]
    assert lead.consent.page_url.endswith("/forms/northlight")
    assert lead.consent.ip == "127.0.0.1"
    assert Dispatch.objects.get().status == "pending"
    assert page.evaluate("sessionStorage.length") == 0
    assert complaints == []
    assert {url.split("/")[2] for url in others if not url.startswith("data:")} == {page.url.split("/")[2]}


def test_a_phone_fills_it_in_without_scripts(open_page: OpenPage) -> None:
    page, _complaints = open_page(width=390, java_script_enabled=False)
    page.goto("/forms/northlight?utm_source=ad&plan=Gold")

    assert not overflows_without_scripts(page)
    expect(page.get_by_text("If it applies to you")).to_have_count(2)
    page.get_by_role("radiogroup", name="Have you worked with a coach").get_by_label("Yes").check()
    fill_contact(page)
    page.get_by_role("button", name="Send").click()

    expect(page).to_have_title("Error: Let us talk about your work")
    summary = page.locator("#summary")
    expect(summary.get_by_role("link")).to_have_count(2)
    expect(page.get_by_label("Your name")).to_have_value("Ada Byron")
    expect(page.get_by_role("radiogroup", name="Have you worked with a coach").get_by_label("Yes")).to_be_checked()
    summary.get_by_role("link", name="What was it like?").click()
    expect(page).to_have_url(re.compile("#q_which0$"))
    page.get_by_label("What was it like?").fill("Good")
    page.get_by_label("Now").check()
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    lead = Lead.objects.get()
    assert lead.form_responses == {"q_start0": "Now", "q_coach0": "yes", "q_which0": "Good", "q_plan00": "Gold"}
    assert lead.metadata is not None
    assert lead.metadata["utm_source"] == "ad"


def overflows_without_scripts(page: Page) -> bool:
    """Say whether anything stands out to the right of a page that can't be asked."""
    boxes = [each.bounding_box() for each in page.locator("main, .question, .phone, input:visible, button").all()]
    return any(box and box["x"] + box["width"] > 390 for box in boxes)


def test_a_keyboard_alone_fills_it_in(open_page: OpenPage) -> None:
    page, complaints = open_page()
    page.goto("/forms/northlight")
    press, type_ = page.keyboard.press, page.keyboard.type

    press("Tab")
    press("Space")
    press("ArrowDown")
    expect(page.get_by_label("This year")).to_be_checked()
    press("Enter")
    expect(page.get_by_role("heading", name="A bit more")).to_be_focused()
    press("Tab")
    type_("300")
    press("Enter")
    expect(page.get_by_role("heading", name="Your contact details")).to_be_focused()
    press("Tab")
    type_("Ada Byron")
    press("Tab")
    expect(page.get_by_label("Country")).to_be_focused()
    type_("Austria")
    press("Tab")
    type_("0664 1234567")
    press("Tab")
    type_("ada@example.com")
    press("Tab")
    type_("A new job")
    press("Enter")
    type_("soon")
    press("Tab")
    press("Space")
    press("Tab")
    press("Tab")
    press("Tab")
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    press("Enter")

    expect(page.get_by_role("heading", name="Thank you")).to_be_focused()
    lead = Lead.objects.get()
    assert (lead.phone, lead.goal) == ("+436641234567", "A new job\nsoon")
    assert lead.form_responses == {"q_start0": "This year", "q_budget": "300"}
    assert complaints == []


def test_problems_take_the_focus_and_go_when_they_are_mended(open_page: OpenPage) -> None:
    page, complaints = open_page(width=390)
    page.goto("/forms/northlight")

    page.get_by_role("radiogroup", name="Have you worked with a coach").get_by_text("Yes").click()
    next_step(page)

    summary = page.locator("#summary")
    expect(summary).to_be_focused()
    expect(page).to_have_title("Error: Let us talk about your work")
    expect(summary.get_by_role("link")).to_have_text(
        [
            "When would you like to start? Please choose one of the options.",
            "What was it like? Please answer this question.",
        ]
    )
    field = page.get_by_label("What was it like?")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Please answer this question.")
    summary.get_by_role("link", name="What was it like?").click()
    expect(field).to_be_focused()
    field.fill("Good")
    expect(page.locator("#q_which0-error")).to_have_count(0)
    expect(field).not_to_have_attribute("aria-invalid", "true")
    summary.get_by_role("link", name="When would you like").click()
    expect(page.get_by_label("Now")).to_be_focused()
    page.get_by_text("Now").click()
    next_step(page)

    expect(summary).to_be_hidden()
    expect(page.get_by_role("heading", name="A bit more")).to_be_focused()
    page.get_by_label("What may it cost").fill("a lot")
    for topic in ("Career", "Leadership", "Balance"):
        page.get_by_text(topic).click()
    next_step(page)
    expect(summary.get_by_role("link")).to_have_text(
        [
            "What may it cost a month? Please enter a number, in digits.",
            "What is it about? Please choose at most 2 options.",
        ]
    )
    assert complaints == []


def test_what_the_server_alone_finds_is_shown_in_its_step(open_page: OpenPage) -> None:
    page, complaints = open_page(width=390)
    page.goto("/forms/northlight")
    page.get_by_text("Now").click()
    next_step(page)
    page.get_by_label("What may it cost").fill("12")
    next_step(page)
    fill_contact(page)
    # So short a number is known for no phone to those only who know all countries' numbers.
    page.get_by_label("Phone number").fill("071234")
    page.get_by_role("button", name="Send").click()

    expect(page.locator("#summary")).to_be_focused()
    expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    page.locator("#summary").get_by_role("link").click()
    expect(page.get_by_label("Phone number")).to_be_focused()
    page.get_by_label("Phone number").fill("07123456789")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Lead.objects.get().form_responses == {"q_start0": "Now", "q_budget": "12"}
    assert complaints == []


def test_back_keeps_the_answers(open_page: OpenPage) -> None:
    page, complaints = open_page()
    page.goto("/forms/northlight")
    page.get_by_text("Now").click()
    next_step(page)
    page.get_by_label("What may it cost").fill("300")
    next_step(page)
    page.get_by_label("Your name").fill("Ada")

    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("heading", name="A bit more")).to_be_focused()
    expect(page.get_by_label("What may it cost")).to_have_value("300")
    page.go_back()
    expect(page.get_by_text("Step 1 of 3")).to_be_visible()
    expect(page.get_by_label("Now")).to_be_checked()
    page.go_forward()
    expect(page.get_by_text("Step 2 of 3")).to_be_visible()
    next_step(page)
    expect(page.get_by_label("Your name")).to_have_value("Ada")
    assert complaints == []


def test_a_step_without_shown_questions_is_passed_over(open_page: OpenPage, workspace: Workspace) -> None:
    more = question(
        "long_text", id="q_more00", label="Tell us more", required=True, showIf=when(COACH, "equals", "yes")
    )
    LeadForm.objects.all().delete()
    make_published(workspace, {"steps": [step(COACH), step(more)], "consent": "I agree."})
    page, _complaints = open_page()
    page.goto("/forms/northlight")

    expect(page.get_by_text("Step 1 of 2").last).to_be_visible()
    page.get_by_label("Yes").check()
    expect(page.get_by_text("Step 1 of 3").last).to_be_visible()
    page.get_by_label("No", exact=True).check()
    next_step(page)
    expect(page.get_by_role("heading", name="Your contact details")).to_be_focused()
    page.get_by_role("button", name="Back").click()
    page.get_by_label("Yes").check()
    next_step(page)
    expect(page.get_by_label("Tell us more")).to_be_visible()


def test_what_was_typed_survives_a_reload_but_not_the_consent(open_page: OpenPage) -> None:
    page, complaints = open_page()
    page.goto("/forms/northlight")
    page.get_by_text("Now").click()
    next_step(page)
    page.get_by_label("7", exact=True).check()
    next_step(page)
    fill_contact(page)
    page.get_by_label("Country").select_option("AT")

    page.reload()

    expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Ada Byron")
    expect(page.get_by_label("Country")).to_have_value("AT")
    expect(page.get_by_role("checkbox", name="I agree")).not_to_be_checked()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("7", exact=True)).to_be_checked()
    assert complaints == []


def test_a_double_click_makes_one_lead_and_passes_over_no_step(open_page: OpenPage) -> None:
    page, complaints = open_page()
    page.goto("/forms/northlight")
    page.get_by_text("Now").click()
    page.get_by_role("button", name="Next").dblclick()
    expect(page.get_by_text("Step 2 of 3")).to_be_visible()
    next_step(page)
    fill_contact(page)

    page.get_by_role("button", name="Send").dblclick()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name=re.compile("Send|Next"))).not_to_have_attribute("aria-disabled", "true")
    assert Lead.objects.count() == 1
    assert complaints == []


def test_what_gets_no_answer_can_be_sent_once_more(open_page: OpenPage) -> None:
    page, _complaints = open_page()
    page.clock.install()
    page.goto("/forms/northlight")
    page.get_by_text("Now").click()
    next_step(page)
    next_step(page)
    fill_contact(page)
    page.evaluate("addEventListener('submit', (event) => event.preventDefault(), { once: true })")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Sending…")).to_be_visible()

    page.clock.fast_forward(15_000)
    page.get_by_role("button", name="Send", exact=True).click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Lead.objects.count() == 1


@pytest.mark.postgres
def test_two_clicks_without_scripts_make_one_lead(open_page: OpenPage) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("requests at once share no database in memory")
    page, _complaints = open_page(java_script_enabled=False)
    page.goto("/forms/northlight")
    page.get_by_label("Now").check()
    fill_contact(page)

    page.get_by_role("button", name="Send").dblclick()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert Lead.objects.count() == 1


def test_where_the_script_never_comes_the_whole_form_does(open_page: OpenPage) -> None:
    page, _complaints = open_page()
    page.route("**/form.js", lambda route: route.abort())
    page.goto("/forms/northlight")

    page.get_by_label("Now").check()
    expect(page.get_by_label("Your name")).to_be_visible(timeout=8_000)
    fill_contact(page)
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_a_script_that_comes_late_disturbs_nobody(open_page: OpenPage) -> None:
    page, complaints = open_page()
    page.goto("/forms/northlight")
    page.get_by_label("Now").check()
    held: list[Route] = []
    page.goto("about:blank")
    page.route("**/form.js", lambda route: held.append(route))
    page.goto("/forms/northlight", wait_until="commit")
    page.get_by_label("This year").check()
    page.evaluate("for (const each of document.getAnimations()) each.finish()")
    page.get_by_label("Your name").fill("Ada Byron")

    held[0].continue_()

    expect(page.get_by_text("Step 3 of 3")).to_be_visible()
    expect(page.get_by_label("Your name")).to_be_focused()
    expect(page.get_by_label("Your name")).to_have_value("Ada Byron")
    expect(page.get_by_label("This year")).to_be_checked()
    assert complaints == []


def test_one_page_shows_all_steps_and_applies_conditions(open_page: OpenPage) -> None:
    LeadForm.objects.update(design={"stepMode": "onePage", "buttonText": "Call me"})
    page, complaints = open_page()
    page.goto("/forms/northlight")

    expect(page.get_by_text("Step 1 of 3")).to_be_hidden()
    expect(page.get_by_label("What was it like?")).to_be_hidden()
    page.get_by_role("button", name="Call me").click()
    expect(page.locator("#summary").get_by_role("link")).to_have_count(4)
    page.get_by_label("Now").check()
    fill_contact(page)
    page.get_by_role("button", name="Call me").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert complaints == []


def test_the_script_decides_as_the_server_does(open_page: OpenPage) -> None:
    path = Path(__file__).parent.parent.parent / "leadforms" / "tests" / "logic_cases.json"
    cases = json.loads(path.read_text("utf-8"))
    page, _complaints = open_page()
    page.goto("/forms/northlight")

    decided = page.evaluate(
        """async ({conditions, numbers}) => {
          const {shownQuestions, readNumber} = await import("/static/js/form-logic.js");
          const holds = ({is, value, answers}) => {
            const asked = {id: "b", showIf: {match: "all", conditions: [{question: "a", is, value}]}};
            return shownQuestions([{id: "a", showIf: null}, asked], () => answers).has("b");
          };
          return [conditions.map(holds), numbers.map(({typed, point}) => readNumber(typed, point))];
        }""",
        cases,
    )

    assert decided == [[case["holds"] for case in cases["conditions"]], [case["number"] for case in cases["numbers"]]]
