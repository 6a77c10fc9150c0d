"""The same thing from many threads at once, on either database."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, connections, models
from django.db.utils import ConnectionHandler

from coachbot.databases import tuned

THREADS = 12
T = TypeVar("T")


class Race:
    """Runs a function in threads, each with a connection of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Use this thread's own connection: SQLite's test database lies in one connection's memory, so a file's."""
        if connection.vendor == "postgresql":
            yield
            connection.close()
            return
        config: Any = tuned({"ENGINE": "django.db.backends.sqlite3", "NAME": str(self._file)}, pool_size=0)
        before, handler = connections["default"], ConnectionHandler({"default": config})
        connections["default"] = handler["default"]
        try:
            yield
        finally:
            handler["default"].close()
            connections["default"] = before

    def make_tables(self, *kinds: type[models.Model]) -> None:
        """Make the tables that the race needs; on PostgreSQL they are there."""
        if connection.vendor == "postgresql":
            return
        with self.connected(), connection.schema_editor() as editor:
            for kind in kinds:
                editor.create_model(kind)

    def __call__(self, act: Callable[[int], T]) -> list[T]:
        """Start THREADS of them at the same moment and return what each got."""
        gate = threading.Barrier(THREADS)
        outcomes: list[T] = []

        def run(n: int) -> None:
            with self.connected():
                gate.wait()
                outcomes.append(act(n))

        threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes
