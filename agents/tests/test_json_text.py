"""JSON in a prompt is what JavaScript would write: node wrote the right column."""

import json
from typing import Any

import pytest

from agents.json_text import stringify


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ('{"a": [1, 2.0, "ü"], "b": null, "c": true}', '{"a":[1,2,"ü"],"b":null,"c":true}'),
        ("1.0", "1"),
        ("-0.0", "0"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("1e16", "10000000000000000"),
        ("0.000001", "0.000001"),
        ("1e-7", "1e-7"),
        ("1.5e-9", "1.5e-9"),
        ("123.456", "123.456"),
        ("-2.50", "-2.5"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("12345678901234567890", "12345678901234567890"),
        ('"a\\"b\\n"', '"a\\"b\\n"'),
        ("[]", "[]"),
        ("{}", "{}"),
        ("false", "false"),
    ],
)
def test_writes_as_javascript_does(sent: str, written: str) -> None:
    value: Any = json.loads(sent)

    assert stringify(value) == written
