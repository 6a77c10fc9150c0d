"""The content of a form: one JSON document (steps, contact step, consent), read into values of a sure shape.

    {"steps": [{"id": "s_a1b2c3", "title": "", "text": "", "questions": [QUESTION, …]}, …],
     "contact": {"position": "first" | "last", "title": "", "text": "",
                 "labels": {"name": "", "phone": "", "email": "", "goal": ""},
                 "emailRequired": false, "goalShown": true, "goalRequired": false},
     "consent": "I agree …"}

    QUESTION = {"id": "q_a1b2c3", "type": "short_text", "label": "", "help": "", "placeholder": "", "required": false,
                "options": ["…"], "rules": {"maxLength": 200}, "param": "",
                "showIf": null | {"match": "all" | "any", "conditions": [CONDITION, …]}}

    CONDITION = {"question": "q_…", "is": "equals", "value": "…"}

An empty label of the contact step means our own, in the visitor's language. What is missing takes its default, what
is unknown is dropped. A draft may be unfinished, so reading refuses wrong shapes only; `leadforms.publishing` says
what a draft still lacks.
"""

import re
import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from leadforms.untrusted import Untrusted
from leadforms.values import as_date as as_date
from leadforms.values import as_number as as_number
from leadforms.values import clean_text as clean_text
from leadforms.values import is_date as is_date
from leadforms.values import is_decimal as is_decimal
from webapi.errors import Issue

MAX_STEPS = 20
MAX_QUESTIONS = 150
# Every country fits.
MAX_OPTIONS = 250
MAX_CONDITIONS = 10
MAX_LABEL = 300
MAX_TITLE = 200
MAX_TEXT = 2000
MAX_OPTION = 200
MAX_CONSENT = 4000
MAX_PARAM = 64
# What an answer may have at most where its question says nothing smaller.
MAX_SHORT = 300
MAX_LONG = 5000
MAX_RATING = 10

CONTACT_LABELS = ("name", "phone", "email", "goal")

_ALPHABET = string.ascii_lowercase + string.digits
_question_id = re.compile(r"q_[a-z0-9]{6}").fullmatch
_step_id = re.compile(r"s_[a-z0-9]{6}").fullmatch


class QuestionType(models.TextChoices):
    """What a question asks for."""

    SHORT_TEXT = "short_text", _("Short text")
    LONG_TEXT = "long_text", _("Long text")
    EMAIL = "email", _("Email")
    PHONE = "phone", _("Phone")
    NUMBER = "number", _("Number")
    DATE = "date", _("Date")
    SINGLE_CHOICE = "single_choice", _("Single choice")
    MULTIPLE_CHOICE = "multiple_choice", _("Multiple choice")
    DROPDOWN = "dropdown", _("Dropdown")
    YES_NO = "yes_no", _("Yes or no")
    RATING = "rating", _("Rating")
    STATEMENT = "statement", _("Statement")
    HIDDEN = "hidden", _("Hidden")


class Operator(models.TextChoices):
    """How a condition compares an earlier answer with its value."""

    EQUALS = "equals", _("is")
    NOT_EQUALS = "not_equals", _("is not")
    CONTAINS = "contains", _("contains")
    GREATER = "greater", _("is greater than")
    LESS = "less", _("is less than")
    ANSWERED = "answered", _("is answered")
    NOT_ANSWERED = "not_answered", _("is not answered")


# Those that compare with a value.
COMPARING = frozenset({Operator.EQUALS, Operator.NOT_EQUALS, Operator.CONTAINS, Operator.GREATER, Operator.LESS})
WITH_OPTIONS = frozenset({QuestionType.SINGLE_CHOICE, QuestionType.MULTIPLE_CHOICE, QuestionType.DROPDOWN})
# Those that a visitor answers: a statement says something, a hidden one comes from the address.
TYPED = frozenset(QuestionType) - {QuestionType.STATEMENT, QuestionType.HIDDEN}
RULES_OF: dict[QuestionType, tuple[str, ...]] = {
    QuestionType.SHORT_TEXT: ("minLength", "maxLength"),
    QuestionType.LONG_TEXT: ("minLength", "maxLength"),
    QuestionType.NUMBER: ("min", "max", "whole"),
    QuestionType.DATE: ("earliest", "latest"),
    QuestionType.MULTIPLE_CHOICE: ("minChoices", "maxChoices"),
    QuestionType.RATING: ("scale",),
}


