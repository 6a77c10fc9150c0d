"""A request to an API and its answer, free of any framework: the same code answers under Django and beside it."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from webapi.errors import ApiError, payload_too_large
from webapi.json_api import dump, load_object, not_json

# RFC 9110, 8.4.1, and what has been registered since. None of them is read here.
_CODINGS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})
_GZIP = b"\x1f\x8b"
_SHOWN_CHARS = 100


@dataclass(slots=True, kw_only=True)
class ApiCall:
    """What a client sent. `headers` is WSGI's environ (HTTP_… keys); the body is read when it is asked for."""

    method: str
    headers: Mapping[str, Any]
    stream: IO[bytes] | Any
    now: datetime
    request_id: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def header(self, name: str) -> str | None:
        """Return a header by its WSGI name, e.g. HTTP_AUTHORIZATION; None when it was not sent."""
        value = self.headers.get(name)
        return None if value is None else str(value)

    def read_body(self, *, limit: int) -> bytes:
        """Read the body. Raises ApiError (413) when it is longer than `limit` bytes."""
        declared = str(self.headers.get("CONTENT_LENGTH") or "")
        if declared.isdecimal() and int(declared) > limit:
            raise payload_too_large()
        body: bytes = self.stream.read(limit + 1) if not declared.isdecimal() else self.stream.read(int(declared))
        if len(body) > limit:
            raise payload_too_large()
        if declared.isdecimal() and len(body) < int(declared):
            raise not_json(f"The body ended after {len(body)} of {declared} bytes.")
        return body

    def read_object(self, body: bytes) -> dict[str, Any]:
        """Read the body as a JSON object. Raises ApiError (400), whose message says what is wrong and what to send."""
        if not body:
            raise not_json("The body is empty.")
        given = str(self.headers.get("CONTENT_TYPE") or "")
        media_type = given.partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            sent = f"The Content-Type is {given[:_SHOWN_CHARS]}." if given else "There is no Content-Type."
            raise not_json(f"{sent} Send application/json.")
        try:
            return load_object(body)
        except ApiError:
            if coding := self._coding_of(body):
                raise not_json(f"The body is compressed ({coding}). Send it uncompressed.") from None
            raise

    def _coding_of(self, body: bytes) -> str:
        """Name how a body is compressed; "" for one that isn't."""
        coding = (self.header("HTTP_CONTENT_ENCODING") or "").strip().lower()
        return coding if coding in _CODINGS else "gzip" if body.startswith(_GZIP) else ""


@dataclass(slots=True)
class Answer:
    """What goes back: a status, a JSON value (None: no body) and headers."""

    status: int
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def body(self) -> bytes:
        """The body's bytes, serialised once."""
        if self.raw is None:
            self.raw = b"" if self.value is None else dump(self.value)
        return self.raw


def refused(error: ApiError) -> Answer:
    """Turn a typed refusal into its answer."""
    return Answer(error.status, error.body, dict(error.headers))


def etag(body: bytes) -> str:
    """Make the strong validator of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Tell whether the client already has what `tag` names (RFC 9110, 13.1.2: weak comparison)."""
    if not if_none_match:
        return False
    given: Iterable[str] = (part.strip() for part in if_none_match.split(","))
    return any(part == "*" or part.removeprefix("W/") == tag for part in given)
