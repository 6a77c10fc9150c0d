"""Phones that WhatsApp spells otherwise than the world does: one person, several numbers."""

import re

import phonenumbers

# WhatsApp knows old accounts of these countries by the number they once had. Pattern → the other spelling.
_OTHERWISE = (
    # Mexico dropped the 1 of mobile phones in 2019.
    (re.compile(r"\+521(\d{10})"), r"+52\1"),
    (re.compile(r"\+52([2-9]\d{9})"), r"+521\1"),
    # Argentina writes the 9 of mobile phones in calls from abroad only.
    (re.compile(r"\+549(\d{10})"), r"+54\1"),
    (re.compile(r"\+54([1-8]\d{9})"), r"+549\1"),
    # Brazil put a 9 before mobile numbers between 2012 and 2016.
    (re.compile(r"\+55(\d\d)9([6-9]\d{7})"), r"+55\1\2"),
    (re.compile(r"\+55(\d\d)([6-9]\d{7})"), r"+55\g<1>9\2"),
)


def spellings(phone: str) -> tuple[str, ...]:
    """Return a phone (E.164) and what else WhatsApp, or a form, may call it."""
    others = (pattern.sub(other, phone) for pattern, other in _OTHERWISE if pattern.fullmatch(phone))
    return tuple(dict.fromkeys((phone, *others)))


def as_a_form_has_it(phone: str) -> str:
    """Return the spelling that the world uses, so that who writes first and fills in a form later is one lead."""
    return next((number for number in spellings(phone) if _is_valid(number)), phone)


def _is_valid(number: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False
