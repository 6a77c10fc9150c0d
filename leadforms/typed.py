"""What people type on any keyboard, understood: phone numbers and numbers in one spelling."""

import re
import unicodedata
from decimal import Decimal

from django.utils.formats import get_format

from leadforms.content import is_decimal
from leads.phone import HasExtension, NotAPhoneNumber, normalise

# No number that somebody means is longer, however it is spelt.
MAX_TYPED = 64
_group_gap = re.compile(r"(?<=[0-9])[\s'’٬](?=[0-9]{3}(?![0-9]))")
_spelling = re.compile(r"([-−]?)\s*([0-9.,٫]+)").fullmatch


def read_phone(text: str, *, region: str) -> str | None:
    """Return a number in E.164; None for what can't be dialled. Raises leads.phone.HasExtension.

    A national number is one of `region`; where that is empty, the country code must be written: digits that could
    be anybody's in any country are not rung.
    """
    try:
        number = normalise(text, region=region, needs_country=True)
    except HasExtension:
        raise
    except NotAPhoneNumber:
        return None
    return number


def read_number(text: str) -> str | None:
    """Return a number as we store it (`content.is_decimal`); None where it is none.

    Takes a decimal comma or point, groups of three and a sign of money. One separator before exactly three digits is
    read as the active language reads it: 1,500 is fifteen hundred in English, 1.500 is in German.
    """
    marks = "".join(_of_number(mark) for mark in text[:MAX_TYPED])
    spelt = _spelling(_group_gap.sub("", marks).strip())
    if spelt is None:
        return None
    whole, fraction = _split(spelt[2].replace("٫", str(get_format("DECIMAL_SEPARATOR"))))
    plain = f"{'-' if spelt[1] else ''}{whole.lstrip('0') or '0'}.{fraction.rstrip('0') or '0'}"
    if not (whole or fraction) or not is_decimal(plain):
        return None
    number = Decimal(plain)
    return f"{number.normalize():f}" if number else "0"


def _of_number(mark: str) -> str:
    category = unicodedata.category(mark)
    if category == "Nd":
        return str(unicodedata.digit(mark))
    return "" if category in {"Sc", "Cf"} else mark


def _split(text: str) -> tuple[str, str]:
    """Take the digits before the decimal separator and those behind it. ("", "") for what is no number."""
    point = max(text.rfind("."), text.rfind(","))
    if point < 0:
        return text, ""
    separator, other = (".", ",") if text[point] == "." else (",", ".")
    before, behind = text[:point], text[point + 1 :]
    groups = before.split(separator)
    if len(groups) > 1 or _is_group(before, behind, separator):
        groups = [*groups, behind]
        return ("".join(groups), "") if other not in text and _are_groups(groups) else ("", "")
    groups = before.split(other)
    return ("".join(groups), behind) if len(groups) == 1 or _are_groups(groups) else ("", "")


def _is_group(before: str, behind: str, separator: str) -> bool:
    looks_so = len(behind) == 3 and 1 <= len(before) <= 3 and before[0] != "0"
    return looks_so and before.isdecimal() and separator != get_format("DECIMAL_SEPARATOR")


def _are_groups(groups: list[str]) -> bool:
    return 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
