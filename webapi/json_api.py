"""JSON in and out of the API: strict when reading, compact when writing."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from webapi import strict_json
from webapi.errors import ApiError

NOT_JSON = "Request body must be valid JSON."


def iso(at: datetime | None) -> str | None:
    """Write a time as the API does: UTC, milliseconds, Z."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def dump(value: Any) -> bytes:
    """Serialise an answer as UTF-8."""
    return _encode(value).encode("utf-8", "replace")


def plain(value: object) -> str | None:
    """Write what JSON has no word for; for json.dumps' `default`."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


# One for all: json.dumps makes an encoder for each call that wants anything but its defaults.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=plain).encode


def load_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object as RFC 8259 wants it. Raises ApiError (400) for anything else; its message says why."""
    try:
        value = strict_json.read(body)
    except strict_json.NotJson as error:
        raise not_json(str(error)) from error
    if not isinstance(value, dict):
        raise not_json(f"The body must be a JSON object, not {strict_json.kind_of(value)}.")
    return value


def not_json(message: str) -> ApiError:
    """Build the 400 of a body that is no JSON object."""
    return ApiError(400, NOT_JSON, message=message)


class StrictJSONParser(BaseParser):
    """DRF's door to `load_object`."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Read the stream as one JSON object."""
        return load_object(stream.read())


class JSONRenderer(BaseRenderer):
    """Write every answer with `dump`."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Serialise an answer; an answer without a body (204, 304) stays without."""
        return b"" if data is None else dump(data)


class AlwaysJSON(BaseContentNegotiation):
    """Answer JSON whatever Accept says: a 406 would hide the real answer from a careless client."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Take the only parser."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        """Take the only renderer."""
        return renderers[0], renderers[0].media_type
