"""Any spelling of a phone number → E.164."""

import re

import phonenumbers

MESSAGE = "Phone must be a valid E.164-style number."
_allowed = re.compile(r"[+0-9 ().-]{7,32}").fullmatch
# (+44) 20 … is how many write it.
_before_plus = re.compile(r"^[( ]+(?=\+)")


class NotAPhoneNumber(ValueError):
    """The text is no possible phone number."""


def normalise(text: str, *, region: str = "") -> str:
    """Return the number in E.164.

    Without + or 00 it is read in `region` (two letters), or, where that is empty, as digits that lack their plus.
    Possible is enough: number ranges change faster than anybody's metadata. Raises NotAPhoneNumber.
    """
    text = text.strip()
    # phonenumbers itself takes letters (+1-800-FLOWERS) and extensions; the contract does not.
    if not _allowed(text):
        raise NotAPhoneNumber(MESSAGE)
    text = _before_plus.sub("", text, count=1)
    if "+" in text[1:]:
        raise NotAPhoneNumber(MESSAGE)
    if text.startswith("00"):
        text = "+" + text[2:]
    elif not text.startswith("+") and not region:
        text = "+" + text
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException as error:
        raise NotAPhoneNumber(MESSAGE) from error
    if not phonenumbers.is_possible_number(number):
        raise NotAPhoneNumber(MESSAGE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
