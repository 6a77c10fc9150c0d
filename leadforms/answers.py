"""What a visitor posted → the answers that are stored, and what is wrong with the rest, named at its field."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import phonenumbers
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadforms.content import MAX_LONG, MAX_SHORT, Content, Question, QuestionType, as_date, as_number, clean_text
from leadforms.logic import is_shown
from leadforms.typed import read_number, read_phone
from leads import emails
from leads.names import clean_name
from leads.phone import HasExtension
from leads.validation import GOAL_MAX, NAME_MAX

# Between the options of a multiple choice, where they are stored as one text.
JOINT = "; "
# The name of a phone's country select: the phone's own with this behind it.
REGION = "_region"
CONTACT_FIELDS = ("name", "phone", "email", "goal", "consent")
# How much of what was typed is shown again. More than is accepted, so that a text can be shortened by who wrote it.
MAX_RAW = 2 * MAX_LONG
MAX_RAW_VALUES = 100


class Posted(Protocol):
    """A request's fields: Django's QueryDict fits."""

    def getlist(self, key: str, /) -> Sequence[Any]: ...


class _Refused(ValueError):
    """An answer that can't be stored; the words are for who gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAnswers:
    """The contact step; each is "" when it is absent or wrong. `phone` is E.164."""

    name: str = ""
    phone: str = ""
    email: str = ""
    goal: str = ""
    consent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read: answers to shown questions alone, and for each field that is wrong a message, in page order."""

    contact: ContactAnswers
    answers: dict[str, str] = field(default_factory=dict)
    issues: dict[str, str] = field(default_factory=dict)


def read_answers(content: Content, post: Posted, *, region: str) -> Read:
    """Read a submission. Never raises, whatever was posted.

    `region` is the country (two letters, or "") of phone numbers without a country code, where the field's own
    select says none. What the form doesn't ask for is not looked at. Store answers only when there are no issues.
    """
    answers, of_questions = _read_questions(content, post, region=region)
    contact, of_contact = _read_contact(content, post, region=region)
    first_last = (of_contact, of_questions) if content.contact.position == "first" else (of_questions, of_contact)
    return Read(contact=contact, answers=answers, issues=first_last[0] | first_last[1])


def raw_answers(content: Content, post: Posted) -> dict[str, list[str]]:
    """Return what was typed into the form's own fields, to be shown again, cut to a length that can't hurt."""
    names = [*CONTACT_FIELDS, f"phone{REGION}"]
    for question in content.questions():
        names.append(question.id)
        if question.type == QuestionType.PHONE:
            names.append(question.id + REGION)
    typed = {name: [_clean(value) for value in post.getlist(name)[:MAX_RAW_VALUES]] for name in names}
    return {name: values for name, values in typed.items() if values}


def _read_questions(content: Content, post: Posted, *, region: str) -> tuple[dict[str, str], dict[str, str]]:
    answers: dict[str, str] = {}
    issues: dict[str, str] = {}
    # What the conditions of later questions look at, as leadforms.logic wants it.
    counted: dict[str, Sequence[str]] = {}
    for question in content.questions():
        if not is_shown(question.show_if, counted):
            continue
        typed = [text for value in post.getlist(question.id) if (text := _clean(value))]
        try:
            values = _read_question(question, typed, region=_region(post, question.id, region))
        except _Refused as refusal:
            issues[question.id] = str(refusal)
            # Shown on the visitor's page by what is typed there: what depends on it is checked along with it.
            counted[question.id] = typed
            continue
        counted[question.id] = values
        if values:
            answers[question.id] = JOINT.join(values)
    return answers, issues


def _read_question(question: Question, typed: list[str], *, region: str) -> list[str]:
    match question.type:
        case QuestionType.STATEMENT:
            return []
        case QuestionType.HIDDEN:
            value = _one_line(typed[-1]) if typed else ""
            return [value] if 0 < len(value) <= MAX_SHORT else []
        case QuestionType.MULTIPLE_CHOICE:
            return _read_choices(question, typed)
        case QuestionType.PHONE if typed:
            return [_phone(typed[-1], region=region)]
    if typed:
        return [_READERS[question.type](question, typed[-1])]
    if question.required:
        raise _Refused(_missing(question))
    return []


def _missing(question: Question) -> str:
    match question.type:
        case QuestionType.SINGLE_CHOICE | QuestionType.DROPDOWN | QuestionType.YES_NO | QuestionType.RATING:
            return _("Please choose one of the options.")
        case QuestionType.PHONE:
            return _("Please enter a phone number.")
        case QuestionType.EMAIL:
            return _("Please enter an email address.")
        case QuestionType.NUMBER:
            return _("Please enter a number.")
        case QuestionType.DATE:
            return _("Please enter a date.")
        case _:
            return _("Please answer this question.")


def _read_choices(question: Question, typed: list[str]) -> list[str]:
    chosen = [option for option in question.options if option in typed]
    if set(typed) - set(chosen):
        raise _Refused(_("Please choose from the options."))
    # Rules are about those who answer; whether one must is the question's own matter.
    least = max(question.rules.get("minChoices", 0) if chosen else 0, 1 if question.required else 0)
    if len(chosen) < least:
        least = max(least, question.rules.get("minChoices", 0))
        text = ngettext(
            "Please choose at least %(number)d option.", "Please choose at least %(number)d options.", least
        )
        raise _Refused(text % {"number": least})
    most = question.rules.get("maxChoices", len(question.options))
    if len(chosen) > most:
        text = ngettext("Please choose at most %(number)d option.", "Please choose at most %(number)d options.", most)
        raise _Refused(text % {"number": most})
    return chosen


def _read_short(question: Question, text: str) -> str:
    return _limited(_one_line(text), question.rules, MAX_SHORT)


def _read_long(question: Question, text: str) -> str:
    return _limited(text, question.rules, MAX_LONG)


def _limited(text: str, rules: dict[str, Any], longest: int) -> str:
    _check_length(text, min(longest, rules.get("maxLength", longest)))
    least = rules.get("minLength", 0)
    if len(text) < least:
        words = ngettext(
            "Please write at least %(number)d character.", "Please write at least %(number)d characters.", least
        )
        raise _Refused(words % {"number": least})
    return text


def _check_length(text: str, longest: int) -> None:
    if len(text) > longest:
        words = ngettext(
            "Please write at most %(number)d character.", "Please write at most %(number)d characters.", longest
        )
        raise _Refused(words % {"number": longest})


def _read_email(question: Question, text: str) -> str:
    return _email(text)


def _email(text: str) -> str:
    try:
        return emails.normalise(text)
    except emails.NotAnEmail:
        raise _Refused(_("Please check the email address. It looks like name@example.com.")) from None


def _phone(text: str, *, region: str) -> str:
    try:
        number = read_phone(text, region=region)
    except HasExtension:
        raise _Refused(_("Extensions can’t be dialled. Please enter the number without its extension.")) from None
    if number is None:
        raise _Refused(_("Please check the phone number. With its country code it looks like +44 7123 456789."))
    return number


def _read_number(question: Question, text: str) -> str:
    value = read_number(text)
    number = as_number(value) if value else None
    if value is None or number is None:
        raise _Refused(_("Please enter a number, in digits."))
    _check_range(number, as_number(question.rules.get("min", "")), as_number(question.rules.get("max", "")))
    if question.rules.get("whole") and number != number.to_integral_value():
        raise _Refused(_("Please enter a whole number."))
    return value


def _check_range(number: Decimal, least: Decimal | None, most: Decimal | None) -> None:
    if least is not None and number < least:
        raise _Refused(_("Please enter %(number)s or more.") % {"number": number_format(least)})
    if most is not None and number > most:
        raise _Refused(_("Please enter %(number)s or less.") % {"number": number_format(most)})


def _read_date(question: Question, text: str) -> str:
    date = as_date(text)
    if date is None:
        raise _Refused(_("Please enter a date as year-month-day, like 2026-06-30."))
    earliest, latest = as_date(question.rules.get("earliest")), as_date(question.rules.get("latest"))
    if earliest and date < earliest:
        raise _Refused(_("Please choose %(date)s or a later day.") % {"date": date_format(earliest)})
    if latest and date > latest:
        raise _Refused(_("Please choose %(date)s or an earlier day.") % {"date": date_format(latest)})
    return text


def _read_option(question: Question, text: str) -> str:
    return _one_of(text, question.options)


def _read_yes_no(question: Question, text: str) -> str:
    return _one_of(text, ("yes", "no"))


def _read_rating(question: Question, text: str) -> str:
    return _one_of(text, [str(step) for step in range(1, question.scale + 1)])


def _one_of(text: str, options: Sequence[str]) -> str:
    if text not in options:
        raise _Refused(_("Please choose one of the options."))
    return text


_READERS: dict[QuestionType, Callable[[Question, str], str]] = {
    QuestionType.SHORT_TEXT: _read_short,
    QuestionType.LONG_TEXT: _read_long,
    QuestionType.EMAIL: _read_email,
    QuestionType.NUMBER: _read_number,
    QuestionType.DATE: _read_date,
    QuestionType.SINGLE_CHOICE: _read_option,
    QuestionType.DROPDOWN: _read_option,
    QuestionType.YES_NO: _read_yes_no,
    QuestionType.RATING: _read_rating,
}


def _read_contact(content: Content, post: Posted, *, region: str) -> tuple[ContactAnswers, dict[str, str]]:
    typed = {name: _clean((post.getlist(name) or [""])[-1]) for name in CONTACT_FIELDS}
    region = _region(post, "phone", region)
    contact = content.contact
    read: dict[str, Any] = {}
    issues: dict[str, str] = {}
    readers: dict[str, Callable[[str], Any]] = {
        "name": _contact_name,
        "phone": lambda text: _contact_phone(text, region=region),
        "email": lambda text: _contact_email(text, required=contact.email_required),
        "goal": lambda text: _contact_goal(text, required=contact.goal_required),
        "consent": _consent,
    }
    if not contact.goal_shown:
        del readers["goal"]
    for name, reader in readers.items():
        try:
            read[name] = reader(typed[name])
        except _Refused as refusal:
            issues[name] = str(refusal)
    return ContactAnswers(**read), issues


def _contact_name(text: str) -> str:
    if not clean_name(text):
        raise _Refused(_("Please enter your name."))
    name = _one_line(text)
    _check_length(name, NAME_MAX)
    return name


def _contact_phone(text: str, *, region: str) -> str:
    if not text:
        raise _Refused(_("Please enter your phone number."))
    return _phone(text, region=region)


def _contact_email(text: str, *, required: bool) -> str:
    if not text and required:
        raise _Refused(_("Please enter your email address."))
    return _email(text) if text else ""


def _contact_goal(text: str, *, required: bool) -> str:
    if not text and required:
        raise _Refused(_("Please answer this question."))
    _check_length(text, GOAL_MAX)
    return text


def _consent(text: str) -> bool:
    if text != "yes":
        raise _Refused(_("Please tick this box if you agree. Without it we may not contact you."))
    return True


def _region(post: Posted, name: str, default: str) -> str:
    chosen = _clean((post.getlist(name + REGION) or [""])[-1]).upper()
    return chosen if chosen in phonenumbers.SUPPORTED_REGIONS else default


def _clean(value: Any) -> str:
    return clean_text(str(value)[: MAX_RAW + 1])[:MAX_RAW]


def _one_line(text: str) -> str:
    return " ".join(_lines(text))


def _lines(text: str) -> Iterator[str]:
    return (line for part in text.splitlines() if (line := part.strip()))
