"""The load generator: a closed loop of raw HTTP/1.1 connections in one asyncio process.

Requests are bytes made beforehand and answers are parsed for their status and length alone, so that on a shared
machine the client takes a small part of what it measures.
"""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

NEXT_REQUEST = Callable[[], tuple[int, bytes]]
HEADER_END = b"\r\n\r\n"
BODILESS = frozenset((204, 304))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a run is driven; all times in seconds."""

    connections: int
    duration_s: float
    warmup_s: float = 1.0
    # The first requests are spread over this time, as callers are; a slow provider would otherwise answer in waves.
    stagger_s: float = 0.0
    drain_s: float = 30.0


@dataclass(slots=True)
class Outcome:
    """What came back. `latencies` (seconds, by kind of request) hold what was answered within the measured window;
    `statuses` count the whole run, warm-up and drain included, because each of them may have left a row."""

    window_s: float
    latencies: dict[int, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    broken: int = 0
    server_cpu_s: float = 0.0
    client_cpu_s: float = 0.0

    @property
    def answered(self) -> int:
        """How many were answered within the window."""
        return sum(map(len, self.latencies.values()))

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.window_s

    @property
    def unanswered(self) -> int:
        """Requests that never got an answer: broken connections and what the drain did not bring."""
        return self.sent - self.statuses.total()

    def percentile_ms(self, share: float, *, kind: int | None = None) -> float:
        """Return a latency percentile in milliseconds; `share` is 0 to 1. NaN when nothing was answered."""
        chosen = self.latencies.values() if kind is None else [self.latencies.get(kind, [])]
        ordered = sorted(value for values in chosen for value in values)
        if not ordered:
            return float("nan")
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def parse_head(head: bytes) -> tuple[int, int, bool]:
    """Return the status, the body's length (-1: until the end of the connection), and whether the server closes."""
    lowered = head.lower()
    status = int(head[9:12])
    closes = b"\r\nconnection: close" in lowered
    at = lowered.find(b"\r\ncontent-length:")
    if at >= 0:
        return status, int(lowered[at + 17 : lowered.find(b"\r\n", at + 17)]), closes
    return status, 0 if status in BODILESS else -1, closes


class _Connection(asyncio.Protocol):
    """One caller: sends, waits for the whole answer, sends again; connects anew when the server closes."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._need = 0
        self._status = 0
        self._closes = False
        self._kind = 0
        self._request = b""
        self._begun = 0.0
        self.waiting = False

    def begin(self) -> None:
        """Send the next request, over a new connection where there is none; stop once the run is over."""
        if self._run.is_over():
            self._close()
            return
        self._kind, self._request = self._run.next_request()
        self._run.outcome.sent += 1
        self.waiting = True
        self._begun = time.perf_counter()
        if self._transport is None:
            self._run.connect(self)
        else:
            self._transport.write(self._request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - tells mypy what create_connection promises
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._need:
            end = self._received.find(HEADER_END)
            if end < 0:
                return
            self._status, length, self._closes = parse_head(self._received[: end + 2])
            if length < 0:
                self._closes = True
                self._need = 1 << 62
            else:
                self._need = end + len(HEADER_END) + length
        if len(self._received) >= self._need:
            self._finish()

    def _finish(self) -> None:
        self.waiting = False
        self._received, self._need = b"", 0
        self._run.note(self._status, self._kind, self._begun)
        if self._closes:
            self._close()
        self.begin()

    def _close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return
        self._transport = None
        if self._need == 1 << 62 and exc is None:
            self._finish()
        elif self.waiting:
            self.break_off()

    def break_off(self) -> None:
        """Count a request that will not be answered and go on with the next."""
        self.waiting = False
        self._received, self._need = b"", 0
        self._run.outcome.broken += 1
        # Not at once: a server that refuses every connection must not be asked a hundred thousand times a second.
        asyncio.get_running_loop().call_later(0.05, self.begin)


class _Run:
    """What the connections of one run share."""

    def __init__(self, *, host: str, port: int, shape: Shape, next_request: NEXT_REQUEST) -> None:
        self._host, self._port, self._shape = host, port, shape
        self.next_request = next_request
        self.outcome = Outcome(window_s=shape.duration_s)
        self._tasks: set[asyncio.Task[None]] = set()
        self._window_from = time.perf_counter() + shape.stagger_s + shape.warmup_s
        self._window_to = self._window_from + shape.duration_s

    def is_over(self) -> bool:
        return time.perf_counter() >= self._window_to

    def note(self, status: int, kind: int, begun: float) -> None:
        now = time.perf_counter()
        self.outcome.statuses[status] += 1
        if self._window_from <= now < self._window_to:
            self.outcome.latencies.setdefault(kind, []).append(now - begun)

    def connect(self, connection: _Connection) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: _Connection) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, self._host, self._port)
        except OSError:
            connection.break_off()

    async def drive(self, probe: Callable[[], float]) -> Outcome:
        loop = asyncio.get_running_loop()
        connections = [_Connection(self) for _ in range(self._shape.connections)]
        for number, connection in enumerate(connections):
            loop.call_later(self._shape.stagger_s * number / len(connections), connection.begin)
        await asyncio.sleep(self._window_from - time.perf_counter())
        server_from, client_from = probe(), time.process_time()
        await asyncio.sleep(self._window_to - time.perf_counter())
        self.outcome.server_cpu_s = probe() - server_from
        self.outcome.client_cpu_s = time.process_time() - client_from
        give_up_at = time.perf_counter() + self._shape.drain_s
        while any(connection.waiting for connection in connections) and time.perf_counter() < give_up_at:
            await asyncio.sleep(0.01)
        return self.outcome


def drive(
    *,
    port: int,
    shape: Shape,
    next_request: NEXT_REQUEST,
    probe: Callable[[], float] = lambda: 0.0,
    host: str = "127.0.0.1",
) -> Outcome:
    """Drive a server and return what came back, once every request in flight is answered or the drain has passed.

    `next_request` returns the kind of a request, by which its latency is kept, and its bytes. `probe` is read at
    both ends of the measured window: the server's CPU seconds.
    """

    async def run() -> Outcome:
        return await _Run(host=host, port=port, shape=shape, next_request=next_request).drive(probe)

    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(run())
    finally:
        gc.unfreeze()


def http_request(method: str, path: str, *, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Make a request's bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
