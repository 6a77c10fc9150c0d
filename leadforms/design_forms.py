"""What an operator may set on the design page, checked strictly and refused in words that help."""

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadforms.addresses import LOCAL_HOSTS, MAX_URL, AddressError, read_origin, read_redirect
from leadforms.colors import READABLE, contrast, is_color, nearest_passing
from leadforms.design import MAX_BUTTON, MAX_HEADING, MAX_TEXT, PAIRS, Colors, Design, as_document
from leadforms.languages import LANGUAGES
from leadforms.models import LeadForm

MAX_ORIGINS = 50
_control: re.Pattern[str] = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_short_hex = re.compile(r"#?([0-9a-f]{3})").fullmatch
COLORS = ("page", "card", "text", "button", "button_text")
COLOR_NAMES = {
    "page": gettext_lazy("page"),
    "card": gettext_lazy("card"),
    "text": gettext_lazy("text"),
    "button": gettext_lazy("button"),
    "button_text": gettext_lazy("text on the button"),
}
PAIR_NAMES = {
    ("text", "card"): gettext_lazy("Text on the card"),
    ("text", "page"): gettext_lazy("Text on the page"),
    ("button_text", "button"): gettext_lazy("Text on the button"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A colour that would make a pair readable."""

    field: str
    color: str

    @property
    def name(self) -> str:
        """Name the colour that would change."""
        return str(COLOR_NAMES[self.field])


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """How well a pair of colours can be read, and what would help."""

    ink: str
    ground: str
    ink_color: str
    ground_color: str
    # None while one of the two is no colour.
    ratio: float | None = None
    offers: tuple[Offer, ...] = ()

    @property
    def name(self) -> str:
        """Name the pair."""
        return str(PAIR_NAMES[self.ink, self.ground])

    @property
    def passes(self) -> bool:
        """Tell whether it can be read."""
        return self.ratio is not None and self.ratio >= READABLE

    @property
    def shown(self) -> str:
        """Write the ratio with one decimal, never rounded up to one that passes."""
        return "" if self.ratio is None else f"{int(self.ratio * 10 + 1e-9) / 10:.1f}:1"


def read_pair(colors: dict[str, str], ink: str, ground: str) -> Readout:
    """Compare a pair; when it is too pale, offer the nearest of either colour that passes wherever it stands."""
    pen, paper = colors[ink], colors[ground]
    pair = Readout(ink=ink, ground=ground, ink_color=pen, ground_color=paper)
    if not (is_color(pen) and is_color(paper)):
        return pair
    ratio = contrast(pen, paper)
    if ratio >= READABLE:
        return replace(pair, ratio=ratio)
    grounds = [colors[other] for name, other in PAIRS if name == ink and is_color(colors[other])]
    better = {
        ink: nearest_passing(pen, grounds) or nearest_passing(pen, (paper,)),
        ground: nearest_passing(paper, (pen,)),
    }
    offers = tuple(Offer(field=field, color=color) for field, color in better.items() if color)
    return replace(pair, ratio=ratio, offers=offers)


class ColorField(forms.CharField):
    """A colour as #rrggbb; three digits and a missing # are understood."""

    def to_python(self, value: Any) -> str:
        """Bring what was typed into its one spelling."""
        text = (super().to_python(value) or "").lower()
        if short := _short_hex(text):
            return "#" + "".join(digit * 2 for digit in short[1])
        return text if text.startswith("#") or not text else f"#{text}"

    def validate(self, value: str) -> None:
        """Refuse everything else."""
        super().validate(value)
        if not is_color(value):
            raise forms.ValidationError(_("Write a colour as # and six digits of 0–9 and a–f, like #0f6b54."))


class PlainField(forms.CharField):
    """Text as a person types it: one spelling of line breaks, no control characters."""

    def to_python(self, value: Any) -> str:
        """Clean before the length is counted; browsers count a line break as one."""
        return _control.sub("", (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")).strip()


def _color(label: Any, help_text: Any = "") -> ColorField:
    attrs = {"class": "input color-text", "maxlength": 7, "spellcheck": "false", "autocomplete": "off"}
    return ColorField(label=label, help_text=help_text, max_length=20, widget=forms.TextInput(attrs=attrs))


def _line(label: Any, longest: int, help_text: Any, **attrs: Any) -> PlainField:
    widget = forms.TextInput(attrs={"class": "input", "autocomplete": "off"} | attrs)
    return PlainField(label=label, max_length=longest, required=False, help_text=help_text, widget=widget)


def _lines(label: Any, help_text: Any, rows: int = 3, longest: int = MAX_TEXT, **attrs: Any) -> PlainField:
    widget = forms.Textarea(attrs={"class": "input", "rows": rows} | attrs)
    return PlainField(label=label, max_length=longest, required=False, help_text=help_text, widget=widget)


def _choice(label: Any, *choices: tuple[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=forms.RadioSelect)


class DesignForm(forms.Form):
    """Looks, texts, what comes after sending, language and where the form may be embedded."""

    page = _color(gettext_lazy("Page"))
    card = _color(gettext_lazy("Card"))
    text = _color(gettext_lazy("Text"))
    button = _color(gettext_lazy("Button"))
    button_text = _color(gettext_lazy("Text on the button"))
    scheme = _choice(
        gettext_lazy("On devices in dark mode"),
        ("auto", gettext_lazy("Dark, made from these")),
        ("fixed", gettext_lazy("As they are")),
    )
    font = _choice(
        gettext_lazy("Font"),
        ("system", gettext_lazy("Plain")),
        ("serif", gettext_lazy("Serif")),
        ("rounded", gettext_lazy("Rounded")),
        ("mono", gettext_lazy("Typewriter")),
    )
    layout = _choice(
        gettext_lazy("Layout"),
        ("card", gettext_lazy("On a card")),
        ("plain", gettext_lazy("On the bare page")),
    )
    step_mode = _choice(
        gettext_lazy("Questions"),
        ("steps", gettext_lazy("Step by step")),
        ("onePage", gettext_lazy("All on one page")),
    )
    logo_shown = forms.BooleanField(label=gettext_lazy("Show the logo"), required=False)
    logo_alt = _line(
        gettext_lazy("What the logo says"),
        MAX_HEADING,
        gettext_lazy("Read out to who can't see it. Empty: the workspace's name."),
    )
    heading = _line(gettext_lazy("Heading"), MAX_HEADING, gettext_lazy("Empty: the workspace's name."))
    intro = _lines(gettext_lazy("Introduction"), gettext_lazy("One or two sentences: what visitors get, and how soon."))
    button_label = _line(
        gettext_lazy("Button"),
        MAX_BUTTON,
        gettext_lazy("Empty: “Send”, in the visitor's language."),
        maxlength=MAX_BUTTON,
    )
    thank_you_title = _line(
        gettext_lazy("Thank-you heading"), MAX_HEADING, gettext_lazy("Empty: “Thank you”, in the visitor's language.")
    )
    thank_you_text = _lines(
        gettext_lazy("Thank-you text"),
        gettext_lazy(
            "What happens next? Promise only what you keep. Empty: that you have their details and will be in touch."
        ),
    )
    redirect_url = _line(
        gettext_lazy("Or send visitors on to"),
        MAX_URL,
        gettext_lazy("A page of yours that takes the place of the thank-you, with https://."),
        inputmode="url",
        spellcheck="false",
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of buttons, hints and errors"),
        required=False,
        choices=[("", gettext_lazy("The visitor's browser decides")), *LANGUAGES],
        help_text=gettext_lazy("Your own texts stay as you write them: choose the language they are in."),
        widget=forms.Select(attrs={"class": "input"}),
    )
    embed_origins = _lines(
        gettext_lazy("Sites that may show the form"),
        gettext_lazy("One a line, like https://www.example.com. Nobody else's page can show it inside of itself."),
        longest=MAX_ORIGINS * 300,
        spellcheck="false",
        autocapitalize="off",
    )
    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What could be read of the fields, each for itself; the preview shows it, whether or not it may be saved.
        self.chosen: dict[str, Any] = {}

    def clean_redirect_url(self) -> str:
        """Refuse what is no page of the web."""
        text: str = self.cleaned_data["redirect_url"]
        try:
            return read_redirect(text) if text else ""
        except AddressError as error:
            raise forms.ValidationError(_redirect_problem(str(error))) from error

    def clean_embed_origins(self) -> list[str]:
        """Read a site from each line; a whole address tells which part of it is wanted."""
        lines = [line for line in self.cleaned_data["embed_origins"].split("\n") if line.strip()]
        if len(lines) > MAX_ORIGINS:
            raise forms.ValidationError(_("At most %(most)s sites.") % {"most": MAX_ORIGINS})
        origins, problems = [], []
        for line in lines:
            try:
                origins.append(read_origin(line))
            except AddressError as error:
                problems.append(_origin_problem(line.strip()[:100], str(error)))
        if problems:
            raise forms.ValidationError(problems)
        return list(dict.fromkeys(origins))

    def clean(self) -> dict[str, Any]:
        """Refuse colours that can't be read together, and say which could."""
        self.chosen = dict(self.cleaned_data)
        for pair in self.readouts():
            if pair.ratio is not None and not pair.passes:
                self.add_error(pair.ink, _contrast_problem(pair))
        return self.cleaned_data

    def readouts(self) -> list[Readout]:
        """Compare the colours as they stand in the form now."""
        colors = {name: self.chosen.get(name) or self.initial[name] for name in COLORS}
        return [read_pair(colors, ink, ground) for ink, ground in PAIRS]

    def design(self) -> Design:
        """Return what was chosen; what could not be read is as it was."""
        values = {**self.initial, **self.chosen}
        return Design(
            colors=Colors(**{name: values[name] for name in (*COLORS, "scheme")}),
            button_text=values["button_label"],
            **{name: values[name] for name in _AS_NAMED},
        )

    def stored(self) -> dict[str, Any]:
        """Return the values of LeadForm's fields."""
        return {
            "design": as_document(self.design()),
            "language": self.cleaned_data["language"],
            "embed_origins": self.cleaned_data["embed_origins"],
        }


_AS_NAMED = (
    *("font", "layout", "step_mode", "heading", "intro", "thank_you_title", "thank_you_text"),
    *("redirect_url", "logo_shown", "logo_alt"),
)


def values_of(form: LeadForm, design: Design) -> dict[str, Any]:
    """Return what DesignForm starts with."""
    colors = asdict(design.colors)
    return {
        **colors,
        **{name: getattr(design, name) for name in _AS_NAMED},
        "button_label": design.button_text,
        "language": form.language,
        "embed_origins": "\n".join(form.embed_origins),
        "revision": form.design_revision,
    }


def _contrast_problem(pair: Readout) -> str:
    told = {
        "card": _(
            "On the card its contrast is %(ratio)s, and it takes 4.5:1 to be read well. Nearest that pass: %(offers)s."
        ),
        "page": _(
            "On the page its contrast is %(ratio)s, and it takes 4.5:1 to be read well. Nearest that pass: %(offers)s."
        ),
        "button": _("Its contrast is %(ratio)s, and it takes 4.5:1 to be read well. Nearest that pass: %(offers)s."),
    }
    offers = _(" or ").join(f"{offer.name} {offer.color}" for offer in pair.offers)
    return told[pair.ground] % {"ratio": pair.shown, "offers": offers}


def _redirect_problem(reason: str) -> str:
    return {
        "scheme": _("Start it with https:// (or http://)."),
        "credentials": _("Leave out the user name and the password: every visitor could read them."),
        "too long": _("An address may have %(most)s characters.") % {"most": MAX_URL},
    }.get(reason, _("This is no address of a page. Open the page in your browser and copy its address."))


def _origin_problem(line: str, reason: str) -> str:
    if reason == "more than an origin":
        return _("“%(line)s”: only the part up to the first single slash, like https://www.example.com.") % {
            "line": line
        }
    if reason == "scheme":
        return _("“%(line)s”: start it with https:// (http:// is for %(local)s alone).") % {
            "line": line,
            "local": LOCAL_HOSTS[0],
        }
    return _("“%(line)s” is no address of a site. It looks like https://www.example.com.") % {"line": line}
