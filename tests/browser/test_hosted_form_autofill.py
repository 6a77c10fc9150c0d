"""Browsers and password managers fill the form in, and their owners are called all the same.

Chromium's own autofill answers no DevTools command in the headless shell, so it is imitated here: by the words that
fillers look for in a field's name, id, label, placeholder and autocomplete.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from leadforms import spam
from leadforms.languages import CODES
from leadforms.models import HeldSubmission
from leads.models import Lead
from tests.browser.hosted import make_northlight, next_step

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]
# What fillers have a value for, and the words by which they know its field, after Chromium's and Bitwarden's lists.
PROFILE = """[
  ["ada@example.com", /e-?mail|courriel|correo|البريد/],
  ["07123 456789", /phone|mobile|\\btel|telefon|téléphone|teléfono|telefone|telefoon|هاتف/],
  ["Analytical Ltd", /company|business|organi[sz]ation|firma|société|empresa|azienda|bedrijf|شركة/],
  ["https://ada.example", /web.?site|home.?page|\\burl\\b|sitio|site|موقع/],
  ["12 St James's Square", /address|street|stra(ss|ß)e|adresse|dirección|indirizzo|endereço|adres|عنوان/],
  ["London", /city|town|\\bort\\b|stadt|ville|ciudad|città|cidade|plaats|مدينة/],
  ["SW1Y 4JH", /zip|post.?(al|code)|\\bplz\\b|código|\\bcap\\b|postcode|رمز/],
  ["ada", /user.?name|login|benutzer|utilisateur|usuario|utente|gebruiker/],
  ["Ada Byron", /name|nom\\b|nombre|nome|naam|اسم/],
]"""
FILL = f"""(greedy) => {{
  const profile = {PROFILE};
  for (const field of document.querySelectorAll("input, textarea")) {{
    if (!["text", "email", "tel", "url", "textarea"].includes(field.type)) continue;
    const label = [...(field.labels ?? [])].map((each) => each.textContent).join(" ");
    const said = [field.name, field.id, label, field.placeholder, field.autocomplete].join(" ").toLowerCase();
    const known = profile.find(([, words]) => words.test(said))?.[0];
    const value = known ?? (greedy && field.id === "cb_remark" ? "London" : "");
    if (!value || field.value) continue;
    field.value = value;
    field.dispatchEvent(new Event("input", {{ bubbles: true }}));
    field.dispatchEvent(new Event("change", {{ bubbles: true }}));
  }}
}}"""


@pytest.fixture(autouse=True)
def _northlight(settings: Settings) -> None:
    make_northlight(settings)


@pytest.mark.parametrize("language", CODES)
def test_nothing_that_fillers_look_for_leads_them_to_the_hidden_field(open_page: OpenPage, language: str) -> None:
    page, _complaints = open_page(locale=language)
    page.goto("/forms/northlight")
    page.wait_for_selector("form[data-ready]")

    page.evaluate(FILL, False)

    assert page.locator("#name").input_value() == "Ada Byron"
    assert page.locator("#email").input_value() == "ada@example.com"
    assert page.locator("#cb_remark").input_value() == ""


def test_the_hidden_field_can_not_be_reached_and_tells_managers_to_leave_it(open_page: OpenPage) -> None:
    page, _complaints = open_page()
    page.goto("/forms/northlight")
    trap = page.locator("#cb_remark")

    trap.evaluate("field => field.focus()")

    assert page.evaluate("document.activeElement.id") != "cb_remark"
    for name, value in (
        *(("data-1p-ignore", ""), ("data-lpignore", "true"), ("data-bwignore", ""), ("data-form-type", "other")),
        *(("autocomplete", "off"), ("tabindex", "-1")),
    ):
        assert trap.get_attribute(name) == value, name


def test_a_person_whose_manager_fills_in_the_hidden_field_too_is_called(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A test is quicker than a person.
    monkeypatch.setattr(spam, "QUICK_S", 0)
    page, complaints = open_page()
    page.goto("/forms/northlight")
    page.get_by_label("This year").check()
    next_step(page)
    next_step(page)
    page.evaluate(FILL, True)
    page.get_by_role("checkbox", name="I agree that Northlight calls me").check()
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    lead = Lead.objects.get()
    assert (lead.name, lead.phone, lead.email) == ("Ada Byron", "+447123456789", "ada@example.com")
    assert not HeldSubmission.objects.exists()
    assert complaints == []
