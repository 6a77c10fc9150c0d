"""How single values are spelt where they are stored: texts, numbers, dates."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

_decimal = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?").fullmatch
_iso_date = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
# Control characters but for tabs and line breaks, and halves of characters: nobody types them, PostgreSQL takes none.
_control: re.Pattern[str] = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def is_decimal(text: Any) -> bool:
    """Tell whether a text is a number as we store it: digits, an optional minus and at most six decimals."""
    return isinstance(text, str) and bool(_decimal(text))


def clean_text(text: str) -> str:
    """Trim a text, take out what nobody types, and write its line breaks in one way."""
    return _control.sub("", text).replace("\r\n", "\n").strip()


def as_date(text: Any) -> date | None:
    """Read an ISO date of the calendar, spelt YYYY-MM-DD; None where it is none."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) and _iso_date(text) else None
    except ValueError:
        return None


def is_date(text: Any) -> bool:
    """Tell whether a text is an ISO date of the calendar, so that two of them compare as texts."""
    return as_date(text) is not None


def as_number(text: str) -> Decimal | None:
    """Read a stored number; None where it is none."""
    return Decimal(text) if is_decimal(text) else None
