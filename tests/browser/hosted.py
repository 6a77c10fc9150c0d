"""The form that the browser fills in, and how."""

from playwright.sync_api import Frame, Page
from pytest_django import Settings

from conftest import make_workspace
from leadforms.tests.factories import make_published, question, step, when
from workspaces.models import Workspace

START = question("single_choice", id="q_start0", label="When would you like to start?", required=True)
START["options"] = ["Now", "This year", "I am just looking"]
COACH = question("yes_no", id="q_coach0", label="Have you worked with a coach before?")
WHICH = question(id="q_which0", label="What was it like?", required=True, showIf=when(COACH, "equals", "yes"))
BUDGET = question("number", id="q_budget", label="What may it cost a month?", help="In pounds.", rules={"min": "1"})
PREMIUM = question("yes_no", id="q_premi0", label="Would you like meetings in person?")
PREMIUM["showIf"] = when(BUDGET, "greater", "500")
RATING = question("rating", id="q_rating", label="How content are you with your work?", rules={"scale": 10})
TOPICS = question("multiple_choice", id="q_topic0", label="What is it about?", rules={"maxChoices": 2})
TOPICS["options"] = ["Career", "Leadership", "Balance"]
DAY = question("date", id="q_day000", label="From which day on?")
PLAN = question("hidden", id="q_plan00", label="Plan", param="plan")
CONTENT = {
    "steps": [
        step(START, COACH, WHICH, PLAN, title="Your plans", text="Three short steps, about a minute."),
        step(BUDGET, PREMIUM, RATING, TOPICS, DAY, title="A bit more"),
    ],
    "consent": "I agree that Northlight calls me about my request. More at https://northlight.example/privacy",
}


def make_northlight(settings: Settings) -> Workspace:
    """Publish it; a test fills it in faster than a person."""
    settings.FORM_MIN_SECONDS = 0
    workspace = make_workspace(slug="northlight", name="Northlight Coaching", default_region="GB")
    make_published(workspace, CONTENT, design={"heading": "Let us talk about your work"})
    return workspace


def next_step(page: Page | Frame) -> None:
    page.get_by_role("button", name="Next").click()


def fill_contact(page: Page | Frame) -> None:
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("Phone number").fill("07123 456789")
    page.get_by_role("textbox", name="Email").fill("ada@example.com")
    page.get_by_role("checkbox", name="I agree that Northlight calls me").check()


def fill_all(page: Page | Frame) -> None:
    page.get_by_label("This year").check()
    next_step(page)
    next_step(page)
    fill_contact(page)
    page.get_by_role("button", name="Send").click()
