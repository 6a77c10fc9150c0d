"""The table that leadforms.logic and static/js/form-logic.js are both held to; tests/browser asks the script."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from leadforms.content import Condition, Operator, ShowIf
from leadforms.logic import is_shown
from leadforms.typed import read_number

CASES: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("logic_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["conditions"])
def test_conditions(case: dict[str, Any]) -> None:
    condition = Condition("q_source", Operator(case["is"]), case["value"])

    assert is_shown(ShowIf("all", (condition,)), {"q_source": case["answers"]}) is case["holds"]


@pytest.mark.parametrize("case", CASES["numbers"])
def test_typed_numbers(case: dict[str, Any]) -> None:
    with translation.override("de" if case["point"] == "," else "en"):
        assert (read_number(case["typed"]) or "") == case["number"]
