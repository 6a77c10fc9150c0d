"""What the tests of the Form Builder share: a form, its page, and the words that find its parts."""

import json
from collections.abc import Callable
from typing import Any

from django.utils import timezone
from playwright.sync_api import FrameLocator, Locator, Page, expect

from conftest import make_member, make_workspace
from leadforms import publishing
from leadforms.models import LeadForm
from tests.browser.conftest import enter_as

PASSWORD = "correct-horse-battery"
ADDRESS = "/admin/northlight/form"
OpenPage = Callable[..., tuple[Page, list[str]]]


def question(n: int, kind: str = "short_text", **rest: Any) -> dict[str, Any]:
    """Make a question as the builder writes it."""
    return {"id": f"q_aaa{n:03d}", "type": kind, "label": f"Question {n}"} | rest


def document(*steps: list[dict[str, Any]], **rest: Any) -> dict[str, Any]:
    """Make a form of steps with these questions."""
    made = [{"id": f"s_aaaaa{n}", "title": f"Part {n}", "questions": each} for n, each in enumerate(steps, start=1)]
    return {"steps": made, "contact": {"position": "last"}, "consent": "I agree to be called."} | rest


SIMPLE = document([question(1), question(2), question(3)], [question(4)])


def make_form(content: dict[str, Any], *, published: bool = False) -> LeadForm:
    """Make a workspace, its owner and its form."""
    workspace = make_workspace(name="Northlight Coaching", slug="northlight")
    owner = make_member(workspace, username="maya", password=PASSWORD, is_staff=False)
    now = timezone.now()
    form = publishing.find_form(workspace, now=now)
    publishing.save_draft(form, json.loads(json.dumps(content)), revision=1, by_id=owner.pk, now=now)
    if published:
        publishing.publish(form, revision=2, by_id=owner.pk, now=now)
    return LeadForm.objects.get()


def open_builder(page: Page) -> None:
    """Open the builder as its owner."""
    enter_as(page, "maya")
    page.goto(ADDRESS)
    expect(bar(page)).to_be_visible()


def bar(page: Page) -> Locator:
    """Find the bar above the editor."""
    return page.locator("[data-bar]")


def state(page: Page) -> Locator:
    """Find the words that say how saving stands."""
    return page.locator("[data-save-text]")


def card(page: Page, label: str) -> Locator:
    """Find the line of a question in the editor."""
    return page.locator("[data-question]").filter(has=page.locator("[data-name]", has_text=label))


def has_names(page: Page, names: list[str]) -> None:
    """Wait until the editor lists exactly these questions, from top to bottom.

    By their text, not by what is drawn of it: what is out of sight is drawn later (`content-visibility`).
    """
    expect(page.locator("[data-name]")).to_have_text(names)


def first_name(page: Page) -> Locator:
    """Find the label of the first question in the editor."""
    return page.locator("[data-name]").first


def preview(page: Page) -> FrameLocator:
    """Find the form in the preview: the one that is shown, not the one that is coming."""
    return page.frame_locator("[data-stage] iframe:not(.is-coming)")


def said(page: Page) -> Locator:
    """Find what screen readers are told."""
    return page.locator("[data-status]").first


def focused(page: Page) -> str:
    """Read the name of what has the focus."""
    found = page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")
    return str(found).strip()


def has_saved(page: Page) -> None:
    """Wait until everything is stored."""
    expect(state(page)).to_contain_text("Saved at")


def draft() -> Any:
    """Read the stored draft."""
    return LeadForm.objects.get().draft


def labels(content: Any) -> list[list[str]]:
    """Read the labels of each step of a stored content."""
    return [[each["label"] for each in step["questions"]] for step in content["steps"]]
