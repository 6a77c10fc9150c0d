"""Between granian and Django's WSGI: whole requests in, answers out, and a thread only for the time in between.

granian's own WSGI interface gives a thread to each request as soon as its head is there. Reading the body then blocks
that thread for as long as the client likes, and the header X_Forwarded_For is the same as X-Forwarded-For. Its RSGI
interface has the raw names and reads bodies without threads; this module makes WSGI out of it.
"""

import contextlib
import logging
import os
import select
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from io import BytesIO
from itertools import chain
from typing import Any

from django.conf import settings

from coachbot.bodies import BodyReader
from leadforms.hosted import MAX_BODY_BYTES as FORM_MAX_BODY_BYTES
from voice.incoming import MAX_BODY_BYTES as VAPI_MAX_BODY_BYTES
from webapi import request_id
from webapi.errors import error_body
from webapi.json_api import dump

logger = logging.getLogger(__name__)

# An answer up to this size is handed over in one; a longer one as fast as the client reads.
AT_ONCE_BYTES = 262_144
# More than any pipe holds.
PIPE_BYTES = 65_536
# How long a client may read nothing of a long answer.
STALL_S = 300
# The largest body that each kind of path takes, by the beginning of the path. A longer one isn't read: the view that
# asks for it raises RequestDataTooBig.
BODY_LIMITS = (
    ("/api/public/", settings.API_MAX_BODY_BYTES),
    ("/api/vapi/", VAPI_MAX_BODY_BYTES),
    ("/api/", settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
    ("/forms/", FORM_MAX_BODY_BYTES),
    # A logo straight from a phone's camera is refused with words.
    ("/", 16 * 1024 * 1024),
)
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]
# granian's objects for a request's head, and for its body and answer. They have no types.
Scope = Any
Proto = Any
_NO_BODY = BytesIO()
_CLOSE: Headers = [("connection", "close")]
_TEXT: Headers = [("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff")]
_BASE: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "granian",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Begun:
    """What an application says at the start of its answer: WSGI's start_response."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = 500
        self.headers: Headers = []

    def __call__(self, status: str, headers: Headers, exc_info: Any = None) -> None:
        self.status, self.headers = int(status[:3]), headers


def make_edge(application: WsgiApp, *, threads: int) -> "Edge":
    """Put the edge of a process with so many threads before its application."""
    return Edge(
        application,
        bodies=BodyReader(timeout_s=settings.BODY_TIMEOUT_S),
        limit_of=limit_of,
        streams=max(2, threads // 8),
    )


def limit_of(path: str) -> int:
    """Return the largest body that a path takes, in bytes."""
    return next(limit for start, limit in BODY_LIMITS if start == "/" or path.startswith(start))


class Edge:
    """Called by granian for each request, in one of its Python threads."""

    def __init__(
        self, application: WsgiApp, *, bodies: BodyReader, limit_of: Callable[[str], int], streams: int
    ) -> None:
        """`limit_of` says how many bytes a path takes; at most `streams` long answers are under way at once."""
        self.application = application
        self.bodies = bodies
        self._limit_of = limit_of
        self._streams = threading.BoundedSemaphore(streams)

    def __call__(self, watcher: Any) -> None:
        """Take a request in. Never raises: granian has nobody to tell."""
        request = _Request(self, watcher.scope, watcher.proto)
        try:
            headers = request.scope.headers
            declared = headers.get("content-length")
            if declared == "0" or (declared is None and "transfer-encoding" not in headers):
                request.answer(_NO_BODY, declared)
                return
            limit = self._limit_of(request.scope.path)
            length = None if declared is None else int(declared)
            self.bodies.read(request.proto, request, declared=length, limit=limit)
        except BaseException as error:  # noqa: BLE001 - the outermost edge; `fail` logs it
            request.fail(error)

    def stream(self, proto: Proto, begun: Begun, parts: Iterator[bytes]) -> None:
        """Send a long answer at the client's pace. Meanwhile a thread and a few hundred kB are held."""
        if not self._streams.acquire(blocking=False):
            proto.response_str(503, [*_TEXT, ("retry-after", "30")], "Too many downloads. Try again in a minute.\n")
            return
        try:
            _pump(proto, begun, parts)
        finally:
            self._streams.release()


