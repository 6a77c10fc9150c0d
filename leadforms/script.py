"""What static/js/form.js must know to check answers and apply conditions before anything is sent.

The rules and the words are those of leadforms.answers, which has the last word.
"""

from typing import Any

from django.utils.formats import date_format, get_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadforms.content import MAX_LONG, MAX_SHORT, Content, Question, QuestionType, question_document
from leadforms.values import as_date, as_number
from leads.validation import GOAL_MAX, NAME_MAX

_Messages = dict[str, str]
_LONGEST = {QuestionType.SHORT_TEXT: MAX_SHORT, QuestionType.LONG_TEXT: MAX_LONG}


def script_data(content: Content) -> dict[str, Any]:
    """Describe the form's fields, in the active language."""
    return {
        "questions": [_describe(question) for question in content.questions()],
        "contact": _contact(content),
        "point": get_format("DECIMAL_SEPARATOR"),
        "words": {
            "error": _("Error:"),
            "check": _("Please check these answers"),
            "next": _("Next"),
            "sending": _("Sending…"),
            "step": _("Step %(number)s of %(count)s"),
            "preview": _("This is a preview: nothing is sent."),
        },
    }


def _describe(question: Question) -> dict[str, Any]:
    document = question_document(question)
    told = {name: document[name] for name in ("id", "type", "required", "rules", "showIf")}
    if question.type in _LONGEST:
        longest = _LONGEST[question.type]
        told["rules"] = told["rules"] | {"maxLength": min(longest, question.rules.get("maxLength", longest))}
    return told | {"says": _says(question, told["rules"])}


def _contact(content: Content) -> list[dict[str, Any]]:
    contact = content.contact
    box = _("Please tick this box if you agree. Without it we may not contact you.")
    email = {"missing": _("Please enter your email address."), "wrong": _wrong_email()}
    return [
        _own("name", {"missing": _("Please enter your name.")}, kind="short_text", longest=NAME_MAX),
        _own("phone", {"missing": _("Please enter your phone number."), "wrong": _wrong_phone()}, kind="phone"),
        _own("email", email, kind="email", required=contact.email_required),
        _own(
            "goal",
            {"missing": _("Please answer this question.")},
            kind="long_text",
            required=contact.goal_required,
            longest=GOAL_MAX,
        ),
        _own("consent", {"missing": box}, kind="consent"),
    ]


def _own(name: str, says: _Messages, *, kind: str, required: bool = True, longest: int = 0) -> dict[str, Any]:
    rules = {"maxLength": longest} if longest else {}
    says = says | ({"long": _too_long(longest)} if longest else {})
    return {"id": name, "type": kind, "required": required, "rules": rules, "showIf": None, "says": says}


def _says(question: Question, rules: dict[str, Any]) -> _Messages:
    match question.type:
        case QuestionType.SHORT_TEXT | QuestionType.LONG_TEXT:
            return {"missing": _("Please answer this question."), **_lengths(rules)}
        case QuestionType.EMAIL:
            return {"missing": _("Please enter an email address."), "wrong": _wrong_email()}
        case QuestionType.PHONE:
            return {"missing": _("Please enter a phone number."), "wrong": _wrong_phone()}
        case QuestionType.NUMBER:
            return _numbers(rules)
        case QuestionType.DATE:
            return _dates(rules)
        case QuestionType.MULTIPLE_CHOICE:
            return _choices(rules)
        case QuestionType.STATEMENT | QuestionType.HIDDEN:
            return {}
        case _:
            return {"missing": _("Please choose one of the options.")}


def _lengths(rules: dict[str, Any]) -> _Messages:
    least = rules.get("minLength", 0)
    short = ngettext(
        "Please write at least %(number)d character.", "Please write at least %(number)d characters.", least
    )
    return {"short": short % {"number": least}, "long": _too_long(rules["maxLength"])}


def _too_long(longest: int) -> str:
    words = ngettext(
        "Please write at most %(number)d character.", "Please write at most %(number)d characters.", longest
    )
    return words % {"number": longest}


def _numbers(rules: dict[str, Any]) -> _Messages:
    least, most = as_number(rules.get("min", "")), as_number(rules.get("max", ""))
    return {
        "missing": _("Please enter a number."),
        "wrong": _("Please enter a number, in digits."),
        "whole": _("Please enter a whole number."),
        "low": "" if least is None else _("Please enter %(number)s or more.") % {"number": number_format(least)},
        "high": "" if most is None else _("Please enter %(number)s or less.") % {"number": number_format(most)},
    }


def _dates(rules: dict[str, Any]) -> _Messages:
    earliest, latest = as_date(rules.get("earliest")), as_date(rules.get("latest"))
    return {
        "missing": _("Please enter a date."),
        "wrong": _("Please enter a date as year-month-day, like 2026-06-30."),
        "low": _("Please choose %(date)s or a later day.") % {"date": date_format(earliest)} if earliest else "",
        "high": _("Please choose %(date)s or an earlier day.") % {"date": date_format(latest)} if latest else "",
    }


def _choices(rules: dict[str, Any]) -> _Messages:
    least, most = max(1, rules.get("minChoices", 0)), rules.get("maxChoices", 0)
    few = ngettext("Please choose at least %(number)d option.", "Please choose at least %(number)d options.", least)
    many = ngettext("Please choose at most %(number)d option.", "Please choose at most %(number)d options.", most)
    return {
        "missing": few % {"number": least},
        "few": few % {"number": least},
        "many": many % {"number": most},
    }


def _wrong_email() -> str:
    return _("Please check the email address. It looks like name@example.com.")


def _wrong_phone() -> str:
    return _("Please check the phone number. With its country code it looks like +44 7123 456789.")
