"""The load generator counts what a server really did."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from benchmarks import load

pytestmark = pytest.mark.serial


@dataclass
class TinyServer:
    """Answers in turn what it was told to; counts what it read. Runs in a thread of its own."""

    answers: list[bytes]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
                answer = self.answers[len(self.requests) % len(self.answers)]
                self.requests.append(body)
                # In two pieces, as a network may deliver it.
                writer.write(answer[:20])
                await writer.drain()
                writer.write(answer[20:])
                await writer.drain()
                if b"close" in answer or not answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async def run(self, ready: threading.Event, stop: threading.Event) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.01)
        server.close()


Serve = Callable[..., TinyServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(*answers: bytes) -> TinyServer:
        server, ready = TinyServer(list(answers)), threading.Event()
        threads.append(threading.Thread(target=lambda: asyncio.run(server.run(ready, stop))))
        threads[-1].start()
        ready.wait(5)
        return server

    yield start
    stop.set()
    for thread in threads:
        thread.join(5)


CREATED = b'HTTP/1.1 201 Created\r\ncontent-length: 11\r\n\r\n{"ok":true}'
REFUSED = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}"
CLOSING = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
UNTIL_END = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nsome text"


def numbered() -> load.NEXT_REQUEST:
    numbers = iter(range(10**9))

    def next_request() -> tuple[int, bytes]:
        n = next(numbers)
        return n % 2, load.http_request("POST", "/", headers={}, body=b"%09d" % n)

    return next_request


def run(server: TinyServer, *, connections: int = 4) -> load.Outcome:
    shape = load.Shape(connections=connections, duration_s=0.2, warmup_s=0.1, drain_s=1)
    return load.drive(port=server.port, shape=shape, next_request=numbered())


def test_counts_every_answer_by_status(serve: Serve) -> None:
    server = serve(CREATED, CREATED, CREATED, REFUSED)
    outcome = run(server)
    assert outcome.statuses.total() == outcome.sent == len(server.requests)
    assert outcome.statuses[201] + outcome.statuses[429] == outcome.sent
    assert outcome.statuses[429] == outcome.sent // 4
    assert outcome.unanswered == outcome.broken == 0
    assert len(set(server.requests)) == len(server.requests)


def test_measures_only_within_the_window_and_by_kind(serve: Serve) -> None:
    outcome = run(serve(CREATED))
    assert 0 < outcome.answered < outcome.statuses.total()
    assert set(outcome.latencies) == {0, 1}
    assert 0 < outcome.percentile_ms(0.5) <= outcome.percentile_ms(0.99) < 1000
    assert outcome.rate == pytest.approx(outcome.answered / 0.2)


@pytest.mark.parametrize("answer", [CLOSING, UNTIL_END])
def test_connects_anew_where_the_server_closes(serve: Serve, answer: bytes) -> None:
    server = serve(answer)
    outcome = run(server)
    assert outcome.sent == outcome.statuses.total() == len(server.requests) == server.connections
    assert outcome.broken == 0


def test_counts_a_dropped_connection_as_unanswered(serve: Serve) -> None:
    outcome = run(serve(b"", CREATED), connections=1)
    assert outcome.broken == outcome.unanswered > 0


def test_counts_a_server_that_is_not_there_as_unanswered() -> None:
    outcome = run(TinyServer([], port=1), connections=2)
    assert outcome.broken == outcome.sent == outcome.unanswered > 0
