"""Undo in the builder, in a browser: one history for all of it, each step named and shown, the focus never lost."""

import pytest
from playwright.sync_api import expect

from tests.browser.builder import (
    SIMPLE,
    OpenPage,
    bar,
    card,
    document,
    draft,
    focused,
    has_saved,
    make_form,
    open_builder,
    question,
    said,
)

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]


def asks_for(value: str) -> dict[str, object]:
    return {"match": "all", "conditions": [{"question": "q_aaa001", "is": "equals", "value": value}]}


def test_undoes_and_redoes_step_by_step_from_within_a_field(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    card(page, "Question 2").locator("[data-toggle]").click()
    field = page.get_by_label("Question", exact=True)
    field.fill("Second")
    page.get_by_label("Help text").fill("Helps")
    field.focus()

    page.keyboard.press("Control+z")
    expect(page.get_by_label("Help text")).to_have_value("")
    expect(said(page)).to_have_text("Undone: Second.")
    page.keyboard.press("Control+z")
    expect(field).to_have_value("Question 2")
    expect(field).to_be_focused()
    page.keyboard.press("Control+z")
    expect(said(page)).to_have_text("There is nothing to undo.")
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+Shift+z")
    expect(said(page)).to_have_text("Done again: Second.")
    expect(field).to_have_value("Second")
    expect(page.get_by_label("Help text")).to_have_value("Helps")
    # What is typed next goes to where it was undone.
    field.fill("Seccond")
    page.keyboard.press("Control+z")
    page.keyboard.type("X")
    expect(field).to_have_value("SecXond")


def test_names_who_asks_for_what_is_deleted(open_page: OpenPage) -> None:
    make_form(document([question(1)], [question(2, showIf=asks_for("x")), question(3, showIf=asks_for("x"))]))
    page, _complaints = open_page()
    open_builder(page)
    toast = page.locator("[data-toast]")

    page.get_by_role("button", name="Delete “Question 1”").click()
    expect(toast).to_contain_text("Question “Question 1” deleted. 2 questions have conditions on it.")
    toast.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Delete “Question 2”").click()
    expect(toast.locator("[data-toast-text]")).to_have_text("Question “Question 2” deleted.")
    page.get_by_role("button", name="Delete Step 1: Part 1").click()
    expect(toast).to_contain_text("“Question 3” has a condition on it.")
    toast.get_by_role("button", name="Undo").click()

    page.get_by_role("button", name="Move Step 1: Part 1 down").click()
    expect(toast).to_contain_text("“Question 3” has a condition on a question that comes later now.")


def test_shows_what_was_undone_elsewhere(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_label("Help text").fill("Helps")
    card(page, "Question 4").locator("[data-toggle]").click()
    page.get_by_label("Question", exact=True).focus()

    page.keyboard.press("Control+z")

    expect(said(page)).to_have_text("Undone: Question 1.")
    expect(card(page, "Question 1").get_by_label("Help text")).to_have_value("")
    expect(card(page, "Question 1").locator("[data-toggle]")).to_be_focused()


def test_keeps_a_focus_when_what_had_it_is_undone(open_page: OpenPage) -> None:
    make_form(SIMPLE)
    page, _complaints = open_page()
    open_builder(page)
    page.get_by_role("button", name="Add question to Step 1").click()
    page.get_by_role("dialog").locator("[data-type=number]").click()

    page.keyboard.press("Control+z")
    expect(said(page)).to_have_text("Undone: Untitled question.")
    assert "Question 3" in focused(page)
    page.get_by_role("button", name="Delete “Question 3”").click()
    page.locator("[data-toast]").get_by_role("button", name="Dismiss").click()
    assert "Saved" in focused(page) or "Unsaved" in focused(page)
    # By the button the focus stays there, to be pressed again.
    bar(page).get_by_role("button", name="Undo").click()
    expect(page.locator("[data-name]").nth(2)).to_have_text("Question 3")
    assert focused(page) == "Undo"


def test_a_renamed_option_and_the_conditions_on_it_are_one_step(open_page: OpenPage) -> None:
    make_form(
        document([question(1, "single_choice", options=["a", "Maybe", "c"]), question(2, showIf=asks_for("Maybe"))])
    )
    page, complaints = open_page()
    open_builder(page)
    card(page, "Question 1").locator("[data-toggle]").click()
    option = page.get_by_label("Option 2", exact=True)
    option.fill("Perhaps")
    # Enter writes a new option below, which is a step of its own.
    option.press("Enter")
    page.keyboard.press("Control+z")
    has_saved(page)
    assert draft()["steps"][0]["questions"][0]["options"] == ["a", "Perhaps", "c"]
    assert draft()["steps"][0]["questions"][1]["showIf"] == asks_for("Perhaps")

    bar(page).get_by_role("button", name="Undo").click()
    page.wait_for_function("document.querySelector('[data-save-text]').textContent.startsWith('Unsaved')")
    has_saved(page)
    assert draft()["steps"][0]["questions"][0]["options"] == ["a", "Maybe", "c"]
    assert draft()["steps"][0]["questions"][1]["showIf"] == asks_for("Maybe")
    assert complaints == []


def test_a_deleted_option_hands_its_conditions_to_no_other(open_page: OpenPage) -> None:
    make_form(document([question(1, "single_choice", options=["a", "bb", "c"]), question(2, showIf=asks_for("bb"))]))
    page, _complaints = open_page()
    open_builder(page)
    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_label("Option 2", exact=True).press("End")
    for _n in range(3):
        page.keyboard.press("Backspace")
    page.keyboard.press("Tab")
    has_saved(page)

    assert draft()["steps"][0]["questions"][0]["options"] == ["a", "c"]
    assert draft()["steps"][0]["questions"][1]["showIf"] == asks_for("bb")
    expect(card(page, "Question 2")).to_contain_text("“bb” is no possible answer to “Question 1”.")
