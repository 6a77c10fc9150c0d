"""The Public API's OpenAPI description, as the page at /docs/api shows it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from coachbot.markdown import slug
from coachbot.openapi import describe_api
from coachbot.openapi_schema import Field, Schemas
from webapi.build_once import build_once

PREFIX = "/api/public/"
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What goes into the path, the query or a header."""

    field: Field
    where: str
    example: str


@dataclass(frozen=True, slots=True)
class Example:
    """A JSON body, pretty-printed."""

    title: str
    json: str


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent or answered as JSON."""

    fields: tuple[Field, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One status an operation may answer."""

    status: str
    reason: str
    description: str
    body: Body | None
    headers: tuple[Field, ...]

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx or 3xx."""
        return self.status[:1] in {"2", "3"}


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    answers: tuple[Answer, ...]
    needs_key: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page."""

    title: str
    version: str
    operations: tuple[Operation, ...]


@build_once
def read() -> Reference:
    """Read the description of this process's own API; made once, since the code does not change under it."""
    return build(describe_api())


def build(document: Mapping[str, Any]) -> Reference:
    """Turn an OpenAPI document into what the template shows."""
    reader = _Reader(document)
    found = [
        reader.operation(path, method, item)
        for path, item in document.get("paths", {}).items()
        if path.startswith(PREFIX)
        for method in METHODS
        if method in item
    ]
    info = document.get("info", {})
    return Reference(str(info.get("title", "")), str(info.get("version", "")), tuple(found))


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._schemas = Schemas(document)

    def operation(self, path: str, method: str, item: Mapping[str, Any]) -> Operation:
        raw = item[method]
        first, _, rest = str(raw.get("description", "")).strip().partition("\n")
        summary = str(raw.get("summary") or first or raw.get("operationId", path))
        parameters = [self._schemas.resolve(each) for each in (*item.get("parameters", ()), *raw.get("parameters", ()))]
        return Operation(
            anchor=slug(f"{method} {re.sub('[{}/]+', ' ', path.removeprefix(PREFIX))}".strip()),
            method=method.upper(),
            path=path,
            summary=summary,
            description=(str(raw.get("description", "")) if raw.get("summary") else rest).strip(),
            parameters=tuple(self.parameter(each) for each in parameters),
            body=self.body(self._schemas.resolve(raw.get("requestBody", {}))),
            answers=tuple(self.answer(str(status), each) for status, each in sorted(raw.get("responses", {}).items())),
            needs_key=bool(raw.get("security", self._document.get("security"))) and {} not in raw.get("security", ()),
        )

    def parameter(self, raw: Mapping[str, Any]) -> Parameter:
        schema = dict(raw.get("schema", {})) | {"description": raw.get("description", "")}
        field = self._schemas.field(raw["name"], schema, required=bool(raw.get("required")))
        example = raw.get("example", "")
        return Parameter(field, raw["in"], str(example))

    def body(self, raw: Mapping[str, Any]) -> Body | None:
        media = next(iter(raw.get("content", {}).values()), None)
        if media is None:
            return None
        schema = media.get("schema", {})
        examples = tuple(self._examples(media)) or (Example("", _pretty(self._schemas.example(schema))),)
        unique = {field.name: field for field in self._schemas.fields(schema)}
        return Body(tuple(unique.values()), examples)

    def _examples(self, media: Mapping[str, Any]) -> Iterator[Example]:
        if "example" in media:
            yield Example("", _pretty(media["example"]))
        for name, raw in media.get("examples", {}).items():
            example = self._schemas.resolve(raw)
            yield Example(str(example.get("summary") or name), _pretty(example.get("value")))

    def answer(self, status: str, raw: Mapping[str, Any]) -> Answer:
        response = self._schemas.resolve(raw)
        headers = tuple(
            self._schemas.field(
                name, dict(each.get("schema", {})) | {"description": each.get("description", "")}, required=False
            )
            for name, each in (
                (name, self._schemas.resolve(each)) for name, each in response.get("headers", {}).items()
            )
        )
        reason = HTTPStatus(int(status)).phrase if status.isdecimal() else ""
        return Answer(status, reason, str(response.get("description", "")).strip(), self.body(response), headers)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
