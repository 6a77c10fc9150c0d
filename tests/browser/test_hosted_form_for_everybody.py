"""The hosted form breaks no rule: accessibility, content security, room for a thumb."""

from collections.abc import Callable
from io import BytesIO

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from leadforms.logos import draw_logo, save_logo
from leadforms.models import LeadForm
from leadforms.publishing import unpublish
from tests.browser.conftest import overflows, violations
from tests.browser.hosted import make_northlight
from workspaces.models import Workspace

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]


@pytest.fixture(autouse=True)
def workspace(settings: Settings) -> Workspace:
    return make_northlight(settings)


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [("en", "light", 390), ("en", "dark", 1280), ("ar", "light", 1280), ("ar", "dark", 390)],
)
def test_breaks_no_rule_of_accessibility_or_csp(open_page: OpenPage, language: str, scheme: str, width: int) -> None:
    LeadForm.objects.update(language=language)
    page, complaints = open_page(scheme=scheme, width=width)
    found: list[str] = []

    def inspect() -> None:
        assert complaints == []
        assert not overflows(page), page.url
        found.extend(violations(page))
        complaints.clear()

    submit = page.locator("[data-submit]")
    page.goto("/forms/northlight")
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    inspect()
    page.locator("[name=q_coach0][value=yes]").check()
    submit.click()
    expect(page.locator("#summary")).to_be_focused()
    inspect()
    page.get_by_text("Now").click()
    page.locator("#q_which0").fill("Good")
    submit.click()
    expect(page.locator("#q_budget")).to_be_visible()
    page.locator("#q_budget").fill("900")
    page.locator("[name=q_rating][value='7']").check()
    inspect()
    submit.click()
    expect(page.locator("#name")).to_be_visible()
    inspect()
    submit.click()
    expect(page.locator("#summary")).to_be_focused()
    inspect()
    page.locator("#name").fill("Ada")
    page.locator("#phone").fill("071234")
    page.locator("#consent").check()
    submit.click()
    expect(page.locator("#phone-error")).to_be_visible()
    inspect()
    page.locator("#phone").fill("07123456789")
    submit.click()
    expect(page.locator("[data-thanks]")).to_be_visible()
    inspect()
    Workspace.objects.update(agent_enabled=False)
    page.goto("/forms/northlight")
    inspect()
    unpublish(LeadForm.objects.get())
    for path in ("/forms/northlight", "/forms/nobody"):
        page.goto(path)
        # The browser's own word for a 404.
        complaints.clear()
        inspect()

    assert found == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_the_long_page_breaks_no_rule_of_accessibility(open_page: OpenPage, scheme: str, width: int) -> None:
    LeadForm.objects.update(design={"stepMode": "onePage", "layout": "plain", "font": "serif"})
    page, complaints = open_page(scheme=scheme, width=width)

    page.goto("/forms/northlight")
    page.locator("[data-submit]").click()
    expect(page.locator("#summary")).to_be_focused()

    assert complaints == []
    assert not overflows(page)
    assert violations(page) == []


def test_every_target_is_large_enough_for_a_thumb(open_page: OpenPage) -> None:
    LeadForm.objects.update(design={"stepMode": "onePage"})
    page, _complaints = open_page(width=390)
    page.goto("/forms/northlight")

    one_alone = "input:not([type=radio], [type=checkbox], [tabindex='-1'])"
    targets = page.locator(f":is(button, select, textarea, {one_alone}, .choice label):visible")
    assert targets.count() > 20
    for target in targets.all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44, target.evaluate("(one) => one.outerHTML")
        assert box["width"] >= 44, target.evaluate("(one) => one.outerHTML")
    sizes = page.locator("input:visible, select:visible, textarea:visible").evaluate_all(
        "(all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 16


def test_shows_the_progress_and_the_logo_in_forced_colours(open_page: OpenPage) -> None:
    drawn = BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(drawn, "PNG")
    save_logo(LeadForm.objects.get(), draw_logo(drawn, size=len(drawn.getvalue())), now=timezone.now())
    page, _complaints = open_page(scheme="dark", forced_colors="active")
    page.goto("/forms/northlight")

    def colours(locator: Locator) -> set[tuple[int, ...]]:
        picture = Image.open(BytesIO(locator.screenshot())).convert("RGB")
        row = picture.height // 2
        return {tuple(picture.getpixel((x, row))) for x in (picture.width // 8, picture.width * 7 // 8)}  # type: ignore[arg-type]

    expect(page.locator("progress")).to_be_visible()
    assert len(colours(page.locator("progress"))) == 2
    assert colours(page.locator(".brand img")) == {(255, 255, 255)}
