"""Contrast, and the colours that are offered in place of pale ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from leadforms.colors import contrast, from_oklch, is_color, nearest_passing, to_oklch
from tests.properties import given
from tests.properties import strategies as st

# The same cases are put to static/js/design/colors.js in tests/browser/test_design.py.
CASES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "colors.json").read_text())
any_color = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize("case", CASES["contrast"], ids=str)
def test_contrast_is_that_of_wcag(case: dict[str, Any]) -> None:
    assert contrast(case["one"], case["other"]) == pytest.approx(case["ratio"], abs=0.0001)
    assert contrast(case["other"], case["one"]) == contrast(case["one"], case["other"])


@pytest.mark.parametrize(
    ("color", "passes"), [("#767676", True), ("#777777", False), ("#959595", False), ("#000000", True)]
)
def test_the_well_known_greys_fall_on_their_side_of_the_line(color: str, passes: bool) -> None:
    assert (contrast(color, "#ffffff") >= 4.5) is passes


@pytest.mark.parametrize("case", CASES["nearest"], ids=str)
def test_offers_the_colour_that_the_browser_offers(case: dict[str, Any]) -> None:
    assert nearest_passing(case["color"], case["grounds"]) == case["nearest"]


@given(color=any_color, ground=any_color)
def test_what_is_offered_passes_on_any_ground(color: str, ground: str) -> None:
    offered = nearest_passing(color, [ground])

    assert offered is not None
    assert is_color(offered)
    assert contrast(offered, ground) >= 4.5


@given(color=any_color, ground=any_color, part=st.floats(-0.97, 0.97))
def test_nothing_nearer_in_lightness_passes(color: str, ground: str, part: float) -> None:
    offered = nearest_passing(color, [ground])
    assert offered is not None
    lightness, chroma, hue = to_oklch(color)
    # Eight bits a channel move a lightness by a hundredth at most.
    distance = abs(to_oklch(offered)[0] - lightness) - 0.01

    if distance > 0:
        nearer = from_oklch(min(1.0, max(0.0, lightness + distance * part)), chroma, hue)
        assert contrast(nearer, ground) < 4.5


@given(color=any_color, ground=any_color)
def test_a_colour_keeps_its_hue(color: str, ground: str) -> None:
    offered = nearest_passing(color, [ground])
    assert offered is not None
    (_l, chroma, hue), (_m, kept, moved) = to_oklch(color), to_oklch(offered)

    # Where little colour is left, eight bits a channel say little about a hue.
    if chroma > 0.05 and kept > 0.05:
        turned = abs(hue - moved) % 6.283185307
        assert min(turned, 6.283185307 - turned) < 0.15


def test_says_so_when_no_colour_of_the_hue_passes_on_both_grounds() -> None:
    assert nearest_passing("#1a63d8", ["#ffffff", "#333333"]) is None
