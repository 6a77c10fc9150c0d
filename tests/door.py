"""The door that the web server knocks at, without a web server: WSGI in the test's own thread and transaction."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import responses
from typing import Any
from unittest.mock import patch

from django.core import signals
from django.db import close_old_connections
from django.test import RequestFactory


class Answered:
    """What came back."""

    def __init__(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        self.status_code = int(status.partition(" ")[0])
        self.headers = dict(headers)
        self.content = content
        assert status == f"{self.status_code} {responses[self.status_code]}"

    def json(self) -> Any:
        """Read the body."""
        return json.loads(self.content)


@contextmanager
def kept_connection() -> Iterator[None]:
    """Let no request close the connection that the test's transaction lives in, as Django's test client does."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    try:
        with patch("coachbot.lane.close_old_connections"):
            yield
    finally:
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(close_old_connections)


def knock(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    content_type: str = "",
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> Answered:
    """Send one request."""
    from coachbot.wsgi import application

    headers = {"host": "127.0.0.1"} | (headers or {})
    request = RequestFactory().generic(
        method, path, body, content_type=content_type, query_params=query, headers=headers
    )
    # Django's own stand-in for a body refuses to be read to its end and beyond.
    asked = request.environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    begun: list[Any] = []
    with kept_connection():
        parts = application(asked, lambda status, headers, *_: begun.extend((status, headers)))
        content = b"".join(parts)
        if close := getattr(parts, "close", None):
            close()
    return Answered(begun[0], begun[1], content)
