"""Which questions are shown, by the answers before them."""

from typing import Any

import pytest
from django.http import QueryDict

from leadforms.answers import read_answers
from leadforms.content import Condition, Operator, ShowIf, read_content
from leadforms.logic import is_shown
from leadforms.tests.factories import document, question, when


@pytest.mark.parametrize(
    ("operator", "value", "answers", "shown"),
    [
        ("equals", "red", ["Red "], True),
        ("equals", "Red", ["Green"], False),
        ("equals", "Red", ["Green", "Red"], True),
        ("equals", "Red", [], False),
        ("not_equals", "Red", ["Green"], True),
        ("not_equals", "Red", ["Red"], False),
        ("not_equals", "Red", [], True),
        ("contains", "RE", ["Green"], True),
        ("contains", "x", ["Green"], False),
        ("contains", "x", [], False),
        ("answered", "", ["  "], False),
        ("answered", "", ["no"], True),
        ("not_answered", "", [], True),
        ("not_answered", "", ["no"], False),
        ("greater", "9", ["10"], True),
        ("greater", "9", ["9"], False),
        ("greater", "-1.5", ["-1.25"], True),
        ("less", "9", ["8.999999"], True),
        ("less", "9", ["ten"], False),
        ("greater", "2026-01-31", ["2026-02-01"], True),
        ("less", "2026-01-31", ["2026-01-31"], False),
        ("greater", "5", ["2026-02-01"], False),
        ("greater", "5", [], False),
        ("less", "5", [], False),
    ],
)
def test_conditions(operator: str, value: str, answers: list[str], shown: bool) -> None:
    condition = Condition("q_colour", Operator(operator), value)

    assert is_shown(ShowIf("all", (condition,)), {"q_colour": answers}) is shown


def read(content: Any, **typed: str) -> list[str]:
    """Say which questions' answers are read."""
    post = QueryDict(mutable=True)
    post.update(typed)
    return list(read_answers(read_content(content), post, region="").answers)


def test_what_depends_on_a_question_that_is_not_shown_is_not_shown_either() -> None:
    first = question(id="q_first0")
    second = question(id="q_second", showIf=when(first, "equals", "yes"))
    third = question(id="q_third0", showIf=when(second))
    content = document(first, second, third)

    assert read(content, q_first0="yes", q_second="x", q_third0="x") == ["q_first0", "q_second", "q_third0"]
    assert read(content, q_first0="no", q_second="x", q_third0="x") == ["q_first0"]


@pytest.mark.parametrize(("match", "shown"), [("any", True), ("all", False)])
def test_any_or_all_of_several(match: str, shown: bool) -> None:
    first, second = question(id="q_first0"), question(id="q_second")
    both = when(first)["conditions"] + when(second)["conditions"]
    third = question(id="q_third0", showIf={"match": match, "conditions": both})

    assert ("q_third0" in read(document(first, second, third), q_first0="x", q_third0="x")) is shown
