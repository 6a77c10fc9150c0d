"""Long texts become several messages, cut where a reader would pause."""

import re

from providers.twilio import MAX_BODY_CHARS

# The first that is found in the second half of what fits.
_PLACES = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?…。؟])[\"'»”)]*\s+"), re.compile(r"\s+"))
MAX_PARTS = 5


def split_text(text: str, limit: int = MAX_BODY_CHARS) -> list[str]:
    """Split a text into parts of at most `limit` characters: at paragraphs, lines, sentences or words, in this order.

    A text that is longer than MAX_PARTS such parts loses its end: nobody reads that much on a phone.
    """
    parts: list[str] = []
    rest = text.strip()
    while rest and len(parts) < MAX_PARTS:
        end, begin = _cut(rest, limit)
        parts.append(rest[:end].rstrip())
        rest = rest[begin:].lstrip()
    if rest:
        parts[-1] = parts[-1][: limit - 1].rstrip() + "…"
    return parts


def _cut(text: str, limit: int) -> tuple[int, int]:
    """Return where the first part ends and where the next begins."""
    if len(text) <= limit:
        return len(text), len(text)
    for place in _PLACES:
        found = [match for match in place.finditer(text, limit // 2, limit + 1) if match.start() <= limit]
        if found:
            return found[-1].start() + _closing(found[-1]), found[-1].end()
    return limit, limit


def _closing(match: "re.Match[str]") -> int:
    """Keep the quotes and brackets that close a sentence with it."""
    return len(match[0].rstrip())
