"""JSON as JavaScript's JSON.stringify writes it, as agents are told it: no spaces, numbers the short way."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# From here on JavaScript writes numbers with an exponent, and below the other one.
_LARGE, _SMALL = Decimal("1e21"), Decimal("1e-6")


def stringify(value: Any) -> str:
    """Write a value that came as JSON. Whole numbers keep all their digits, which JavaScript would round."""
    if isinstance(value, Mapping):
        pairs = (f"{_text(str(key))}:{stringify(inner)}" for key, inner in value.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(stringify, value))}]"
    if isinstance(value, float):
        return _number(value)
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _number(number: float) -> str:
    exact = Decimal(repr(number))
    if not exact.is_finite():
        return "null"
    if exact == 0:
        return "0"
    if _SMALL <= abs(exact) < _LARGE:
        plain = f"{exact:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    sign, digits, exponent = exact.normalize().as_tuple()
    power = len(digits) + int(exponent) - 1
    rest = "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{digits[0]}{'.' + rest if rest else ''}e{'+' if power > 0 else '-'}{abs(power)}"
