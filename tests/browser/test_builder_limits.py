"""The builder, in a browser, where it ends: a full form, lists from spreadsheets, a browser that stores nothing."""

import pytest
from playwright.sync_api import expect

from tests.browser.builder import (
    ADDRESS,
    OpenPage,
    card,
    document,
    draft,
    has_saved,
    make_form,
    open_builder,
    preview,
    question,
    said,
)

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
NO_STORAGE = (
    "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
)

# What is copied, and the options that it makes.
PASTED = {
    "Red\tGreen\tBlue\n": ["Red", "Green", "Blue"],
    '"two\nlines"\n"say ""hi"""\nplain\n': ["two lines", 'say "hi"', "plain"],
    '5" pipe\n\n  6" pipe ': ['5" pipe', '6" pipe'],
    '"one quoted"\nand "another"': ['"one quoted"', 'and "another"'],
    '"no end\ta\nb\tc': ['"no end, a', "b, c"],
    "x" * 30: ["x" * 20],
    # No half of a character: nothing could be saved any more.
    "x" * 19 + "😀": ["x" * 19],
    " \n\t\n": [],
}


def test_shows_why_nothing_more_fits(open_page: OpenPage) -> None:
    make_form(document([question(n) for n in range(150)]))
    page, complaints = open_page(width=390)
    open_builder(page)

    page.get_by_role("button", name="Add question to Step 1").click()

    toast = page.locator("[data-toast]")
    expect(toast).to_contain_text("A form has at most 150 questions.")
    expect(said(page)).to_have_text("A form has at most 150 questions.")
    expect(toast.get_by_role("button", name="Undo")).to_be_hidden()
    assert complaints == []


def test_takes_options_from_a_spreadsheet(open_page: OpenPage) -> None:
    make_form(document([question(1, "dropdown", options=[""])]))
    page, complaints = open_page()
    open_builder(page)
    card(page, "Question 1").locator("[data-toggle]").click()
    page.get_by_label("Option 1", exact=True).focus()

    page.evaluate("navigator.clipboard.writeText('Berlin\\tDE\\r\\nLondon\\tUK\\r\\n')")
    page.keyboard.press("Control+v")
    expect(said(page)).to_have_text("2 options pasted.")
    has_saved(page)
    assert draft()["steps"][0]["questions"][0]["options"] == ["Berlin, DE", "London, UK"]
    page.evaluate("navigator.clipboard.writeText('x\\n'.repeat(249))")
    page.keyboard.press("Control+v")
    expect(said(page)).to_have_text("That would be 251 options. A question has at most 250.")

    read = """async (texts) => {
        const { readOptions } = await import("/static/js/builder/pasted.js");
        return texts.map((text) => readOptions(text, 20));
    }"""
    assert page.evaluate(read, list(PASTED)) == list(PASTED.values())
    assert complaints == []


def test_works_where_the_browser_stores_nothing(open_page: OpenPage) -> None:
    make_form(document([question(1)]))
    page, complaints = open_page()
    page.add_init_script(NO_STORAGE)
    open_builder(page)
    page.goto(ADDRESS)

    expect(preview(page).get_by_text("Question 1")).to_be_visible()
    page.get_by_label("Consent").fill("Yes.")
    page.keyboard.press("Control+s")
    expect(said(page)).to_have_text("Saved")
    assert draft()["consent"] == "Yes."
    assert complaints == []
