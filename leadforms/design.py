"""How a form looks and what it says around its questions: one JSON document, and the stylesheet made of it.

    {"colors": {"page": "#f6f7f4", "card": "#ffffff", "text": "#18201d", "button": "#0f6b54", "buttonText": "#ffffff",
                "scheme": "auto" | "fixed"},
     "font": "system" | "serif" | "rounded" | "mono", "layout": "card" | "plain", "stepMode": "steps" | "onePage",
     "heading": "", "intro": "", "buttonText": "",
     "thankYou": {"title": "", "text": ""}, "redirectUrl": "",
     "logo": {"shown": true, "alt": ""}}

An empty text means our own, in the visitor's language; an empty heading and alt mean the workspace's name. What is
missing or not possible takes its default: `leadforms.design_forms` refuses what an operator gets wrong.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from leadforms.addresses import AddressError, read_redirect
from leadforms.colors import (
    BLACK,
    READABLE,
    VISIBLE,
    WHITE,
    blend,
    contrast,
    from_oklch,
    is_color,
    luminance,
    nearest_passing,
    passes,
    to_oklch,
)

__all__ = ["Colors", "Design", "contrast", "nearest_passing", "read_design", "theme_css", "theme_digest"]

MAX_HEADING = 200
MAX_TEXT = 2000
MAX_BUTTON = 60
SCHEMES = ("auto", "fixed")
LAYOUTS = ("card", "plain")
STEP_MODES = ("steps", "onePage")
# Of the visitor's own machine: nothing is loaded.
FONTS = {
    "system": 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif',
    "serif": 'Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, "Noto Serif", serif',
    "rounded": 'ui-rounded, "SF Pro Rounded", "Hiragino Maru Gothic ProN", Quicksand, Nunito, Manjari, system-ui, '
    "sans-serif",
    "mono": 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
}
# (what is read, what it is read on), as fields of Colors.
PAIRS = (("text", "card"), ("text", "page"), ("button_text", "button"))
# On light grounds, on dark ones.
_DANGER = ("#b3261e", "#f28b82")
_FOCUS = ("#1a63d8", "#8ab4ff")
# The visitor's dark scheme: lightness of page, card and text.
_DARK_PAGE, _DARK_CARD, _DARK_TEXT = 0.19, 0.24, 0.94


@dataclass(frozen=True, slots=True, kw_only=True)
class Colors:
    """The colours that an operator chooses; with the scheme "auto" dark ones take their place where a visitor asks."""

    page: str = "#f6f7f4"
    card: str = "#ffffff"
    text: str = "#18201d"
    button: str = "#0f6b54"
    button_text: str = "#ffffff"
    scheme: str = "auto"

    def unreadable(self) -> list[tuple[str, str]]:
        """Return the pairs of PAIRS that are under 4.5:1."""
        return [
            (ink, ground) for ink, ground in PAIRS if contrast(getattr(self, ink), getattr(self, ground)) < READABLE
        ]

    @property
    def is_dark(self) -> bool:
        """Tell whether they are a dark scheme themselves."""
        return luminance(self.card) < luminance(self.text)

    @property
    def turns_dark(self) -> bool:
        """Tell whether dark colours take their place where a visitor asks."""
        return self.scheme == "auto" and not self.is_dark


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The looks and texts of a form."""

    colors: Colors = Colors()
    font: str = "system"
    layout: str = "card"
    step_mode: str = "steps"
    heading: str = ""
    intro: str = ""
    button_text: str = ""
    thank_you_title: str = ""
    thank_you_text: str = ""
    # The page that takes the place of the thank-you; http or https.
    redirect_url: str = ""
    logo_shown: bool = True
    logo_alt: str = ""


def read_design(document: Any) -> Design:
    """Read a stored document. Never raises: what can't be read takes its default."""
    raw = _object(document)
    thank_you, logo = _object(raw.get("thankYou")), _object(raw.get("logo"))
    return Design(
        colors=_read_colors(_object(raw.get("colors"))),
        font=_one_of(raw.get("font"), tuple(FONTS)),
        layout=_one_of(raw.get("layout"), LAYOUTS),
        step_mode=_one_of(raw.get("stepMode"), STEP_MODES),
        heading=_text(raw.get("heading"), MAX_HEADING),
        intro=_text(raw.get("intro"), MAX_TEXT),
        button_text=_text(raw.get("buttonText"), MAX_BUTTON),
        thank_you_title=_text(thank_you.get("title"), MAX_HEADING),
        thank_you_text=_text(thank_you.get("text"), MAX_TEXT),
        redirect_url=_address(raw.get("redirectUrl")),
        logo_shown=logo.get("shown") is not False,
        logo_alt=_text(logo.get("alt"), MAX_HEADING),
    )


def as_document(design: Design) -> dict[str, Any]:
    """Write a design as the document that `read_design` reads."""
    colors = design.colors
    return {
        "colors": {
            "page": colors.page,
            "card": colors.card,
            "text": colors.text,
            "button": colors.button,
            "buttonText": colors.button_text,
            "scheme": colors.scheme,
        },
        "font": design.font,
        "layout": design.layout,
        "stepMode": design.step_mode,
        "heading": design.heading,
        "intro": design.intro,
        "buttonText": design.button_text,
        "thankYou": {"title": design.thank_you_title, "text": design.thank_you_text},
        "redirectUrl": design.redirect_url,
        "logo": {"shown": design.logo_shown, "alt": design.logo_alt},
    }


