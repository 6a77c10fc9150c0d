"""Colours as people see them: contrast by WCAG 2, and the nearest colour that is readable.

static/js/design/colors.js says the same in the browser; leadforms/tests/colors.json holds both to it.
Colours are "#rrggbb", lower case.
"""

import math
import re
from collections.abc import Iterable, Sequence

READABLE = 4.5  # WCAG 2.2, 1.4.3: text
VISIBLE = 3.0  # WCAG 2.2, 1.4.11: edges of controls, focus
BLACK, WHITE = "#000000", "#ffffff"
# How finely the lightness (0 to 1) is searched. Smaller steps don't show in eight bits a channel.
STEPS = 400

Rgb = tuple[float, float, float]
_hex = re.compile(r"#[0-9a-f]{6}").fullmatch


def is_color(text: object) -> bool:
    """Tell whether a value is a colour as we store it."""
    return isinstance(text, str) and bool(_hex(text))


def luminance(color: str) -> float:
    """Return the relative luminance, 0 to 1. https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def passes(color: str, grounds: Iterable[str], ratio: float = READABLE) -> bool:
    """Tell whether a colour has the contrast on every one of the grounds."""
    return all(contrast(color, ground) >= ratio for ground in grounds)


def nearest_passing(color: str, grounds: Sequence[str], ratio: float = READABLE) -> str | None:
    """Find the colour of the same hue, nearest in lightness, that passes on every ground. None: there is none."""
    if passes(color, grounds, ratio):
        return color
    lightness, chroma, hue = to_oklch(color)
    for step in range(1, STEPS + 1):
        for moved in (lightness - step / STEPS, lightness + step / STEPS):
            if -1 / STEPS < moved < 1 + 1 / STEPS:
                candidate = from_oklch(min(1.0, max(0.0, moved)), chroma, hue)
                if passes(candidate, grounds, ratio):
                    return candidate
    return None


def blend(one: str, other: str, part: float) -> str:
    """Mix a part (0 to 1) of another colour into one."""
    mixed = ((1 - part) * a + part * b for a, b in zip(_channels(one), _channels(other), strict=True))
    return _to_hex(mixed)


def to_oklch(color: str) -> Rgb:
    """Return lightness 0 to 1, chroma, and hue in radians. https://bottosson.github.io/posts/oklab/"""
    red, green, blue = _linear(color)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short, math.hypot(a, b), math.atan2(b, a)


def from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """Return the colour; where a screen can't show that much chroma, with as much as it can."""
    for part in range(20, -1, -1):
        rgb = _from_oklab(lightness, chroma * part / 20 * math.cos(hue), chroma * part / 20 * math.sin(hue))
        if all(-0.0001 <= channel <= 1.0001 for channel in rgb):
            break
    return _to_hex(_encode(min(1.0, max(0.0, channel))) for channel in rgb)


def _from_oklab(lightness: float, a: float, b: float) -> Rgb:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _channels(color: str) -> Rgb:
    return int(color[1:3], 16) / 255, int(color[3:5], 16) / 255, int(color[5:7], 16) / 255


def _linear(color: str) -> Rgb:
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in _channels(color)
    )
    return red, green, blue


def _encode(channel: float) -> float:
    return channel * 12.92 if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _to_hex(channels: Iterable[float]) -> str:
    # Half up, as JavaScript's Math.round does.
    return "#" + "".join(f"{math.floor(channel * 255 + 0.5):02x}" for channel in channels)
