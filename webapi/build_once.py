"""What a process makes at first use and keeps: made by one thread, while the others wait for it."""

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, TypeVar

T = TypeVar("T")


class BuildOnce(Generic[T]):
    """A function without arguments whose first result is everybody's.

    `functools.cache` calls its function again for each thread that asks before the first has finished. For what must
    not be built twice at the same time (drf-spectacular's document, Inngest's functions) that is a crash.
    """

    def __init__(self, build: Callable[[], T]) -> None:
        update_wrapper(self, build)
        self._build = build
        self._built: list[T] = []
        self._lock = threading.RLock()

    def __call__(self) -> T:
        """Return what was built; what went wrong is tried again by the next caller."""
        built = self._built
        if not built:
            with self._lock:
                if not self._built:
                    self._built = [self._build()]
                built = self._built
        return built[0]

    def forget(self) -> None:
        """Build it again at the next use, as after a fork: the lock too may be held by a thread that is gone."""
        self._lock = threading.RLock()
        self._built = []


def build_once(build: Callable[[], T]) -> BuildOnce[T]:
    """Decorate a function that builds something which is kept."""
    return BuildOnce(build)
