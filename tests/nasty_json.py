"""JSON that no careful sender writes, put into every place of a good message."""

import copy
import json
from collections.abc import Iterator
from typing import Any

# By what it is: JSON, or nearly. Each stands once in each place.
VALUES = {
    "NaN": "NaN",
    "infinity": "-Infinity",
    "beyond a double": "1e999",
    "barely a double": "1.7e308",
    "many digits": "1" * 400,
    "300 digits": "1" * 300,
    "19 digits": "9" * 19,
    "negative": "-1",
    "NUL": '"a\\u0000b"',
    "half a pair": '"\\ud83d"',
    "long": '"' + "9" * 5000 + '"',
    "deep": "[" * 150 + "]" * 150,
    "too deep": '{"a":' * 2000 + "1" + "}" * 2000,
    "bottomless": "[" * 50_000 + "]" * 50_000,
    "key twice": '{"a": 1, "a": 2}',
    "null": "null",
    "true": "true",
    "text": '"nonsense"',
    "nothing": '""',
    "list": "[1, null, {}]",
    "object": '{"a": {"b": NaN}}',
}
_PLACE = "put it here"


def spoilt(good: Any) -> Iterator[tuple[str, str]]:
    """Yield the message with one value spoilt at a time, and what was done to it."""
    for path in _paths(good):
        text = json.dumps(_replaced(good, path))
        for name, value in VALUES.items():
            yield f"{name} at {'.'.join(map(str, path)) or 'the root'}", text.replace(f'"{_PLACE}"', value)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _paths(each, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return _PLACE
    result = copy.copy(value)
    result[path[0]] = _replaced(value[path[0]], path[1:])
    return result
