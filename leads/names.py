"""Names as people send them: without what nobody sees, and told apart from what a form or a script left unfilled."""

import re
import unicodedata

# Letters, by their category, that show nothing: Hangul fillers and the blank of Braille.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_SPACES = frozenset({"Zs", "Zl", "Zp"})
# Control characters, invisible ones such as direction overrides, halves of surrogate pairs, private use.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
# Persian and Indian scripts, and some pictures, need these between two of their letters.
_joiner = re.compile(r"(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
_KEPT = {"\u200c": "\ue0f0", "\u200d": "\ue0f1"}
_BACK = str.maketrans({mark: joiner for joiner, mark in _KEPT.items()})
_UNFILLED = frozenset(
    ["undefined", "null", "none", "nil", "nan", "name", "firstname", "lastname", "fullname", "unknown", "noname"]
)
_PHRASES = frozenset(
    {"first name", "last name", "full name", "your name", "no name", "not set", "object object", "n a"}
)
_acting = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# {{name}}, ${name}, {% name %}, %s, %(name)s, %NAME%, *|FNAME|*, [First Name], <name>, ##name##, {name}
_template = re.compile(
    r"\{\{|\}\}|\$\{|\{%|%\}|\*\||\|\*|##|%\([a-z_]*\)?s\b|(?<![\w%])%[sd](?!\w)|%[A-Z_]{3,}%"
    r"|^\s*(?:\[[^\]]*\]|<[^>]*>|\{[^}]*\})\s*$"
)


def clean_name(text: str) -> str:
    """Return a name on one line without characters that show nothing; "" where nothing is left to be seen."""
    kept = _joiner.sub(lambda found: _KEPT[found[0]], text.translate(_DROP_PRIVATE))
    name = "".join(_spell(mark) for mark in unicodedata.normalize("NFC", kept)).translate(_BACK)
    name = " ".join(name.split())
    return name if any(unicodedata.category(mark)[0] in "LNPS" for mark in name) else ""


def without_marks(text: str) -> str:
    """Return a text without what acts on whoever shows it: control characters but for line breaks, and directions."""
    return _acting.sub("", text)


def is_placeholder(name: str) -> bool:
    """Tell whether a name is what a form or a script left in place of one: undefined, {{name}}, [First Name], %s."""
    if _template.search(name):
        return True
    words = re.sub(r"[\W_]+", " ", name.casefold()).split()
    return " ".join(words) in _PHRASES or (bool(words) and all(word in _UNFILLED for word in words))


def _spell(mark: str) -> str:
    if mark in "\t\n\r\x0b\x0c\x85" or unicodedata.category(mark) in _SPACES or mark in _BLANK:
        return " "
    return "" if unicodedata.category(mark) in _UNSEEN and mark not in _BACK_MARKS else mark


_BACK_MARKS = frozenset(_KEPT.values())
_DROP_PRIVATE = dict.fromkeys(map(ord, _BACK_MARKS))