class ContentError(ValueError):
    """The document has a shape that no builder writes. `issues` name each place: {"path": […], "message": …}."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__("The form's content is not well-formed.")
        self.issues = issues


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison with an earlier answer."""

    question: str
    operator: Operator
    value: str = ""


@dataclass(frozen=True, slots=True)
class ShowIf:
    """When a question is shown: all of the conditions hold, or any."""

    match: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, a statement or a value taken from the address. `rules` holds those of RULES_OF its type only.

    Rules: minLength, maxLength, minChoices, maxChoices, scale are int, min and max Decimal as text, whole bool,
    earliest and latest ISO dates; absent means no limit.
    """

    id: str
    type: QuestionType
    label: str = ""
    help: str = ""
    placeholder: str = ""
    required: bool = False
    options: tuple[str, ...] = ()
    rules: dict[str, Any] = field(default_factory=dict)
    show_if: ShowIf | None = None
    # HIDDEN: the name of the parameter in the page's address.
    param: str = ""

    @property
    def scale(self) -> int:
        """How many steps a rating has."""
        return int(self.rules.get("scale", 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A screen of the form."""

    id: str
    title: str = ""
    text: str = ""
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The step that every form has: name, phone, email, goal, consent."""

    position: str = "last"
    title: str = ""
    text: str = ""
    labels: dict[str, str] = field(default_factory=lambda: dict.fromkeys(CONTACT_LABELS, ""))
    email_required: bool = False
    goal_shown: bool = True
    goal_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A whole form."""

    steps: tuple[Step, ...] = ()
    contact: Contact = Contact()
    consent: str = ""

    def questions(self) -> Iterator[Question]:
        """Yield every question in the order in which visitors meet them."""
        for step in self.steps:
            yield from step.questions

    def question(self, question_id: str) -> Question | None:
        """Find a question."""
        return next((question for question in self.questions() if question.id == question_id), None)


def new_question_id() -> str:
    """Make an id that a question keeps for life."""
    return "q_" + _random()


def new_step_id() -> str:
    """Make a step's id."""
    return "s_" + _random()


def _random() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def read_content(document: Any) -> Content:
    """Read a document. Raises ContentError that names everything that is wrong with its shape."""
    reader = _Reader()
    content = reader.content(document)
    if reader.issues:
        raise ContentError(reader.issues)
    return content


