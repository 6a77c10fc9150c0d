"""The one reader of JSON that others wrote: strict for whom we can tell, tolerant for providers, and never a crash.

Python's own reader takes what JSON has no word for (NaN, 1e999), overflows its stack on deep nesting, and lets
through what no database holds. Nothing else in here parses what came over the wire.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

# Deeper than anything that a customer or provider has a use for, and far from Python's own end of about a thousand.
MAX_DEPTH = 200
# What a double can't hold would come back changed from most clients and from SQLite's JSON.
_MAX_DIGITS = 309
_SHOWN_CHARS = 64
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_INFINITIES = (float("inf"), float("-inf"))


class NotJson(ValueError):
    """A body that is no JSON; its text says where and why, in words for a client's developer."""


def read(body: bytes | str) -> Any:
    """Read JSON as RFC 8259 wants it; a byte order mark is skipped.

    Raises NotJson for anything else: bad UTF-8, NaN or an infinity, a number beyond a double, a key that appears
    twice, half a surrogate pair (no UTF-8 can hold it), nesting deeper than MAX_DEPTH.
    """
    text = _text_of(body)
    value = _parse(_strict, text)
    if _has_half_pair(text, value):
        raise NotJson("A string holds half of a surrogate pair (like \\ud83d alone), which is no character.")
    return value


def read_tolerant(body: bytes | str) -> Any:
    """Read JSON of a provider, whose news must not be lost over one odd value.

    What JSON has no word for becomes null, half a surrogate pair "?", and of a key that appears twice the last one
    counts. Raises NotJson for what can't be read at all and for nesting deeper than MAX_DEPTH.
    """
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    value = _parse(_tolerant, text.removeprefix("\ufeff"))
    if _has_half_pair(text, value):
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


def kind_of(value: Any) -> str:
    """Name the kind of a JSON value with its article."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    for kind, words in ((dict, "an object"), (list, "an array"), (str, "a string")):
        if isinstance(value, kind):
            return words
    return "a number"


def _text_of(body: bytes | str) -> str:
    if isinstance(body, str):
        return body.removeprefix("\ufeff")
    try:
        return body.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        if body.startswith(_UTF_16):
            raise NotJson("The body is UTF-16. Send UTF-8.") from None
        before = error.object[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        byte = error.object[error.start]
        raise NotJson(f"The body is not UTF-8: byte 0x{byte:02X} at line {line}, column {column}.") from None


def _parse(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        value = decoder.decode(text)
        # Counting costs next to nothing, and only who could be too deep is measured.
        if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
            raise RecursionError
    except RecursionError:
        raise NotJson(f"Nested deeper than {MAX_DEPTH} levels.") from None
    except json.JSONDecodeError as error:
        if not text.strip():
            raise NotJson("The body is empty.") from None
        raise NotJson(f"{error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}.") from None
    return value


def _is_too_deep(value: Any) -> bool:
    """Measure how many arrays and objects stand in one another, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inner(outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        return iter(value.values())
    return iter(value) if isinstance(value, list) else iter(())


def _has_half_pair(text: str, value: Any) -> bool:
    if "\\u" not in text or "\\ud" not in text.lower():
        return False
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise NotJson(f"The key {_shown(twice)} appears twice.")
    return result


def _refuse_constant(constant: str) -> None:
    raise NotJson(f"{constant} is no JSON number. Send null instead.")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in _INFINITIES:
        raise NotJson(f"The number {digits[:_SHOWN_CHARS]} is too large for a double.")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise NotJson(f"The number {digits[:_SHOWN_CHARS]}… has more than {_MAX_DIGITS} digits.")
    return int(digits)


def _finite_or_none(digits: str) -> float | None:
    number = float(digits)
    return None if number in _INFINITIES else number


def _integer_or_none(digits: str) -> int | None:
    return None if len(digits) > _MAX_DIGITS else int(digits)


def _shown(key: str) -> str:
    return json.dumps(key if len(key) <= _SHOWN_CHARS else f"{key[:_SHOWN_CHARS]}…", ensure_ascii=False)


# One for all: json.loads makes a decoder for each call that wants anything but its defaults.
_strict = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer
)
_tolerant = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite_or_none, parse_int=_integer_or_none)
