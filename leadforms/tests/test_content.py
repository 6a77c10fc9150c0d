"""A form's document is read into values of a sure shape, or refused with every place named."""

from contextlib import suppress
from typing import Any

import pytest

from leadforms.content import ContentError, Question, as_document, read_content
from leadforms.tests.factories import document, question, step, when
from tests.properties import given
from tests.properties import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ["steps", "contact", "consent", "id", "questions", "type", "rules", "options", "showIf", "conditions", "labels"]
SHAPED = st.recursive(
    JSON | st.sampled_from(["q_a1b2c3", "s_a1b2c3", "number", "answered"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


def read_question(**fields: Any) -> Question:
    return next(read_content(document(question(**fields))).questions())


def test_what_was_written_is_read_back_the_same() -> None:
    first = question("number", rules={"min": "1", "max": "9.5", "whole": True})
    second = question("multiple_choice", required=True, showIf=when(first, "greater", "3", match="any"))
    written = as_document(read_content(document(first, second)))

    assert as_document(read_content(written)) == written
    assert written["steps"][0]["questions"][0]["rules"] == {"min": "1", "max": "9.5", "whole": True}
    assert written["steps"][0]["questions"][1]["showIf"] == {
        "match": "any",
        "conditions": [{"question": first["id"], "is": "greater", "value": "3"}],
    }


@given(SHAPED)
def test_whatever_comes_is_read_or_refused(raw: Any) -> None:
    with suppress(ContentError):
        content = read_content(raw)
        assert read_content(as_document(content)) == content


def test_names_every_place_at_once() -> None:
    bad = question(type="essay") | {"label": 5}
    twin = question(id=bad["id"])

    with pytest.raises(ContentError) as caught:
        read_content({"steps": [step(bad, twin), "?"], "contact": [], "consent": "x" * 4001})

    assert {tuple(issue["path"]) for issue in caught.value.issues} == {
        ("steps", 0, "questions", 0, "type"),
        ("steps", 0, "questions", 0, "label"),
        ("steps", 0, "questions", 1, "id"),
        ("steps", 1),
        ("steps", 1, "id"),
        ("contact",),
        ("consent",),
    }


@pytest.mark.parametrize("id_", ["q_ABC123", "q_abc12", "q_abc1234", "abc123", "q_abc12\n", "", None, 5])
def test_an_id_is_q_and_six_letters_or_digits(id_: Any) -> None:
    with pytest.raises(ContentError):
        read_question(id=id_)


def test_takes_no_more_questions_than_a_form_may_have() -> None:
    with pytest.raises(ContentError, match="not well-formed"):
        read_content({"steps": [step(*(question() for _ in range(80))), step(*(question() for _ in range(71)))]})


def test_control_characters_and_halves_of_characters_go() -> None:
    assert read_question(label=" A\x00B\ud800C\r\nD ").label == "ABC\nD"


def test_rules_of_other_types_and_empty_ones_are_dropped() -> None:
    assert read_question(kind="number", rules={"min": "", "max": "5", "maxLength": 3, "whole": False}).rules == {
        "max": "5"
    }


@pytest.mark.parametrize(
    ("kind", "rules"),
    [
        ("number", {"min": "1e5"}),
        ("number", {"min": 3}),
        ("number", {"min": "12.1234567"}),
        ("date", {"earliest": "2026-6-7"}),
        ("date", {"earliest": "20260607"}),
        ("date", {"latest": "2026-02-30"}),
        ("short_text", {"maxLength": 0}),
        ("short_text", {"maxLength": True}),
        ("rating", {"scale": 11}),
        ("rating", {"scale": 1}),
    ],
)
def test_refuses_rules_that_no_answer_could_be_held_against(kind: str, rules: dict[str, Any]) -> None:
    with pytest.raises(ContentError):
        read_question(kind=kind, rules=rules)


def test_what_nobody_types_is_never_required() -> None:
    assert not read_question(kind="statement", required=True).required
    assert not read_question(kind="hidden", required=True).required