class _Request:
    """A request and the way to answer it; what `bodies` calls a Receiver."""

    __slots__ = ("_edge", "proto", "scope")

    def __init__(self, edge: Edge, scope: Scope, proto: Proto) -> None:
        self._edge, self.scope, self.proto = edge, scope, proto

    def complete(self, stream: Any, length: int) -> None:
        """Answer, now that the body is here."""
        self.answer(stream, str(length))

    def broken(self, status: int) -> None:
        """Close the connection; a client that hung up sees nothing of it."""
        self.proto.response_empty(status, _CLOSE)

    def late(self) -> None:
        """Answer 408, in the API's shape where it is the API."""
        message = f"The request body did not arrive within {self._edge.bodies.timeout_s:g} seconds."
        logger.info("a request body did not arrive in time", extra={"method": self.scope.method, "status": 408})
        headers = [*_CLOSE, (request_id.HEADER, request_id.begin(self.scope.headers.get("x-request-id")))]
        if self.scope.path.startswith("/api/"):
            body = dump(error_body("request_timeout", message=message))
            self.proto.response_bytes(408, [*headers, ("content-type", "application/json")], body)
        else:
            self.proto.response_str(408, [*headers, *_TEXT], message + "\n")

    def answer(self, stream: Any, length: str | None) -> None:
        """Run the application and send what it answers. Never raises."""
        begun = Begun()
        try:
            parts = self._edge.application(make_environ(self.scope, stream, length), begun)
            try:
                self._send(begun, parts)
            finally:
                if close := getattr(parts, "close", None):
                    close()
        except BaseException as error:  # noqa: BLE001 - likewise
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Answer 500 where nothing was answered yet."""
        logger.error("a request failed outside of Django", exc_info=error)
        with contextlib.suppress(BaseException):
            self.proto.response_empty(500, [])

    def _send(self, begun: Begun, parts: Iterable[bytes]) -> None:
        if self.scope.method == "HEAD":
            self.proto.response_empty(begun.status, begun.headers)
            return
        ready: list[bytes] = []
        size, more = 0, iter(parts)
        for part in more:
            if size > AT_ONCE_BYTES:
                self._edge.stream(self.proto, begun, chain(ready, [part], more))
                return
            ready.append(part)
            size += len(part)
        self.proto.response_bytes(begun.status, begun.headers, b"".join(ready))


def make_environ(scope: Scope, stream: Any, length: str | None) -> dict[str, Any]:
    """Write a request as WSGI does. Headers whose names have an underscore are left out, as nginx does.

    WSGI can't tell X_Forwarded_For from X-Forwarded-For, which a proxy before us vouches for.
    """
    environ = dict(_BASE)
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = _key(name)
        if key in environ:
            environ[key] += ("; " if name == "cookie" else ",") + value
        else:
            environ[key] = value
    environ.pop("CONTENT_LENGTH", None)
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    server, _, port = scope.server.rpartition(":")
    environ["SERVER_NAME"], environ["SERVER_PORT"] = server or scope.server, port or "80"
    environ["SERVER_PROTOCOL"] = f"HTTP/{scope.http_version}"
    environ["REMOTE_ADDR"] = scope.client.rpartition(":")[0].strip("[]")
    environ["REQUEST_METHOD"] = scope.method
    # As WSGI wants it: the bytes of the address, each as one character.
    environ["PATH_INFO"] = scope.path.encode().decode("latin-1")
    environ["QUERY_STRING"] = scope.query_string
    environ["wsgi.url_scheme"] = scope.scheme
    environ["wsgi.input"] = stream
    environ.setdefault("HTTP_HOST", scope.authority or "")
    return environ


@lru_cache(maxsize=512)
def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_" + key


def _pump(proto: Proto, begun: Begun, parts: Iterator[bytes]) -> None:
    """Send a long answer through a pipe that granian reads like a file.

    Its own streams take whatever they are given, into memory; a pipe makes us wait for the client instead.
    """
    pipe = _Pipe()
    try:
        proto.response_file(begun.status, begun.headers, pipe.path)
        for part in parts:
            if not pipe.write(part):
                return
    finally:
        pipe.close()


class _Pipe:
    """A pipe whose reader opens it by its path."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._ends = {self._reader, self._writer}
        self._written = 0
        self._poll = select.poll()
        self._poll.register(self._writer, select.POLLOUT)
        os.set_blocking(self._writer, False)
        self.path = f"/dev/fd/{self._reader}"

    def write(self, part: bytes) -> bool:
        """Write all of it, however slowly. False: the reader is gone or reads nothing for too long."""
        rest = memoryview(part)
        while rest:
            try:
                count = os.write(self._writer, rest)
            except BlockingIOError:
                if not self._poll.poll(STALL_S * 1000):
                    logger.info("a client read nothing of its answer for %s s", STALL_S)
                    return False
                continue
            except BrokenPipeError:
                return False
            rest = rest[count:]
            self._note(count)
        return True

    def close(self) -> None:
        """Close what is still open."""
        while self._ends:
            os.close(self._ends.pop())

    def _note(self, count: int) -> None:
        self._written += count
        if self._written > PIPE_BYTES and self._reader in self._ends:
            # So much was written that the reader must have opened its own end. Without ours, we notice when it is gone.
            self._ends.remove(self._reader)
            os.close(self._reader)
