"""What changed between two versions, in sentences that name it."""

from typing import Any

from leadforms.changes import describe_changes, moved
from leadforms.content import read_content
from leadforms.tests.factories import CONSENT, document, question, step, when
from tests.properties import given
from tests.properties import strategies as st


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return describe_changes(read_content(old), read_content(new))


def of_question(kind: str = "short_text", /, **after: Any) -> list[str]:
    before = question(kind, "Budget")
    return changes(document(before), document(before | after))


def test_a_first_version_has_nothing_to_differ_from() -> None:
    assert describe_changes(None, read_content(document(question()))) == ["First version."]


def test_the_same_has_no_changes() -> None:
    content = document(question("dropdown"), question("hidden"))
    assert changes(content, content) == []


def test_names_what_changed_in_a_question() -> None:
    assert of_question(label="Monthly budget") == ["“Budget” is now “Monthly budget”."]
    assert of_question(type="number") == ["“Budget” is now of the type number, not short text any more."]
    assert of_question(required=True) == ["“Budget” must now be answered."]
    assert of_question(help="In pounds") == ["The help text of “Budget” changed."]
    assert of_question(placeholder="500") == ["The example in “Budget” changed."]
    assert of_question(rules={"maxLength": 5}) == ["The limits of “Budget” changed."]
    assert of_question("hidden", param="ref") == ["“Budget” now comes from the parameter “ref”."]
    assert of_question("dropdown", options=["Red", "Green", "Gold"]) == [
        "“Budget” has new options: “Gold”.",
        "“Budget” has lost options: “Blue”.",
    ]
    assert of_question("dropdown", options=["Blue", "Red", "Green"]) == [
        "The options of “Budget” stand in another order."
    ]


def test_names_questions_that_came_went_and_moved() -> None:
    one, two, three = question(label="One"), question(label="Two"), question(label="Three")

    assert changes(document(one, two), document(two, three)) == ["“One” was removed.", "“Three” was added."]
    assert changes(document(one, two, three), document(three, one, two)) == ["“Three” was moved."]


def test_names_the_step_that_a_question_was_moved_to() -> None:
    one, two = question(label="One"), question(label="Two")
    first, second = step(one, two, title="Start"), step(title="End")
    after = [first | {"questions": [two]}, second | {"questions": [one]}]

    assert changes({"steps": [first, second]}, {"steps": after}) == ["“One” was moved to Step “End”."]


def test_names_steps_and_takes_their_questions_along_in_silence() -> None:
    first, second, last = step(question(), question(), title="Start"), step(question()), step(question())
    third = step(question(label="New"))

    assert changes({"steps": [first, second, last]}, {"steps": [second, last, first | {"title": "Begin"}]}) == [
        "Step “Begin” was moved.",
        "Step “Start” is now “Begin”.",
    ]
    assert changes({"steps": [first]}, {"steps": [first, third]}) == ["Step 2 was added.", "“New” was added."]


def test_names_conditions() -> None:
    source, bare = question(label="Source"), question(label="Asked")
    one, other = (bare | {"showIf": when(source, operator)} for operator in ("answered", "not_answered"))

    assert changes(document(source, bare), document(source, one)) == ["“Asked” is now shown under a condition only."]
    assert changes(document(source, one), document(source, other)) == ["The conditions of “Asked” changed."]
    assert changes(document(source, one), document(source, bare)) == ["“Asked” is now always shown."]


def test_names_the_contact_step_and_the_consent() -> None:
    after = {"position": "first", "title": "You", "labels": {"name": "Your name"}, "emailRequired": True}

    assert changes(document(), document(contact=after, consent=CONSENT + " Really.")) == [
        "The contact step comes first now.",
        "The title or the text of the contact step changed.",
        "The label of the name in the contact step changed.",
        "The email must now be given.",
        "The consent text changed.",
    ]
    assert changes(document(), document(contact={"goalShown": False})) == [
        "The contact step doesn't ask for the goal any more."
    ]
    assert changes(document(), document(contact={"goalRequired": True})) == ["The goal must now be given."]


def test_long_names_are_cut() -> None:
    (sentence,) = changes(document(), document(question(label="x" * 300)))[1:]
    assert sentence == f"“{'x' * 79}…” was added."


@given(st.permutations([str(n) for n in range(7)]))
def test_what_did_not_move_stands_in_its_old_order(after: list[str]) -> None:
    before = sorted(after)
    gone = moved(before, after)
    assert [each for each in after if each not in gone] == [each for each in before if each not in gone]


def test_taking_one_to_the_other_end_moves_one_alone() -> None:
    assert moved("abcdef", "bcdefa") == ["a"]
    assert moved("abcdef", "fabcde") == ["f"]
