"""Finding leads by what somebody types: words of a name in any order, accents or none, part of an address, a phone.

No index serves it: PostgreSQL reads 200,000 leads of one workspace in about 0.2 s.
"""

import re
import unicodedata
from contextlib import suppress

from django.db.models import Q

from leads import phone as phones

MAX_CHARS = 120
MAX_WORDS = 8
LEAST_DIGITS = 3
# Letters of Latin alphabets that Unicode doesn't take apart, and what else is typed for one another.
_LIKE = {"o": "ø", "l": "ł", "d": "đð", "h": "ħ", "i": "ıİ", "t": "ŧ", "'": "’‘ʼ`´", "-": "\u2010\u2011\u2012\u2013"}
_MARKS = "[\u0300-\u036f]*"
_marks = re.compile(_MARKS)
# (0) stands in numbers that are meant to be read at home as well as abroad.
_trunk_zero = re.compile(r"\(0\)")


def matching(term: str, *, region: str) -> Q:
    """Match the leads that a term means; a phone without a country code is read in `region`. "" matches all."""
    term = unicodedata.normalize("NFC", term.strip()[:MAX_CHARS])
    found = Q()
    for word in term.split()[:MAX_WORDS]:
        found &= Q(name__iregex=_pattern(word)) | Q(email__icontains=word)
    return found | matching_phone(term, region=region) if found else found


def matching_phone(term: str, *, region: str) -> Q:
    """Match rows whose `phone` (E.164) holds what is typed, in any spelling; an empty Q for what is no part of one."""
    term = phones.clean(term)
    digits = "".join(filter(str.isdecimal, _trunk_zero.sub("", term)))
    # No number begins with zeros once its country stands before it.
    digits = digits.lstrip("0")
    if len(digits) < LEAST_DIGITS or any(character.isalpha() for character in term):
        return Q()
    found = Q(phone__contains=digits)
    with suppress(phones.NotAPhoneNumber):
        found |= Q(phone=phones.normalise(term, region=region))
    return found


def _kin() -> dict[str, str]:
    """Map each letter to the pattern of all that differ from it by an accent; lower case is enough."""
    groups = {base: base + others for base, others in _LIKE.items()}
    for code in (*range(0xE0, 0x250), *range(0x1E00, 0x1F00)):
        letter = chr(code)
        base = unicodedata.normalize("NFD", letter)[0]
        if letter.islower() and "a" <= base <= "z":
            groups[base] = groups.get(base, base) + letter
    return {
        each: f"[{re.escape(group)}]{_MARKS}" if base.isalpha() else f"[{re.escape(group)}]"
        for base, group in groups.items()
        for each in group
    }


_patterns = _kin()


def _pattern(word: str) -> str:
    """Write a word as a regular expression that Python and PostgreSQL read alike."""
    # The small letter of İ is two, of which the second is a mark.
    plain = _marks.sub("", word.lower().replace("ß", "ss"))
    text = "".join(_patterns.get(character) or re.escape(character) for character in plain)
    double_s = _patterns["s"] * 2
    return text.replace(double_s, f"(?:{double_s}|[ßẞ])")
