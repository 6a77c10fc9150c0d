"""What looks like a link in text that a stranger wrote.

One list for the form (which weighs it), the WhatsApp template and the alert mails (which leave it out). Mail programs
and messengers make a link of any host that ends in a top-level domain, with or without a scheme.
"""

import re
import unicodedata
from pathlib import Path

_SCHEME = re.compile(r"://|\bwww\.|\b(?:mailto|tel|sms):\S", re.I)
_IP_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
# The character before tells an email address from a host, the one behind a path.
_HOST = re.compile(r"(@?)([\w-]+(?:\.[\w-]+)+)(/?)")
_LATIN = re.compile(r"[a-z0-9]+")
# Abbreviations whose parts are domains by chance: Dr.med., Dipl.Ing., Co.KG, Pvt.Ltd.
_ABBREVIATED = frozenset(
    ("co", "dipl", "dr", "inc", "ing", "kg", "llc", "ltd", "med", "mr", "mrs", "ms", "phil", "prof", "pty", "pvt", "st")
)
_IDEOGRAPHIC_DOT = str.maketrans({"\u3002": "."})


def has_link(text: str) -> bool:
    """Return whether a mail program or a messenger would make a link of a part of the text."""
    seen = _as_seen(text)
    if _SCHEME.search(seen) or _IP_ADDRESS.search(seen):
        return True
    return any(_is_host(host.lower().split("."), sure=bool(at or path)) for at, host, path in _HOST.findall(seen))


def without_links(text: str) -> str:
    """Return the text on one line, without the words that look like links."""
    return " ".join(word for word in text.split() if not has_link(word))


def _is_host(labels: list[str], *, sure: bool) -> bool:
    """Return whether a domain is among the labels. Initials (J.R.R.) and abbreviations are hosts only when `sure`."""
    for end in range(2, len(labels) + 1):
        if not _is_domain(labels[end - 1]):
            continue
        if sure or (len(labels[end - 2]) > 1 and not _ABBREVIATED.issuperset(labels[:end])):
            return True
    return False


def _is_domain(label: str) -> bool:
    # In text without spaces a host ends where its domain's letters end: evil.com的课程.
    latin = _LATIN.match(label)
    return label in _DOMAINS or label.startswith("xn--") or bool(latin and latin.group() in _DOMAINS)


def _as_seen(text: str) -> str:
    """Spell text as browsers read it: full-width letters and dots as plain ones, marks and invisible ones removed."""
    folded = unicodedata.normalize("NFKC", text).translate(_IDEOGRAPHIC_DOT)
    return "".join(character for character in folded if unicodedata.category(character) not in {"Cf", "Mn", "Mc", "Me"})


def _read_domains() -> frozenset[str]:
    lines = Path(__file__).with_name("top_level_domains.txt").read_text("utf-8").splitlines()
    return frozenset(_as_seen(line) for line in lines if not line.startswith("#"))


_DOMAINS = _read_domains()
