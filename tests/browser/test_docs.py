"""The API reference and Django admin's header, in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from conftest import make_user
from tests.browser.conftest import enter_as, faults

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]


def style(page: Page, selector: str, name: str) -> str:
    return str(page.locator(selector).first.evaluate("(one, name) => getComputedStyle(one)[name]", name))


def box(page: Page, selector: str) -> Any:
    return page.locator(selector).first.bounding_box()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_key_card_of_the_reference_stands_on_its_own(open_page: OpenPage, width: int) -> None:
    page, _complaints = open_page(width=width)
    page.goto("/docs/api")

    above, card, label = box(page, ".docs-endpoints"), box(page, "[data-key-form]"), box(page, "label[for=api-key]")
    assert card["y"] - (above["y"] + above["height"]) >= 16
    assert label["y"] - card["y"] >= 16
    assert label["x"] - card["x"] >= 16


def test_the_reference_breaks_no_rule_of_accessibility_or_csp(open_page: OpenPage) -> None:
    page, complaints = open_page()
    page.goto("/docs/api")

    assert faults(page, complaints) == []


def test_a_link_of_the_reference_is_underlined_where_its_path_is(open_page: OpenPage) -> None:
    page, _complaints = open_page()
    page.goto("/docs/api")

    assert "none" in style(page, ".docs-endpoints a", "textDecorationLine")
    assert "underline" in style(page, ".docs-endpoints a code", "textDecorationLine")


def test_log_out_is_as_strong_as_the_links_beside_it(open_page: OpenPage) -> None:
    make_user(username="root", password="correct-horse-battery", is_superuser=True)
    page, _complaints = open_page()
    enter_as(page, "root")
    page.goto("/admin/leads/lead/")

    for name in ("color", "fontWeight", "fontSize"):
        assert style(page, "#logout-form button", name) == style(page, "#user-tools a", name)
