"""Group commit: requests that wait at the same moment share one statement and one commit.

The first to come executes at once, alone; who comes meanwhile joins the next batch. Nobody waits for company, and
nobody gets an answer before the commit that holds its row. The rest of the code sees a plain function.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError

from workspaces.connections import give_back

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 128


class _Ticket(Generic[Item, Result]):
    """One caller's place in the queue. Its lock is held until it has its result or is to lead the next batch."""

    __slots__ = ("done", "error", "gate", "item", "result")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done = False
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.gate = threading.Lock()
        self.gate.acquire()


class GroupCommit(Generic[Item, Result]):
    """Turns a function over many items into one over a single item, callable from any number of threads.

    `execute` gets 1 to MAX_BATCH items and returns one result for each, in order, having committed. When it raises a
    DatabaseError or UnicodeError for a batch, each item is tried alone, so that one bad value harms nobody else; a
    database that is away fails them all.
    """

    def __init__(self, execute: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._execute = execute
        self._lock = threading.Lock()
        self._queue: list[_Ticket[Item, Result]] = []
        self._busy = False

    def __call__(self, item: Item) -> Result:
        """Execute the item with whoever else waits; return its result or raise its error."""
        ticket: _Ticket[Item, Result] = _Ticket(item)
        with self._lock:
            self._queue.append(ticket)
            leads, self._busy = not self._busy, True
        if not leads:
            # Whoever leads needs a connection: the pool must not be empty for the sake of those who wait for it.
            try:
                give_back()
            finally:
                ticket.gate.acquire()
        if not ticket.done:
            self._lead()
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]

    def _lead(self) -> None:
        """Execute one batch, one's own ticket in it, then hand the lead to the first who waits."""
        with self._lock:
            batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
        try:
            self._run(batch)
        finally:
            with self._lock:
                follower = self._queue[0] if self._queue else None
                self._busy = follower is not None
            for ticket in batch:
                ticket.done = True
                ticket.gate.release()
            if follower is not None:
                follower.gate.release()

    def _run(self, batch: list[_Ticket[Item, Result]]) -> None:
        try:
            for ticket, result in zip(batch, self._execute([ticket.item for ticket in batch]), strict=True):
                ticket.result = result
        except BaseException as error:  # noqa: BLE001 - handed to each who waits, who raises it
            if len(batch) > 1 and _may_be_one_value(error):
                for ticket in batch:
                    self._run([ticket])
            else:
                for ticket in batch:
                    ticket.error = error


def _may_be_one_value(error: BaseException) -> bool:
    """Tell a value that was refused, or could not even be written as UTF-8, from a database that is away."""
    if isinstance(error, UnicodeError):
        return True
    return isinstance(error, DatabaseError) and not isinstance(error, OperationalError | InterfaceError)
