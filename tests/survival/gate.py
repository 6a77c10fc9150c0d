"""A TCP passage between two processes that a test can hold, cut and mend."""

import contextlib
import socket
import struct
import threading
import time
from typing import Literal, Self

Direction = Literal["up", "down"]
CHUNK = 65_536
# Reset instead of a polite goodbye: what a dead host or a pulled cable leads to.
_LINGER_ZERO = struct.pack("ii", 1, 0)


class Gate:
    """Forwards 127.0.0.1:port to `target`. Up is from the client to the target, down is what comes back."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._changed = threading.Condition()
        self._held: set[Direction] = set()
        self._waiting: dict[Direction, int] = {"up": 0, "down": 0}
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.mend()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def hold(self, direction: Direction) -> None:
        """Let no more bytes through in one direction; they wait."""
        with self._changed:
            self._held.add(direction)

    def release(self) -> None:
        """Let everything through, first what waited."""
        with self._changed:
            self._held.clear()
            self._changed.notify_all()

    def wait_until_held(self, direction: Direction, *, connections: int = 1, timeout_s: float = 20) -> None:
        """Wait until bytes wait on so many connections."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting[direction] >= connections, timeout_s):
                raise AssertionError(f"{self._waiting[direction]} of {connections} connections wait ({direction})")

    def drop(self) -> None:
        """Reset every connection, and forget what waited."""
        with self._changed:
            pairs, self._pairs = self._pairs, set()
            self._changed.notify_all()
        for pair in pairs:
            _reset(*pair)

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        if self._listener is not None:
            # Closing alone would leave the accepting thread inside accept(), and the port open with it.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.drop()

    def mend(self) -> None:
        """Let everything through and accept connections, again at the same port."""
        self.release()
        if self._listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(512)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            pair = (client, server)
            with self._changed:
                self._pairs.add(pair)
            for direction, source, sink in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self._pump, args=(direction, source, sink, pair), daemon=True).start()

    def _pump(
        self,
        direction: Direction,
        source: socket.socket,
        sink: socket.socket,
        pair: tuple[socket.socket, socket.socket],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if not self._let_through(direction, pair):
                    break
                sink.sendall(data)
        with self._changed:
            self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        # The other pump may sit in recv on either end; give it the moment to leave before the numbers are reused.
        time.sleep(0.05)
        for end in pair:
            end.close()

    def _let_through(self, direction: Direction, pair: tuple[socket.socket, socket.socket]) -> bool:
        with self._changed:
            if direction not in self._held:
                return pair in self._pairs
            self._waiting[direction] += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: direction not in self._held or pair not in self._pairs)
            self._waiting[direction] -= 1
            return pair in self._pairs


def _reset(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
