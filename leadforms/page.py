"""A form's content, with what was typed and what is wrong with it, as the hosted page's template shows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from phonenumbers import SUPPORTED_REGIONS

from leadforms.answers import REGION
from leadforms.content import TYPED, Contact, Content, Question, QuestionType
from leadforms.countries import country_options
from leadforms.values import as_number

CONTACT = "contact"

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the options of a field. `id` is its control's."""

    id: str
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A question as a control. `kind` names its template; `id` is its name and the id of its (first) control."""

    id: str
    kind: str
    label: str
    help: str = ""
    placeholder: str = ""
    required: bool = False
    # Shown by conditions: without scripts a visitor is told to answer where it applies.
    conditional: bool = False
    error: str = ""
    value: str = ""
    choices: tuple[Choice, ...] = ()
    input_type: str = "text"
    inputmode: str = ""
    autocomplete: str = ""
    low: str = ""
    high: str = ""
    # The options of a phone's country select.
    countries: str = ""

    @property
    def describedby(self) -> str:
        """Name the elements that say more about it."""
        there = (("error", self.error), ("help", self.help), ("if", self.conditional))
        return " ".join(f"{self.id}-{name}" for name, is_there in there if is_there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A step."""

    id: str
    number: int
    title: str
    text: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The whole of it. `problems` are (field's id, its label, the message), in the page's order."""

    sections: tuple[Section, ...]
    hidden: tuple[Field, ...]
    problems: tuple[tuple[str, str, str], ...] = ()


def build_page(
    content: Content, *, language: str, region: str, values: Values, issues: Mapping[str, str], consent: str = ""
) -> Page:
    """Build the page in the active language. `region` is the country that phone fields are set to at first."""
    builder = _Builder(language=language, region=region, values=values, issues=issues)
    steps = [(step.id, step.title, step.text, tuple(map(builder.question, step.questions))) for step in content.steps]
    title = content.contact.title or _("Your contact details")
    contact = (CONTACT, title, content.contact.text, builder.contact(content.contact, consent or content.consent))
    steps = [contact, *steps] if content.contact.position == "first" else [*steps, contact]
    seen = [(id_, title, text, tuple(_without_hidden(fields))) for id_, title, text, fields in steps]
    sections = tuple(
        Section(id=id_, number=number, title=title, text=text, fields=fields)
        for number, (id_, title, text, fields) in enumerate((step for step in seen if any(step[1:])), start=1)
    )
    fields = [each for section in sections for each in section.fields]
    return Page(
        sections=sections,
        hidden=tuple(each for step in steps for each in step[3] if each.kind == "hidden"),
        # What stands beside the box of consent is too long for a name.
        problems=tuple(
            (each.id, "" if each.kind == "consent" else each.label, each.error) for each in fields if each.error
        ),
    )


def _without_hidden(fields: Sequence[Field]) -> Iterator[Field]:
    return (each for each in fields if each.kind != "hidden")


class _Builder:
    """Makes fields of questions."""

    def __init__(self, *, language: str, region: str, values: Values, issues: Mapping[str, str]) -> None:
        self._language = language
        self._region = region
        self._values = values
        self._issues = issues

    def question(self, question: Question) -> Field:
        kind, control = _CONTROLS[question.type]
        rules = question.rules
        return self._field(
            question.id,
            kind,
            label=question.label,
            help=question.help,
            placeholder=question.placeholder,
            required=question.required,
            conditional=question.show_if is not None and question.type in TYPED,
            choices=self._choices(question),
            low=str(rules.get("earliest", "")),
            high=str(rules.get("latest", "")),
            **control | _keyboard(question),
        )

    def contact(self, contact: Contact, consent: str) -> tuple[Field, ...]:
        labels = {
            "name": _("Your name"),
            "phone": _("Phone number"),
            "email": _("Email"),
            "goal": _("What can we help you with?"),
        } | {name: label for name, label in contact.labels.items() if label}
        email = {"input_type": "email", "inputmode": "email", "autocomplete": "email"}
        fields = [
            self._field("name", "text", label=labels["name"], required=True, autocomplete="name"),
            self._field("phone", "phone", label=labels["phone"], required=True),
            self._field("email", "text", label=labels["email"], required=contact.email_required, **email),
        ]
        if contact.goal_shown:
            fields.append(self._field("goal", "textarea", label=labels["goal"], required=contact.goal_required))
        fields.append(self._field("consent", "consent", label=consent, required=True))
        return tuple(fields)

    def _field(self, id_: str, kind: str, **rest: Any) -> Field:
        given = self._values.get(id_, ())
        if kind == "phone":
            region = next(iter(self._values.get(f"{id_}{REGION}", ())), self._region)
            rest["countries"] = country_options(self._language, region if region in SUPPORTED_REGIONS else "")
        return Field(id=id_, kind=kind, value=given[0] if given else "", error=self._issues.get(id_, ""), **rest)

    def _choices(self, question: Question) -> tuple[Choice, ...]:
        match question.type:
            case QuestionType.YES_NO:
                pairs = [("yes", _("Yes")), ("no", _("No"))]
            case QuestionType.RATING:
                pairs = [(str(n), str(n)) for n in range(1, question.scale + 1)]
            case _:
                pairs = [(option, option) for option in question.options]
        given = self._values.get(question.id, ())
        ids = [question.id, *(f"{question.id}-{n}" for n in range(2, len(pairs) + 1))]
        return tuple(Choice(id_, *pair, chosen=pair[0] in given) for id_, pair in zip(ids, pairs, strict=False))


_CONTROLS: dict[QuestionType, tuple[str, dict[str, Any]]] = {
    QuestionType.SHORT_TEXT: ("text", {}),
    QuestionType.LONG_TEXT: ("textarea", {}),
    QuestionType.EMAIL: ("text", {"input_type": "email", "inputmode": "email", "autocomplete": "email"}),
    QuestionType.PHONE: ("phone", {}),
    QuestionType.NUMBER: ("text", {}),
    QuestionType.DATE: ("text", {"input_type": "date"}),
    QuestionType.SINGLE_CHOICE: ("radios", {}),
    QuestionType.MULTIPLE_CHOICE: ("checkboxes", {}),
    QuestionType.DROPDOWN: ("select", {}),
    QuestionType.YES_NO: ("radios", {}),
    QuestionType.RATING: ("rating", {}),
    QuestionType.STATEMENT: ("statement", {}),
    QuestionType.HIDDEN: ("hidden", {}),
}


def _keyboard(question: Question) -> dict[str, str]:
    """Choose the keys that a phone offers for a number; those for whole numbers have no minus on some."""
    if question.type != QuestionType.NUMBER:
        return {}
    lowest = as_number(str(question.rules.get("min", "")))
    if lowest is None or lowest < 0:
        return {"inputmode": "text"}
    return {"inputmode": "numeric" if question.rules.get("whole") else "decimal"}
