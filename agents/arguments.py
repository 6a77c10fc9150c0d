"""What a tool takes: told to a model as a JSON schema, and read from what it sends.

Models write anything. Whatever is wrong with it is said in words that the model can act on.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.prompt import clean, one_line
from webapi.strict_json import NotJson, read_tolerant

MAX_RAW_CHARS = 16_384
SHOWN_CHARS = 40


class BadArguments(Exception):
    """What the model sent can't be used; the message tells it what to send instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One value that a tool takes: a text of at most so many characters, or a whole number."""

    name: str
    description: str
    max_chars: int = 500
    whole: bool = False
    required: bool = False


def schema_of(parameters: Sequence[Parameter], *, strict: bool) -> dict[str, Any]:
    """Write the parameters as strict mode wants them: all of them required, what may be left out nullable.

    Not strict is what Vapi's validator takes: one type each, what may be left out not required, and no other keyword.
    """
    properties = {each.name: _property(each, strict=strict) for each in parameters}
    required = [each.name for each in parameters if strict or each.required]
    schema = {"type": "object", "properties": properties, "required": required}
    return schema | {"additionalProperties": False} if strict else schema


def read_arguments(raw: Any, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return the values by name, without those that were left out, null or blank. Raises BadArguments."""
    given = _object(raw)
    known = {each.name: each for each in parameters}
    if unknown := [one_line(str(name))[:SHOWN_CHARS] for name in given if name not in known]:
        takes = f"It takes {', '.join(known)}." if known else "It takes none."
        raise BadArguments(f"Unknown argument: {', '.join(unknown[:5])}. {takes}")
    values = {name: value for name, each in known.items() if (value := _value(each, given.get(name))) is not None}
    if missing := [each.name for each in parameters if each.required and each.name not in values]:
        raise BadArguments(f"Missing argument: {', '.join(missing)}. Call the tool again with it.")
    return values


def storable(raw: Any) -> Any:
    """Return what was sent as a row can hold it: the object where it is one, else the beginning of its text."""
    try:
        return json.loads(json.dumps(_object(raw), ensure_ascii=False).encode("utf-8", "replace"))
    except (BadArguments, RecursionError, TypeError, ValueError):
        return clean(str(raw)[:MAX_RAW_CHARS])


def _property(parameter: Parameter, *, strict: bool) -> dict[str, Any]:
    kind = "integer" if parameter.whole else "string"
    is_nullable = strict and not parameter.required
    return {"type": [kind, "null"] if is_nullable else kind, "description": parameter.description}


def _object(raw: Any) -> dict[str, Any]:
    if isinstance(raw, str):
        if len(raw) > MAX_RAW_CHARS:
            raise BadArguments("The arguments are too long. Shorten them.")
        try:
            raw = read_tolerant(raw) if raw.strip() else {}
        except NotJson:
            raise BadArguments("The arguments are not valid JSON. Send one JSON object.") from None
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise BadArguments("The arguments must be one JSON object.")
    return raw


def _value(parameter: Parameter, value: Any) -> Any:
    if value is None:
        return None
    return _whole(parameter, value) if parameter.whole else _text(parameter, value)


def _text(parameter: Parameter, value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadArguments(f"{parameter.name} must be a text.")
    if len(value) > parameter.max_chars:
        raise BadArguments(f"{parameter.name} is too long: at most {parameter.max_chars} characters.")
    return clean(value) or None


def _whole(parameter: Parameter, value: Any) -> int | None:
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadArguments(f"{parameter.name} must be a whole number.")
    return value