class _Reader(Untrusted):
    """Reads a content out of untrusted JSON."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def content(self, raw: Any) -> Content:
        raw = self._object(raw)
        return Content(
            steps=self._many(raw.get("steps"), MAX_STEPS, self._step, "steps"),
            contact=self._contact(self._object(raw.get("contact"), "contact")),
            consent=self._text(raw, "consent", MAX_CONSENT),
        )

    def _step(self, raw: Any, *path: str | int) -> Step:
        raw = self._object(raw, *path)
        return Step(
            id=self._id(raw, _step_id, *path),
            title=self._text(raw, "title", MAX_TITLE, *path),
            text=self._text(raw, "text", MAX_TEXT, *path),
            questions=self._many(raw.get("questions"), MAX_QUESTIONS, self._question, *path, "questions"),
        )

    def _question(self, raw: Any, *path: str | int) -> Question:
        raw = self._object(raw, *path)
        self._count += 1
        if self._count == MAX_QUESTIONS + 1:
            self.refuse(f"A form has at most {MAX_QUESTIONS} questions.", "steps")
        kind = self._choice(raw, "type", QuestionType, QuestionType.SHORT_TEXT, *path)
        has_options = kind in WITH_OPTIONS
        return Question(
            id=self._id(raw, _question_id, *path),
            type=kind,
            label=self._text(raw, "label", MAX_TEXT if kind == QuestionType.STATEMENT else MAX_LABEL, *path),
            help=self._text(raw, "help", MAX_TEXT, *path),
            placeholder=self._text(raw, "placeholder", MAX_LABEL, *path),
            required=raw.get("required") is True and kind in TYPED,
            options=self._many(raw.get("options"), MAX_OPTIONS, self._option, *path, "options") if has_options else (),
            rules=self._rules(self._object(raw.get("rules"), *path, "rules"), kind, *path, "rules"),
            show_if=self._show_if(raw.get("showIf"), *path, "showIf"),
            param=self._text(raw, "param", MAX_PARAM, *path) if kind == QuestionType.HIDDEN else "",
        )

    def _contact(self, raw: dict[str, Any]) -> Contact:
        labels = self._object(raw.get("labels"), "contact", "labels")
        return Contact(
            position="first" if raw.get("position") == "first" else "last",
            title=self._text(raw, "title", MAX_TITLE, "contact"),
            text=self._text(raw, "text", MAX_TEXT, "contact"),
            labels={name: self._text(labels, name, MAX_LABEL, "contact", "labels") for name in CONTACT_LABELS},
            email_required=raw.get("emailRequired") is True,
            goal_shown=raw.get("goalShown", True) is True,
            goal_required=raw.get("goalRequired") is True,
        )

    def _show_if(self, raw: Any, *path: str | int) -> ShowIf | None:
        if raw is None:
            return None
        raw = self._object(raw, *path)
        conditions = self._many(raw.get("conditions"), MAX_CONDITIONS, self._condition, *path, "conditions")
        return ShowIf("any" if raw.get("match") == "any" else "all", conditions) if conditions else None

    def _condition(self, raw: Any, *path: str | int) -> Condition:
        raw = self._object(raw, *path)
        # Empty while an operator has not chosen one yet.
        question = self._text(raw, "question", 8, *path)
        if question and not _question_id(question):
            self.refuse("Not a question's id.", *path, "question")
        operator = self._choice(raw, "is", Operator, Operator.EQUALS, *path)
        return Condition(question, operator, self._text(raw, "value", MAX_LABEL, *path))

    def _rules(self, raw: dict[str, Any], kind: QuestionType, *path: str | int) -> dict[str, Any]:
        rules: dict[str, Any] = {}
        for name in RULES_OF.get(kind, ()):
            value = raw.get(name)
            if value is None or value == "" or value is False:
                continue
            if not _RULES[name](value):
                self.refuse("Not a value for this rule.", *path, name)
                continue
            rules[name] = value
        return rules

    def _option(self, raw: Any, *path: str | int) -> str:
        return self._clean(raw, MAX_OPTION, *path)


def _whole_number(lowest: int, highest: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and lowest <= value <= highest


_RULES: dict[str, Callable[[Any], bool]] = {
    "minLength": _whole_number(1, MAX_LONG),
    "maxLength": _whole_number(1, MAX_LONG),
    "minChoices": _whole_number(1, MAX_OPTIONS),
    "maxChoices": _whole_number(1, MAX_OPTIONS),
    "scale": _whole_number(2, MAX_RATING),
    "min": is_decimal,
    "max": is_decimal,
    "whole": lambda value: value is True,
    "earliest": is_date,
    "latest": is_date,
}


def as_document(content: Content) -> dict[str, Any]:
    """Write a content as the document that `read_content` reads."""
    contact = content.contact
    return {
        "steps": [_step_document(step) for step in content.steps],
        "contact": {
            "position": contact.position,
            "title": contact.title,
            "text": contact.text,
            "labels": dict(contact.labels),
            "emailRequired": contact.email_required,
            "goalShown": contact.goal_shown,
            "goalRequired": contact.goal_required,
        },
        "consent": content.consent,
    }


def _step_document(step: Step) -> dict[str, Any]:
    questions = [question_document(question) for question in step.questions]
    return {"id": step.id, "title": step.title, "text": step.text, "questions": questions}


def question_document(question: Question) -> dict[str, Any]:
    """Write one question."""
    show_if = question.show_if
    return {
        "id": question.id,
        "type": question.type.value,
        "label": question.label,
        "help": question.help,
        "placeholder": question.placeholder,
        "required": question.required,
        "options": list(question.options),
        "rules": dict(question.rules),
        "param": question.param,
        "showIf": show_if
        and {
            "match": show_if.match,
            "conditions": [
                {"question": each.question, "is": each.operator.value, "value": each.value}
                for each in show_if.conditions
            ],
        },
    }
