"""Which questions are shown, by the answers before them."""

from typing import Any

import pytest

from leadforms.content import read_content
from leadforms.logic import shown_questions
from leadforms.tests.factories import document, question, when

RED = question("single_choice", id="q_colour")


def is_shown(operator: str, value: str, *answers: str, source: dict[str, Any] = RED) -> bool:
    asked = question(showIf=when(source, operator, value))
    content = read_content(document(source, asked))
    return asked["id"] in {each.id for each in shown_questions(content.questions(), {source["id"]: answers})}


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
    assert is_shown(operator, value, *answers) is shown


def ids_shown(content: Any, **answers: str) -> list[str]:
    typed = {name: [answer] for name, answer in answers.items()}
    return [each.id for each in shown_questions(read_content(content).questions(), typed)]


def test_what_depends_on_a_question_that_is_not_shown_is_not_shown_either() -> None:
    first = question(id="q_first0")
    second = question(id="q_second", showIf=when(first, "equals", "yes"))
    third = question(id="q_third0", showIf=when(second))
    content = document(first, second, third)

    assert ids_shown(content, q_first0="yes", q_second="x") == ["q_first0", "q_second", "q_third0"]
    assert ids_shown(content, q_first0="no", q_second="x") == ["q_first0"]


@pytest.mark.parametrize(("match", "shown"), [("any", True), ("all", False)])
def test_any_or_all_of_several(match: str, shown: bool) -> None:
    first, second = question(id="q_first0"), question(id="q_second")
    both = when(first)["conditions"] + when(second)["conditions"]
    third = question(id="q_third0", showIf={"match": match, "conditions": both})

    assert ("q_third0" in ids_shown(document(first, second, third), q_first0="x")) is shown