@lru_cache(maxsize=512)
def theme_css(design: Design) -> str:
    """Write the stylesheet that gives static/css/form.css its colours and font: custom properties of :root.

    --form-page, --form-card: grounds (the layout "plain" has one: the page's); --form-ink, --form-ink-soft,
    --form-danger, --form-link: texts, 4.5:1 or more on both grounds; --form-accent: the button, with --form-on-accent
    on it; --form-field: edges of fields, --form-mark: progress and ticks, --form-focus: 3:1 or more on both grounds;
    --form-line: lines that only divide; --form-font, --form-radius. In dark colours the logo, which was drawn for
    light ones, lies on --form-logo-ground, with --form-logo-room around it.

    Dark colours come in where the visitor asks for them, the design says "auto" and <html> has no `data-embedded`:
    a form within another site keeps the colours that were chosen to go with it.
    """
    css = single_css(design)
    if design.colors.turns_dark:
        night = _rule(":root:not([data-embedded])", _night(design))
        css += f"@media (prefers-color-scheme: dark) {{\n{night}}}\n"
    return css


def single_css(design: Design, *, night: bool = False) -> str:
    """Write the stylesheet of one of the two schemes alone, whatever the visitor asks for."""
    return _rule(":root", _day(design) | (_night(design) if night and design.colors.turns_dark else {}))


def theme_digest(design: Design) -> str:
    """Return 16 hex digits that change with the stylesheet."""
    return hashlib.sha256(theme_css(design).encode()).hexdigest()[:16]


def palette(colors: Colors, *, layout: str = "card") -> dict[str, str]:
    """Derive every colour of the page. Where `colors` pass, all of them pass on what they stand on."""
    grounds = (colors.card, colors.page) if layout == "card" else (colors.page,)
    ground = grounds[0]
    return {
        "page": colors.page,
        "card": ground,
        "ink": colors.text,
        "ink-soft": _towards(ground, colors.text, grounds, READABLE, start=0.62),
        "line": blend(ground, colors.text, 0.14),
        "field": _towards(ground, colors.text, grounds, VISIBLE, start=0.45),
        "accent": colors.button,
        "on-accent": colors.button_text,
        "link": _like(colors.button, colors.text, grounds, READABLE),
        "mark": _like(colors.button, colors.text, grounds, VISIBLE),
        "danger": _like(_DANGER[colors.is_dark], colors.text, grounds, READABLE),
        "focus": _like(_FOCUS[colors.is_dark], colors.text, grounds, VISIBLE),
    }


def darkened(colors: Colors) -> Colors:
    """Derive the dark scheme of light colours: the same hues, on dark grounds."""
    card = _at(colors.card, _DARK_CARD, most_chroma=0.03)
    button = nearest_passing(colors.button, (card,), VISIBLE) or WHITE
    button_text = nearest_passing(colors.button_text, (button,)) or max(
        (BLACK, WHITE), key=lambda ink: contrast(ink, button)
    )
    return Colors(
        page=_at(colors.page, _DARK_PAGE, most_chroma=0.03),
        card=card,
        text=_at(colors.text, _DARK_TEXT, most_chroma=0.02),
        button=button,
        button_text=button_text,
        scheme="fixed",
    )


def _day(design: Design) -> dict[str, str]:
    scheme = "dark" if design.colors.is_dark else "light"
    shape = {"font": FONTS[design.font], "radius": "0.75rem"}
    return {"color-scheme": scheme} | _own(palette(design.colors, layout=design.layout) | shape)


def _night(design: Design) -> dict[str, str]:
    logo = {"logo-ground": design.colors.card, "logo-room": "0.5rem 0.75rem"}
    return {"color-scheme": "dark"} | _own(palette(darkened(design.colors), layout=design.layout) | logo)


def _own(values: dict[str, str]) -> dict[str, str]:
    return {f"--form-{name}": value for name, value in values.items()}


def _at(color: str, lightness: float, *, most_chroma: float) -> str:
    _lightness, chroma, hue = to_oklch(color)
    return from_oklch(lightness, min(chroma, most_chroma), hue)


def _towards(ground: str, ink: str, grounds: tuple[str, ...], ratio: float, *, start: float) -> str:
    """Mix as little of the ink into the ground as passes; the ink itself does."""
    parts = (start + (1 - start) * step / 20 for step in range(20))
    mixed = (blend(ground, ink, part) for part in parts)
    return next((color for color in mixed if passes(color, grounds, ratio)), ink)


def _like(color: str, ink: str, grounds: tuple[str, ...], ratio: float) -> str:
    """Find what passes near a colour; two grounds far apart leave the ink, or a mix with it."""
    return nearest_passing(color, grounds, ratio) or _towards(color, ink, grounds, ratio, start=0.0)


def _rule(selector: str, values: dict[str, str]) -> str:
    return f"{selector} {{\n" + "".join(f"  {name}: {value};\n" for name, value in values.items()) + "}\n"


def _read_colors(raw: dict[str, Any]) -> Colors:
    keys = {"page": "page", "card": "card", "text": "text", "button": "button", "button_text": "buttonText"}
    chosen = {name: raw[key] for name, key in keys.items() if is_color(raw.get(key))}
    colors = Colors(**chosen, scheme=_one_of(raw.get("scheme"), SCHEMES))
    # Colours that can't be read together are no design of anybody's: they were never accepted.
    return Colors(scheme=colors.scheme) if colors.unreadable() else colors


def _object(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _one_of(raw: Any, possible: tuple[str, ...]) -> str:
    return raw if isinstance(raw, str) and raw in possible else possible[0]


def _text(raw: Any, longest: int) -> str:
    return raw.replace("\x00", "").strip()[:longest] if isinstance(raw, str) else ""


def _address(raw: Any) -> str:
    try:
        return read_redirect(raw) if isinstance(raw, str) and raw else ""
    except AddressError:
        return ""
