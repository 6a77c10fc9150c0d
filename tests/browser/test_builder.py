"""The Form Builder, in a browser: by mouse, by keyboard alone, and undone."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from leadforms.content import QuestionType
from tests.browser.builder import (
    SIMPLE,
    OpenPage,
    bar,
    card,
    document,
    draft,
    first_name,
    focused,
    has_names,
    has_saved,
    labels,
    make_form,
    open_builder,
    preview,
    question,
    said,
)

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_builds_a_form_by_mouse(open_page: OpenPage) -> None:
    make_form(document([]))
    page, complaints = open_page()
    open_builder(page)

    page.get_by_role("button", name="Add question to Step 1: Part 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Single choice").click()
    page.get_by_label("Question", exact=True).fill("Where do you want to go?")
    page.get_by_label("Option 1", exact=True).fill("Up")
    page.get_by_label("Option 2", exact=True).fill("Elsewhere")
    page.get_by_label("Must be answered").check()
    page.get_by_label("Help text").fill("Roughly.")
    page.get_by_role("button", name="Add step").click()
    page.get_by_label("Title of Step 2").fill("More")
    page.get_by_role("button", name="Add question to Step 2: More").click()
    page.get_by_role("dialog").get_by_role("button", name="Number An amount").click()
    page.get_by_label("Question", exact=True).fill("How many people?")
    page.get_by_text("Example and limits").click()
    page.get_by_label("Smallest number").fill("1")
    page.get_by_label("Whole numbers only").check()
    page.get_by_label("First").check()
    page.get_by_label("Consent").fill("Yes, call me.")
    has_saved(page)

    stored = draft()
    first, second = stored["steps"][0]["questions"][0], stored["steps"][1]["questions"][0]
    assert (first["type"], first["label"], first["options"]) == (
        "single_choice",
        "Where do you want to go?",
        ["Up", "Elsewhere"],
    )
    assert (first["required"], first["help"]) == (True, "Roughly.")
    assert (stored["steps"][1]["title"], second["label"]) == ("More", "How many people?")
    assert second["rules"] == {"min": "1", "whole": True}
    assert (stored["contact"]["position"], stored["consent"]) == ("first", "Yes, call me.")
    assert re.fullmatch(r"q_[a-z0-9]{6}", first["id"])
    assert complaints == []


def test_offers_every_type_of_question(open_page: OpenPage) -> None:
    make_form(document([]))
    page, complaints = open_page()
    open_builder(page)

    for kind in QuestionType:
        page.get_by_role("button", name="Add question to").first.click()
        page.get_by_role("dialog").locator(f"[data-type={kind}]").click()
        page.locator("[data-field=label]").fill(f"A {kind.label}")
    has_saved(page)

    assert [each["type"] for each in draft()["steps"][0]["questions"]] == [kind.value for kind in QuestionType]
    assert complaints == []


def test_builds_and_reorders_by_keyboard_alone(open_page: OpenPage) -> None:
    make_form(document([question(1, label="Budget"), question(2)], [question(3)]))
    page, complaints = open_page()
    open_builder(page)

    page.get_by_role("button", name="Add question to Step 1").focus()
    press(page, "Enter", "ArrowDown", "ArrowDown", "Enter")
    page.keyboard.type("Your work email")
    has_names(page, ["Budget", "Question 2", "Your work email", "Question 3"])

    page.get_by_role("button", name="Move “Budget” down").focus()
    press(page, "Enter")
    expect(said(page)).to_have_text("Question “Budget” moved to position 2 of 3.")
    assert focused(page) == "Move “Budget” down"
    press(page, "Enter", "Enter")
    expect(said(page)).to_have_text("Question “Budget” moved to Step 2, position 1 of 2.")
    assert focused(page) == "Move “Budget” down"
    has_names(page, ["Question 2", "Your work email", "Budget", "Question 3"])
    press(page, "Enter", "Enter")
    expect(said(page)).to_have_text("Question “Budget” is the last already.")
    press(page, "Shift+Tab", "Enter", "Enter")
    expect(said(page)).to_have_text("Question “Budget” moved to Step 1, position 3 of 3.")
    assert focused(page) == "Move “Budget” up"

    page.get_by_role("button", name="Move Step 2: Part 2 up").focus()
    press(page, "Enter")
    expect(said(page)).to_have_text("Step 2: Part 2 moved to position 1 of 2.")
    has_names(page, ["Question 3", "Question 2", "Your work email", "Budget"])
    has_saved(page)
    assert labels(draft()) == [["Question 3"], ["Question 2", "Your work email", "Budget"]]
    assert draft()["steps"][1]["questions"][1]["type"] == "email"
    assert complaints == []


def test_reorders_by_drag_within_a_step_and_across(open_page: OpenPage) -> None:
    make_form(document([question(1), question(2), question(3)], [question(4)], []))
    page, complaints = open_page()
    page.set_viewport_size({"width": 1280, "height": 1500})
    open_builder(page)

    def drag(label: str, onto: Locator) -> None:
        card(page, label).locator("[data-handle]").hover()
        page.mouse.down()
        target = onto.bounding_box()
        assert target
        # What is dragged over makes room, and then lies elsewhere.
        for step in range(12):
            page.mouse.move(target["x"] + 40 + step, target["y"] + target["height"] - 6, steps=6)
            page.wait_for_timeout(60)
        page.mouse.up()

    drag("Question 1", card(page, "Question 3"))
    expect(said(page)).to_have_text("Question “Question 1” moved to position 3 of 3.")
    drag("Question 2", card(page, "Question 4"))
    expect(said(page)).to_contain_text("Question “Question 2” moved to Step 2, position")
    drag("Question 3", page.get_by_text("No question in this step yet.").last)
    expect(said(page)).to_have_text("Question “Question 3” moved to Step 3, position 1 of 1.")
    has_saved(page)

    first, second, third = labels(draft())
    assert (first, third) == (["Question 1"], ["Question 3"])
    assert set(second) == {"Question 2", "Question 4"}
    assert complaints == []


def test_duplicates_a_question_with_an_id_of_its_own(open_page: OpenPage) -> None:
    make_form(document([question(1, "single_choice", options=["a", "b"]), question(2)]))
    page, _complaints = open_page()
    open_builder(page)

    page.get_by_role("button", name="Duplicate “Question 1”").click()
    has_saved(page)

    original, copied, last = draft()["steps"][0]["questions"]
    assert (copied["label"], copied["options"], last["label"]) == ("Question 1 (copy)", ["a", "b"], "Question 2")
    assert copied["id"] != original["id"]


def test_adds_a_question_below_the_one_that_is_open(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, complaints = open_page()
    open_builder(page)

    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_role("button", name="Add question below “Question 1”").click()
    page.get_by_role("dialog").get_by_role("button", name="Date").click()
    page.keyboard.type("From when?")

    has_names(page, ["Question 1", "From when?", "Question 2", "Question 3", "Question 4"])
    expect(said(page)).to_have_text("Date question added at position 2 of 4.")
    assert complaints == []


def test_brings_back_what_was_deleted_by_button_and_by_key(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, complaints = open_page()
    open_builder(page)

    page.get_by_role("button", name="Delete “Question 2”").click()
    has_names(page, ["Question 1", "Question 3", "Question 4"])
    assert "Question 3" in focused(page)
    page.keyboard.press("Control+z")
    has_names(page, ["Question 1", "Question 2", "Question 3", "Question 4"])
    page.keyboard.press("Control+y")
    has_names(page, ["Question 1", "Question 3", "Question 4"])

    # What happens meanwhile stays.
    page.get_by_label("Title of Step 2").fill("Renamed")
    page.locator("[data-toast]").get_by_role("button", name="Undo").click()
    expect(said(page)).to_have_text("“Question 2” is back.")
    has_names(page, ["Question 1", "Question 2", "Question 3", "Question 4"])
    assert page.get_by_label("Title of Step 2").input_value() == "Renamed"

    page.get_by_role("button", name="Delete Step 1: Part 1").click()
    has_names(page, ["Question 4"])
    page.locator("[data-toast]").get_by_role("button", name="Undo").click()
    has_saved(page)
    assert labels(draft()) == [["Question 1", "Question 2", "Question 3"], ["Question 4"]]
    assert complaints == []


def test_undoes_typing_by_the_button_as_one_change(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)

    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_label("Question", exact=True).press("End")
    page.keyboard.type(", please")
    expect(first_name(page)).to_have_text("Question 1, please")
    bar(page).get_by_role("button", name="Undo").click()

    expect(first_name(page)).to_have_text("Question 1")
    assert page.get_by_label("Question", exact=True).input_value() == "Question 1"


def test_writes_options_one_by_one_and_as_a_list(open_page: OpenPage) -> None:
    make_form(document([question(1, "dropdown", options=["a"])]))
    page, complaints = open_page()
    open_builder(page)

    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_label("Option 1", exact=True).focus()
    press(page, "Enter")
    page.keyboard.type("b")
    press(page, "Enter")
    page.evaluate("navigator.clipboard.writeText('c\\n\\n  d \\r\\ne')")
    press(page, "Control+v")
    expect(said(page)).to_have_text("3 options pasted.")
    page.get_by_role("button", name="Move option 5 up").click()
    expect(said(page)).to_have_text("Option “e” moved to position 4 of 5.")
    page.get_by_role("button", name="Delete option 1").click()
    has_saved(page)
    assert draft()["steps"][0]["questions"][0]["options"] == ["b", "c", "e", "d"]

    page.get_by_role("button", name="Paste a list").click()
    page.get_by_label("One option a line").fill("Berlin\nLondon\n\nParis")
    page.get_by_role("button", name="Take these").click()
    has_saved(page)
    assert draft()["steps"][0]["questions"][0]["options"] == ["Berlin", "London", "Paris"]
    assert complaints == []


def test_shows_a_question_only_under_conditions_over_earlier_answers(open_page: OpenPage) -> None:
    make_form(
        document([question(1, "single_choice", options=["Yes please", "Maybe"]), question(2, "number")], [question(3)])
    )
    page, complaints = open_page()
    open_builder(page)

    card(page, "Question 3").locator("[data-toggle]").click()
    page.get_by_text("Show only if…").click()
    page.get_by_role("button", name="Add condition").click()
    first = page.get_by_role("group", name="Condition 1")
    first.get_by_label("Earlier question").select_option(label="Question 1")
    assert first.get_by_label("Earlier question").locator("option").all_inner_texts() == ["Question 1", "Question 2"]
    assert "is greater than" not in first.get_by_label("Comparison").locator("option").all_inner_texts()
    first.get_by_label("Value").select_option("Maybe")
    page.get_by_role("button", name="Add condition").click()
    second = page.get_by_role("group", name="Condition 2")
    second.get_by_label("Earlier question").select_option(label="Question 2")
    second.get_by_label("Comparison").select_option("greater")
    second.get_by_label("Value").fill("100")
    page.get_by_label("Show it when").select_option("any")
    has_saved(page)

    assert draft()["steps"][1]["questions"][0]["showIf"] == {
        "match": "any",
        "conditions": [
            {"question": "q_aaa001", "is": "equals", "value": "Maybe"},
            {"question": "q_aaa002", "is": "greater", "value": "100"},
        ],
    }
    expect(card(page, "Question 3")).to_contain_text("Conditional")

    # A renamed option takes the conditions along.
    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_label("Option 2", exact=True).fill("Perhaps")
    page.get_by_label("Option 2", exact=True).blur()
    has_saved(page)
    assert draft()["steps"][1]["questions"][0]["showIf"]["conditions"][0]["value"] == "Perhaps"
    assert complaints == []


def test_takes_whole_words_where_one_of_a_list_is_chosen(open_page: OpenPage) -> None:
    make_form(document([question(1), question(2), question(3)]))
    page, complaints = open_page()
    open_builder(page)
    card(page, "Question 3").locator("[data-toggle]").click()

    # A list that were drawn anew after the first letter would take each of them for the beginning of a word.
    page.get_by_text("Show only if…").click()
    page.get_by_role("button", name="Add condition").focus()
    press(page, "Enter")
    page.keyboard.type("Question 2")
    expect(page.get_by_label("Earlier question")).to_have_value("q_aaa002")
    page.get_by_label("Kind of question", exact=True).focus()
    page.keyboard.type("Single")
    expect(page.get_by_label("Kind of question", exact=True)).to_have_value("single_choice")
    expect(page.get_by_label("Kind of question", exact=True)).to_be_focused()
    page.get_by_label("Option 2", exact=True).fill("Other")
    has_saved(page)

    changed = draft()["steps"][0]["questions"][2]
    assert (changed["type"], changed["options"], changed["label"]) == ("single_choice", ["", "Other"], "Question 3")
    assert complaints == []


def test_says_which_limit_is_none_and_keeps_the_rest(open_page: OpenPage) -> None:
    make_form(document([question(1, "long_text", rules={"maxLength": 200})]))
    page, _complaints = open_page()
    open_builder(page)

    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_label("At least so many characters").fill("ten")
    page.get_by_label("At least so many characters").blur()
    expect(page.get_by_text("A whole number from 1 to 5000. This one is not kept.")).to_be_visible()
    page.get_by_label("At most so many characters").fill("100")
    has_saved(page)

    assert draft()["steps"][0]["questions"][0]["rules"] == {"maxLength": 100}


def test_copies_the_id_of_a_question(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)

    card(page, "Question 2").locator("[data-toggle]").click()
    page.get_by_role("button", name="Copy id").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "q_aaa002"


def test_previews_what_is_being_written_at_two_widths(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, complaints = open_page()
    open_builder(page)
    frame = preview(page)
    expect(frame.get_by_text("Question 1", exact=True)).to_be_visible()

    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_label("Question", exact=True).fill("What brings you here?")

    expect(frame.get_by_text("What brings you here?")).to_be_visible()
    expect(page.get_by_label("Question", exact=True)).to_be_focused()
    assert preview(page).locator("html").evaluate("() => innerWidth") <= 430
    page.get_by_role("button", name="Desktop").click()
    assert preview(page).locator("html").evaluate("() => innerWidth") >= 820
    # The step that is worked on is the step that is shown.
    page.get_by_label("Title of Step 2").focus()
    expect(frame.get_by_text("Question 4")).to_be_visible()
    assert complaints == []
