"""Read the bodies of requests without a thread for any of them, within a deadline and a size.

A body on its way costs no thread and no connection to the database: its first 64 kB are in memory, the rest is in a
temporary file.
"""

import logging
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, NoReturn, Protocol

from django.core.exceptions import RequestDataTooBig

logger = logging.getLogger(__name__)

IN_MEMORY_BYTES = 65_536
# What the large bodies of a process may take together; in some containers /tmp is memory.
SPOOLED_BYTES = 268_435_456
SWEEP_EVERY_S = 0.25
# granian's object for a request's body and answer, and what it gives us to wait for. Neither has a type.
Proto = Any
Awaitable = Any


class TooLarge:
    """Stands for a body over the limit, of which nothing is kept. Reading it raises RequestDataTooBig."""

    def read(self, *_: int) -> NoReturn:
        """Refuse in the way that every view answers with 413."""
        raise RequestDataTooBig("The request body is larger than this path takes.")

    readline = readlines = __iter__ = read


class Receiver(Protocol):
    """A request whose body is read. Exactly one of these is called, in any thread."""

    def complete(self, stream: Any, length: int) -> None:
        """Take the body, or a TooLarge."""

    def broken(self, status: int) -> None:
        """Answer with a status: 400 where the body ended too soon, 503 where there is no room for it."""

    def late(self) -> None:
        """Tell the client that the time is over."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Arriving:
    """A body on its way."""

    proto: Proto
    request: Receiver
    declared: int | None
    limit: int
    deadline: float
    # None again as soon as it has come: it holds a callback that holds this body, and no garbage collector sees that.
    waits_for: Awaitable = None
    received: int = 0
    blanks: int = 0
    kept: "tempfile.SpooledTemporaryFile[bytes] | None" = None


class BodyReader:
    """The bodies on their way to one process.

    granian calls us for each piece in one of its Python threads. The thread that takes a body out of `_arriving`
    settles it; another one at the same moment finds it gone.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._arriving: dict[int, _Arriving] = {}
        self._spooled = 0
        self._counting = threading.Lock()
        threading.Thread(target=self._sweep, name="late-bodies", daemon=True).start()

    def read(self, proto: Proto, request: Receiver, *, declared: int | None, limit: int) -> None:
        """Have the body of a request read. `declared` is its length; None where the client sends in chunks."""
        if declared is not None and declared > limit:
            request.complete(TooLarge(), declared)
            return
        deadline = time.monotonic() + self.timeout_s
        body = _Arriving(proto=proto, request=request, declared=declared, limit=limit, deadline=deadline)
        self._arriving[id(body)] = body
        if declared is not None and declared <= IN_MEMORY_BYTES:
            self._wait(body, proto(), self._whole)
        else:
            body.kept = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - closed with the request
            proto.__aiter__()
            self._wait(body, proto.__anext__(), self._piece)

    def _wait(self, body: _Arriving, awaitable: Awaitable, then: Callable[[_Arriving, Awaitable], None]) -> None:
        body.waits_for = awaitable
        if id(body) in self._arriving:
            awaitable.add_done_callback(partial(then, body))
        else:
            # The deadline passed in between.
            awaitable.cancel()
            body.waits_for = None

    def _take(self, body: _Arriving) -> bool:
        """Take a body out. False: another thread has."""
        if self._arriving.pop(id(body), None) is None:
            return False
        if body.kept is not None:
            with self._counting:
                self._spooled -= body.received
        return True

    def _whole(self, body: _Arriving, awaitable: Awaitable) -> None:
        """Hand on a small body, which comes in one piece."""
        body.waits_for = None
        if not self._take(body):
            return
        try:
            content = bytes(awaitable.result())
        except Exception:  # noqa: BLE001 - whatever the cause, it ended before its end
            body.request.broken(400)
            return
        body.request.complete(BytesIO(content), len(content))

    def _piece(self, body: _Arriving, awaitable: Awaitable) -> None:
        """Keep a piece of a large body and wait for the next."""
        body.waits_for = None
        if id(body) not in self._arriving:
            return
        if not self._keep(body, awaitable.result()):
            if self._take(body):
                body.request.broken(503)
        elif body.received > body.limit:
            if self._take(body):
                body.request.complete(TooLarge(), body.received)
        else:
            try:
                following = body.proto.__anext__()
            except StopAsyncIteration:
                self._end(body)
            else:
                self._wait(body, following, self._piece)

    def _keep(self, body: _Arriving, piece: bytes) -> bool:
        """Write a piece to the temporary file. False: there is no room."""
        # One empty piece marks the end; a second one says that the connection broke.
        body.blanks += not piece
        with self._counting:
            self._spooled += len(piece)
            body.received += len(piece)
            if self._spooled > SPOOLED_BYTES:
                logger.warning("too many large request bodies at once: one is refused")
                return False
        try:
            body.kept.write(piece)  # type: ignore[union-attr]
        except OSError:
            logger.exception("a request body could not be written to a temporary file")
            return False
        return True

    def _end(self, body: _Arriving) -> None:
        if not self._take(body) or body.kept is None:
            return
        if body.blanks > 1 or body.declared not in {None, body.received}:
            body.request.broken(400)
            return
        body.kept.seek(0)
        body.request.complete(body.kept, body.received)

    def _sweep(self) -> None:
        """Give up the bodies whose time is over; runs in a thread."""
        while True:
            time.sleep(SWEEP_EVERY_S)
            now = time.monotonic()
            for body in list(self._arriving.values()):
                # The oldest come first.
                if body.deadline > now:
                    break
                if self._take(body):
                    self._give_up(body)

    def _give_up(self, body: _Arriving) -> None:
        try:
            body.request.late()
            if body.waits_for is not None:
                body.waits_for.cancel()
        except Exception:
            # The thread has to live on.
            logger.exception("a request body that came too late")
        finally:
            body.waits_for = None
