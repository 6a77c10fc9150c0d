"""Before anything is sent, the script says what the server would say."""

from typing import Any

import pytest
from django.http import QueryDict

from leadforms.answers import read_answers
from leadforms.content import read_content
from leadforms.script import script_data
from leadforms.tests.factories import document, question

CASES: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("short_text", {"required": True}, "missing", []),
    ("short_text", {"rules": {"maxLength": 5}}, "long", ["six is"]),
    ("short_text", {}, "long", ["x" * 301]),
    ("long_text", {"rules": {"minLength": 5}}, "short", ["four"]),
    ("long_text", {}, "long", ["x" * 5001]),
    ("email", {"required": True}, "missing", []),
    ("email", {}, "wrong", ["ada"]),
    ("phone", {"required": True}, "missing", []),
    ("phone", {}, "wrong", ["12"]),
    ("number", {"required": True}, "missing", []),
    ("number", {}, "wrong", ["ten"]),
    ("number", {"rules": {"whole": True}}, "whole", ["1.5"]),
    ("number", {"rules": {"min": "3"}}, "low", ["2"]),
    ("number", {"rules": {"max": "3"}}, "high", ["4"]),
    ("date", {"required": True}, "missing", []),
    ("date", {}, "wrong", ["2026-02-30"]),
    ("date", {"rules": {"earliest": "2026-02-01"}}, "low", ["2026-01-31"]),
    ("date", {"rules": {"latest": "2026-02-01"}}, "high", ["2026-02-02"]),
    ("single_choice", {"required": True}, "missing", []),
    ("dropdown", {"required": True}, "missing", []),
    ("yes_no", {"required": True}, "missing", []),
    ("rating", {"required": True}, "missing", []),
    ("multiple_choice", {"required": True}, "missing", []),
    ("multiple_choice", {"required": True, "rules": {"minChoices": 2}}, "missing", []),
    ("multiple_choice", {"rules": {"minChoices": 2}}, "few", ["Red"]),
    ("multiple_choice", {"rules": {"maxChoices": 1}}, "many", ["Red", "Blue"]),
]


@pytest.mark.parametrize(("kind", "fields", "says", "typed"), CASES)
def test_the_words_are_the_servers(kind: str, fields: dict[str, Any], says: str, typed: list[str]) -> None:
    content = read_content(document(question(kind, id="q_asked0", **fields)))
    post = QueryDict(mutable=True)
    post.setlist("q_asked0", typed)

    told = script_data(content)["questions"][0]["says"][says]

    assert told
    assert read_answers(content, post, region="").issues["q_asked0"] == told


def test_the_contact_steps_words_are_the_servers() -> None:
    content = read_content(document(contact={"emailRequired": True, "goalRequired": True}))

    told = {field["id"]: field["says"]["missing"] for field in script_data(content)["contact"]}

    assert read_answers(content, QueryDict(), region="").issues == told
