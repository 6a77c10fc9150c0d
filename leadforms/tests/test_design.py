"""A design as it is read, and the stylesheet that is made of it."""

import re
from typing import Any

import pytest

from leadforms.colors import contrast, nearest_passing
from leadforms.design import Colors, Design, as_document, darkened, palette, read_design, theme_css, theme_digest
from tests.properties import assume, given
from tests.properties import strategies as st

any_color = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | any_color,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = [*("colors", "font", "layout", "stepMode", "heading", "intro", "buttonText"), "thankYou", "redirectUrl", "logo"]
TEXTS = ("ink", "ink-soft", "link", "danger")
EDGES = ("field", "mark", "focus")


@st.composite
def passing_colors(draw: st.DrawFn) -> Colors:
    """Draw colours that the design page would save."""
    card, page, button = draw(any_color), draw(any_color), draw(any_color)
    text = nearest_passing(draw(any_color), [card, page])
    button_text = nearest_passing(draw(any_color), [button])
    assume(text is not None)
    assert text
    assert button_text
    return Colors(page=page, card=card, text=text, button=button, button_text=button_text)


def assert_readable(colors: Colors, layout: str) -> None:
    made = palette(colors, layout=layout)
    for ground in (made["page"], made["card"]):
        for name in TEXTS:
            assert contrast(made[name], ground) >= 4.5, name
        for name in EDGES:
            assert contrast(made[name], ground) >= 3, name
    assert contrast(made["on-accent"], made["accent"]) >= 4.5


@given(colors=passing_colors(), layout=st.sampled_from(["card", "plain"]))
def test_all_that_is_derived_of_passing_colours_passes(colors: Colors, layout: str) -> None:
    assert_readable(colors, layout)


@given(colors=passing_colors(), layout=st.sampled_from(["card", "plain"]))
def test_the_dark_colours_made_of_light_ones_pass_too(colors: Colors, layout: str) -> None:
    dark = darkened(colors)

    assert dark.unreadable() == []
    assert_readable(dark, layout)
    assert contrast(dark.card, "#000000") < 1.6


@pytest.mark.parametrize("layout", ["card", "plain"])
def test_the_colours_that_a_form_starts_with_pass(layout: str) -> None:
    assert Colors().unreadable() == []
    assert_readable(Colors(), layout)
    assert_readable(darkened(Colors()), layout)


@given(document=st.dictionaries(st.sampled_from(KEYS), any_json) | any_json)
def test_reads_whatever_is_stored(document: Any) -> None:
    design = read_design(document)

    assert design.colors.unreadable() == []
    assert theme_css(design).startswith(":root {")
    assert read_design(as_document(design)) == design


def test_reads_what_it_writes() -> None:
    design = Design(
        colors=Colors(page="#101010", card="#202020", text="#f0f0f0", button="#ffcc00", button_text="#000000"),
        font="serif",
        layout="plain",
        step_mode="onePage",
        heading="Coaching",
        intro="Two minutes.",
        button_text="Go",
        thank_you_title="Thanks",
        thank_you_text="We ring today.",
        redirect_url="https://example.com/thanks",
        logo_shown=False,
        logo_alt="Northlight",
    )

    assert read_design(as_document(design)) == design


@pytest.mark.parametrize(
    "colors",
    [
        {"text": "#ffffff"},
        {"text": "red"},
        {"text": "#fff"},
        {"text": "#FFFFFF}body{display:none"},
        {"button": "#ffffff", "buttonText": "#fefefe"},
        {"page": "#000000"},
    ],
)
def test_colours_that_nobody_could_have_saved_are_not_shown(colors: dict[str, str]) -> None:
    assert read_design({"colors": colors}).colors == Colors()


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//example.com", "https://me:secret@example.com", "ftp://x.example"],
)
def test_an_address_that_nobody_could_have_saved_leads_nowhere(url: str) -> None:
    assert read_design({"redirectUrl": url}).redirect_url == ""


def test_dark_colours_come_in_where_the_visitor_asks_and_the_form_stands_alone() -> None:
    css = theme_css(Design())

    assert "@media (prefers-color-scheme: dark)" in css
    assert ":root:not([data-embedded]) {\n  color-scheme: dark;" in css
    assert css.startswith(":root {\n  color-scheme: light;")


@pytest.mark.parametrize(
    ("colors", "scheme"),
    [
        (Colors(scheme="fixed"), "light"),
        (Colors(page="#101010", card="#202020", text="#f0f0f0", scheme="fixed"), "dark"),
        (Colors(page="#101010", card="#202020", text="#f0f0f0", scheme="auto"), "dark"),
    ],
)
def test_fixed_and_dark_colours_stay_as_they_are(colors: Colors, scheme: str) -> None:
    css = theme_css(Design(colors=colors))

    assert "@media" not in css
    assert re.findall(r"color-scheme: (\w+);", css) == [scheme]


def test_the_digest_follows_the_looks_and_not_the_words() -> None:
    plain = theme_digest(Design())

    assert re.fullmatch(r"[0-9a-f]{16}", plain)
    assert theme_digest(Design(heading="Hello")) == plain
    assert theme_digest(Design(font="serif")) != plain
    assert theme_digest(Design(colors=Colors(scheme="fixed"))) != plain
