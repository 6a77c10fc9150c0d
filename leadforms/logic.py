"""Which questions a visitor sees, by what was answered before them. static/js/form-logic.js does the same.

An answer is a list of texts: [] is none, one for most types, several for a multiple choice. Texts are compared
without regard to case and outer white space. `greater` and `less` compare numbers as numbers and ISO dates as
dates, and are false for anything else. A question that is not shown, not there or not earlier counts as not answered.
"""

from collections.abc import Mapping, Sequence

from leadforms.content import Condition, Operator, ShowIf, as_number, is_date

Answers = Mapping[str, Sequence[str]]


def is_shown(show_if: ShowIf | None, earlier: Answers) -> bool:
    """Tell whether conditions hold, given the answers to the shown questions before."""
    if show_if is None:
        return True
    results = (_holds(condition, earlier) for condition in show_if.conditions)
    return any(results) if show_if.match == "any" else all(results)


def _holds(condition: Condition, earlier: Answers) -> bool:
    answers = [folded for answer in earlier.get(condition.question, ()) if (folded := _fold(answer))]
    wanted = _fold(condition.value)
    match condition.operator:
        case Operator.ANSWERED:
            return bool(answers)
        case Operator.NOT_ANSWERED:
            return not answers
        case Operator.EQUALS:
            return wanted in answers
        case Operator.NOT_EQUALS:
            return wanted not in answers
        case Operator.CONTAINS:
            return any(wanted in answer for answer in answers)
        case Operator.GREATER:
            return any(_is_greater(answer, wanted) for answer in answers)
        case Operator.LESS:
            return any(_is_greater(wanted, answer) for answer in answers)


def _fold(text: str) -> str:
    return text.strip().lower()


def _is_greater(left: str, right: str) -> bool:
    if is_date(left) and is_date(right):
        return left > right
    first, second = as_number(left), as_number(right)
    return first is not None and second is not None and first > second
