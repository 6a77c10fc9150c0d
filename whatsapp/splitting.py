"""Long texts become several messages, cut where a reader would pause."""

import re
import unicodedata

from providers.twilio import MAX_BODY_CHARS

# The first that is found in the second half of what fits.
_PLACES = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?…。؟])[\"'»”)]*\s+"), re.compile(r"\s+"))
MAX_PARTS = 5
ZERO_WIDTH_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)


def split_text(text: str, limit: int = MAX_BODY_CHARS) -> list[str]:
    """Split a text into parts of at most `limit` characters: at paragraphs, lines, sentences or words, in this order.

    Characters are UTF-16's, of which most emoji take two. A text that is longer than MAX_PARTS such parts loses its
    end: nobody reads that much on a phone.
    """
    parts: list[str] = []
    rest = text.strip()
    while rest and len(parts) < MAX_PARTS:
        end, begin = _cut(rest, limit)
        parts.append(rest[:end].rstrip())
        rest = rest[begin:].lstrip()
    if rest:
        last = parts[-1]
        parts[-1] = last[: _whole(last, _fitting(last, limit - 1))].rstrip() + "…"
    return parts


def _cut(text: str, limit: int) -> tuple[int, int]:
    """Return where the first part ends and where the next begins."""
    fits = _fitting(text, limit)
    if fits == len(text):
        return fits, fits
    for place in _PLACES:
        found = [match for match in place.finditer(text, fits // 2, fits + 1) if match.start() <= fits]
        if found:
            return found[-1].start() + _closing(found[-1]), found[-1].end()
    end = _whole(text, fits)
    return end, end


def _fitting(text: str, limit: int) -> int:
    """Count the characters at a text's beginning that take up to `limit` of UTF-16's."""
    if len(text) * 2 <= limit:
        return len(text)
    return len(text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", "ignore"))


def _whole(text: str, end: int) -> int:
    """Move an end to where it tears nothing apart that is one sign to its reader: accents, families, flags."""
    at = end
    while 0 < at < len(text) and _belongs_together(text, at):
        at -= 1
    # A text of nothing but such signs is cut all the same.
    return at or end


def _belongs_together(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    joined = ZERO_WIDTH_JOINER in (before, after) or unicodedata.category(after).startswith("M")
    return joined or ord(after) in _SKIN_TONES or (ord(after) in _FLAG_LETTERS and _flags_before(text, at) % 2 == 1)


def _flags_before(text: str, at: int) -> int:
    begin = at
    while begin > 0 and ord(text[begin - 1]) in _FLAG_LETTERS:
        begin -= 1
    return at - begin


def _closing(match: "re.Match[str]") -> int:
    """Keep the quotes and brackets that close a sentence with it."""
    return len(match[0].rstrip())
