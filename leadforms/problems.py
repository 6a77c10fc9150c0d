"""What keeps a draft from being published, said to the person who writes it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from django.utils.translation import gettext as _

from leadforms.content import (
    COMPARING,
    MAX_LONG,
    MAX_SHORT,
    WITH_OPTIONS,
    Condition,
    Content,
    Operator,
    Question,
    QuestionType,
    Step,
    as_number,
    is_date,
)

CONSENT = "consent"
# Two limits of which the first may not be above the second.
_PAIRS = (("minLength", "maxLength"), ("min", "max"), ("earliest", "latest"), ("minChoices", "maxChoices"))
_MEASURED = frozenset({Operator.GREATER, Operator.LESS})
_COMPARABLE = frozenset({QuestionType.NUMBER, QuestionType.RATING, QuestionType.DATE, QuestionType.HIDDEN})
_parameter = re.compile(r"[A-Za-z0-9_.-]+").fullmatch


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a question, a step (their ids), the "contact" step or the "consent"."""

    target: str
    message: str


def find_problems(content: Content) -> list[Problem]:
    """Name everything that must be mended before a content may be published, in the form's order."""
    found = [
        *(Problem(step.id, message) for step in content.steps for message in _of_step(step)),
        *_of_questions(list(content.questions())),
    ]
    order = [target for step in content.steps for target in (step.id, *(each.id for each in step.questions))]
    places = {target: place for place, target in enumerate(order)}
    found.sort(key=lambda problem: places[problem.target])
    if not content.consent:
        found.append(Problem(CONSENT, _("Write what people agree to when they tick the box.")))
    return found


def _of_step(step: Step) -> Iterator[str]:
    if not (step.questions or step.title or step.text):
        yield _("This step is empty. Add a question or a text, or delete the step.")


def _of_questions(questions: list[Question]) -> Iterator[Problem]:
    everywhere = {question.id: question for question in questions}
    earlier: dict[str, Question] = {}
    params = Counter(question.param for question in questions if question.param)
    for question in questions:
        messages = [
            *_of_label(question),
            *_of_options(question),
            *_of_rules(question),
            *_of_param(question, params),
            *_of_conditions(question, earlier, everywhere),
        ]
        yield from (Problem(question.id, message) for message in messages)
        earlier[question.id] = question


def _of_label(question: Question) -> Iterator[str]:
    if question.label:
        return
    match question.type:
        case QuestionType.STATEMENT:
            yield _("Write the text.")
        case QuestionType.HIDDEN:
            yield _("Give the value a name: it stands beside it wherever you read it.")
        case _:
            yield _("Write the question.")


def _of_options(question: Question) -> Iterator[str]:
    if question.type not in WITH_OPTIONS:
        return
    if not question.options:
        yield _("Add an option.")
    if "" in question.options:
        yield _("An option is empty. Write it, or delete it.")
    written = Counter(option.lower() for option in question.options if option)
    for option in dict.fromkeys(option for option in question.options if written[option.lower()] > 1):
        yield _("The option “%(option)s” is there more than once.") % {"option": option}


def _of_rules(question: Question) -> Iterator[str]:
    rules = question.rules
    for low, high in _PAIRS:
        if low in rules and high in rules and _measure(rules[low]) > _measure(rules[high]):
            yield _("The lower limit is above the upper one.")
    longest = MAX_LONG if question.type == QuestionType.LONG_TEXT else MAX_SHORT
    if rules.get("minLength", 0) > longest:
        yield _("Nobody can write so much here: answers have at most %(number)d characters.") % {"number": longest}
    if rules.get("minChoices", 0) > len(question.options) > 0:
        yield _("There are fewer options than have to be chosen.")
    if rules.get("whole") and _no_whole_number(rules.get("min"), rules.get("max")):
        yield _("There is no whole number between the limits.")


def _measure(limit: Any) -> Any:
    number = as_number(limit) if isinstance(limit, str) else limit
    return limit if number is None else number


def _no_whole_number(low: str | None, high: str | None) -> bool:
    first, last = as_number(low or ""), as_number(high or "")
    return first is not None and last is not None and first <= last and ceil(first) > floor(last)


def _of_param(question: Question, params: Counter[str]) -> Iterator[str]:
    if question.type != QuestionType.HIDDEN:
        return
    if not question.param:
        yield _("Name the parameter of the address that the value comes from.")
    elif not _parameter(question.param):
        yield _("A parameter's name has letters, digits, “_”, “-” and “.” only.")
    elif params[question.param] > 1:
        yield _("Another question takes the parameter “%(param)s” already.") % {"param": question.param}


def _of_conditions(question: Question, earlier: dict[str, Question], everywhere: dict[str, Question]) -> Iterator[str]:
    conditions = question.show_if.conditions if question.show_if else ()
    for condition in conditions:
        if not condition.question:
            yield _("A condition lacks its question.")
        elif condition.question not in everywhere:
            yield _("A condition asks for a question that was deleted.")
        elif condition.question not in earlier:
            label = everywhere[condition.question].label or condition.question
            yield _("A condition asks for “%(question)s”, which comes later.") % {"question": label}
        elif message := _of_condition(condition, earlier[condition.question]):
            yield message


def _of_condition(condition: Condition, source: Question) -> str:
    words = {"question": source.label or source.id, "value": condition.value}
    if source.type == QuestionType.STATEMENT:
        return _("A condition asks for “%(question)s”, which nobody answers.") % words
    if condition.operator not in COMPARING:
        return ""
    if not condition.value:
        return _("The condition on “%(question)s” lacks a value.") % words
    if condition.operator in _MEASURED:
        if source.type not in _COMPARABLE:
            return _("“%(question)s” can't be greater or less than something: it is neither number nor date.") % words
        return "" if _fits(condition.value, source) else _("“%(value)s” can't be compared with “%(question)s”.") % words
    if condition.operator != Operator.CONTAINS and not _possible(condition.value, source):
        return _("“%(value)s” is no possible answer to “%(question)s”.") % words
    return ""


def _fits(value: str, source: Question) -> bool:
    if source.type == QuestionType.DATE:
        return is_date(value)
    return as_number(value) is not None or (source.type == QuestionType.HIDDEN and is_date(value))


def _possible(value: str, source: Question) -> bool:
    """Tell whether an answer can ever equal a value; an option that was renamed makes this false."""
    folded = value.strip().lower()
    match source.type:
        case QuestionType.SINGLE_CHOICE | QuestionType.MULTIPLE_CHOICE | QuestionType.DROPDOWN:
            return folded in {option.lower() for option in source.options}
        case QuestionType.YES_NO:
            return folded in {"yes", "no"}
        case QuestionType.RATING:
            return folded in {str(step) for step in range(1, source.scale + 1)}
        case QuestionType.NUMBER:
            return as_number(folded) is not None
        case QuestionType.DATE:
            return is_date(folded)
        case _:
            return True
