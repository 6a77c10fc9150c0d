"""What keeps a draft from being published is named at the place where it is mended."""

from typing import Any

import pytest

from leadforms.content import read_content
from leadforms.problems import find_problems
from leadforms.tests.factories import document, question, step, when


def problems(*questions: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    return [(each.target, each.message) for each in find_problems(read_content(document(*questions, **fields)))]


def test_nothing_is_wrong_with_one_of_each_type() -> None:
    kinds = (
        *("short_text", "long_text", "email", "phone", "number", "date", "single_choice", "multiple_choice"),
        *("dropdown", "yes_no", "rating", "statement", "hidden"),
    )
    assert problems(*(question(kind) for kind in kinds)) == []


def test_a_form_may_have_the_contact_step_alone() -> None:
    assert problems() == []


def test_a_consent_is_written() -> None:
    assert problems(consent="  ") == [("consent", "Write what people agree to when they tick the box.")]


def test_names_what_is_wrong_in_the_order_of_the_form() -> None:
    first, last = question(label=""), question(label="")
    empty = step()
    content = read_content({"steps": [step(first), empty, step(last)]})

    assert [problem.target for problem in find_problems(content)] == [first["id"], empty["id"], last["id"], "consent"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": ""}, "Write the question."),
        ({"kind": "statement", "label": ""}, "Write the text."),
        ({"kind": "hidden", "label": ""}, "Give the value a name: it stands beside it wherever you read it."),
        ({"kind": "dropdown", "options": []}, "Add an option."),
        ({"kind": "dropdown", "options": ["A", ""]}, "An option is empty. Write it, or delete it."),
        ({"kind": "dropdown", "options": ["A", "B", "A"]}, "The option “A” is there more than once."),
        ({"kind": "number", "rules": {"min": "10", "max": "9"}}, "The lower limit is above the upper one."),
        (
            {"kind": "date", "rules": {"earliest": "2026-02-01", "latest": "2026-01-01"}},
            "The lower limit is above the upper one.",
        ),
        ({"rules": {"minLength": 9, "maxLength": 8}}, "The lower limit is above the upper one."),
        ({"rules": {"minLength": 301}}, "Nobody can write so much here: answers have at most 300 characters."),
        ({"kind": "multiple_choice", "rules": {"minChoices": 4}}, "There are fewer options than have to be chosen."),
        (
            {"kind": "number", "rules": {"min": "1.2", "max": "1.8", "whole": True}},
            "There is no whole number between the limits.",
        ),
        ({"kind": "hidden", "param": ""}, "Name the parameter of the address that the value comes from."),
        ({"kind": "hidden", "param": "a b"}, "A parameter's name has letters, digits, “_”, “-” and “.” only."),
    ],
)
def test_names_what_is_wrong_with_a_question(fields: dict[str, Any], message: str) -> None:
    wrong = question(**fields)
    assert problems(wrong) == [(wrong["id"], message)]


def test_two_questions_take_no_parameter_twice() -> None:
    first, second = question("hidden", param="ref"), question("hidden", param="ref")
    message = "Another question takes the parameter “ref” already."
    assert problems(first, second) == [(first["id"], message), (second["id"], message)]


@pytest.mark.parametrize(
    ("source", "operator", "value", "message"),
    [
        ({"kind": "statement"}, "answered", "", "A condition asks for “Source”, which nobody answers."),
        ({}, "equals", "", "The condition on “Source” lacks a value."),
        (
            {},
            "greater",
            "5",
            "“Source” can't be greater or less than something: it is neither number nor date.",
        ),
        ({"kind": "number"}, "greater", "much", "“much” can't be compared with “Source”."),
        ({"kind": "date"}, "less", "5", "“5” can't be compared with “Source”."),
        ({"kind": "dropdown"}, "equals", "Pink", "“Pink” is no possible answer to “Source”."),
        ({"kind": "yes_no"}, "not_equals", "maybe", "“maybe” is no possible answer to “Source”."),
        ({"kind": "rating", "rules": {"scale": 3}}, "equals", "4", "“4” is no possible answer to “Source”."),
    ],
)
def test_names_conditions_that_never_hold(source: dict[str, Any], operator: str, value: str, message: str) -> None:
    first = question(label="Source", **source)
    second = question(showIf=when(first, operator, value))
    assert problems(first, second) == [(second["id"], message)]


def test_a_condition_asks_for_an_earlier_question() -> None:
    later, gone = question(label="Where to?"), question()
    first = question(showIf=when(later))
    second = question(showIf=when(gone))
    third = question(showIf={"match": "all", "conditions": [{"question": "", "is": "answered"}]})
    assert problems(first, second, third, later) == [
        (first["id"], "A condition asks for “Where to?”, which comes later."),
        (second["id"], "A condition asks for a question that was deleted."),
        (third["id"], "A condition lacks its question."),
    ]
