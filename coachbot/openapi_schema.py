"""An OpenAPI 3.1 schema as a reader wants it: a flat list of fields, and an example where it gives none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
MAX_DEPTH = 4
_STRING_EXAMPLES = {
    "date-time": "2026-06-07T13:03:37.162Z",
    "date": "2026-06-07",
    "email": "jane@example.com",
    "uri": "https://example.com/",
    "uuid": "8f14e45f-ceea-467f-9d2b-1c8f3a0b6d52",
}
# What a property of this name might hold. The number is reserved for drama: nobody answers it.
_NAMED_EXAMPLES = {
    "name": "Jane Doe",
    "phone": "+447700900123",
    "goal": "Find out whether a career change is realistic",
    "metadata": {"companyName": "Acme Corp", "utm_source": "newsletter"},
    "formResponses": {"q_abc123": "In the evening"},
}
_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "maxProperties": "at most {} keys",
    "maxItems": "at most {} items",
    "pattern": "matches {}",
    "default": "default {}",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A value in a body or a parameter. `name` is the way to it: `lead.metadata`, `issues[].path`."""

    name: str
    kind: str
    required: bool
    description: str
    limits: tuple[str, ...]


class Schemas:
    """Reads schemas of one OpenAPI document, whose references it resolves."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolve(self, schema: Schema) -> Schema:
        """Follow a reference and merge `allOf`; what stands beside them wins."""
        merged: dict[str, Any] = {}
        if "$ref" in schema:
            merged |= self.resolve(self._find(schema["$ref"]))
        for part in schema.get("allOf", ()):
            resolved = self.resolve(part)
            properties = {**merged.get("properties", {}), **resolved.get("properties", {})}
            required = [*merged.get("required", ()), *resolved.get("required", ())]
            merged |= {**resolved, "properties": properties, "required": required}
        return merged | {key: value for key, value in schema.items() if key not in {"$ref", "allOf"}}

    def _find(self, reference: str) -> Schema:
        found: Any = self._document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        schema: Schema = found
        return schema

    def fields(self, schema: Schema, *, prefix: str = "", depth: int = 0) -> Iterator[Field]:
        """List the fields of an object and of what it holds."""
        whole = self.resolve(schema)
        for variant in whole.get("oneOf", whole.get("anyOf", ())):
            yield from self.fields(variant, prefix=prefix, depth=depth)
        for name, part in whole.get("properties", {}).items():
            value = self.resolve(part)
            path = prefix + name
            yield self.field(path, value, required=name in whole.get("required", ()))
            if depth < MAX_DEPTH:
                inner, suffix = (self.resolve(value["items"]), "[].") if "items" in value else (value, ".")
                yield from self.fields(inner, prefix=path + suffix, depth=depth + 1)

    def field(self, name: str, schema: Schema, *, required: bool) -> Field:
        """Describe one value."""
        value = self.resolve(schema)
        limits = tuple(words.format(value[key]) for key, words in _LIMITS.items() if value.get(key) not in (None, ""))
        return Field(name, self.kind(value), required, str(value.get("description", "")).strip(), limits)

    def kind(self, schema: Schema) -> str:
        """Name a schema's type in a few words."""
        value = self.resolve(schema)
        variants = value.get("oneOf", value.get("anyOf"))
        if variants:
            return " or ".join(dict.fromkeys(self.kind(variant) for variant in variants))
        if "const" in value:
            return _literal(value["const"])
        if "enum" in value:
            return " | ".join(_literal(option) for option in value["enum"])
        types = value.get("type", "object" if "properties" in value else "any")
        names = types if isinstance(types, list) else [types]
        words = [f"{name} ({value['format']})" if name == "string" and "format" in value else name for name in names]
        if "items" in value:
            words = [f"array of {self.kind(value['items'])}" if word == "array" else word for word in words]
        return " or ".join(words)

    def example(self, schema: Schema, *, depth: int = 0) -> Any:
        """Make an example value where the document gives none."""
        value = self.resolve(schema)
        for key in ("example", "const", "default"):
            if value.get(key) is not None:
                return value[key]
        for key in ("examples", "enum"):
            if value.get(key):
                return next(iter(value[key]))
        for key in ("oneOf", "anyOf"):
            if value.get(key):
                return self.example(value[key][0], depth=depth)
        if "properties" in value:
            inside = value["properties"].items() if depth < MAX_DEPTH else ()
            return {name: self._named_example(name, part, depth=depth + 1) for name, part in inside}
        return self._plain_example(value, depth)

    def _named_example(self, name: str, schema: Schema, *, depth: int) -> Any:
        value = self.resolve(schema)
        given = any(key in value for key in ("example", "examples", "const", "enum", "default"))
        if given or name not in _NAMED_EXAMPLES:
            return self.example(value, depth=depth)
        return _NAMED_EXAMPLES[name]

    def _plain_example(self, value: Schema, depth: int) -> Any:
        types = value.get("type")
        match types[0] if isinstance(types, list) else types:
            case "string":
                return _STRING_EXAMPLES.get(value.get("format", ""), "string")
            case "integer" | "number":
                return value.get("minimum", 0)
            case "boolean":
                return True
            case "array":
                return [self.example(value.get("items", {}), depth=depth + 1)] if depth < MAX_DEPTH else []
            case "object":
                return {}
        return None


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else f'"{value}"' if isinstance(value, str) else str(value)
