"""Password hashes: each is slow on purpose, so a process works on one at a time and keeps its other threads going."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from workspaces.connections import give_back

# A hash takes about 0.3 s of one core. So many may wait for their turn, each for so long.
MAX_WAITING = 16
WAIT_S = 10.0
_hashing = threading.Lock()
_waiting = threading.BoundedSemaphore(MAX_WAITING)


class PasswordsBusy(Exception):
    """Too many passwords wait to be hashed in this process. Nothing was hashed."""


class OneAtATimeHasher(PBKDF2PasswordHasher):
    """Django's default, one at a time in each process."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Hash in turn. Gives the database connection back; raises PasswordsBusy where there is no turn."""
        with _turn():
            return super().encode(password, salt, iterations)


@contextmanager
def _turn() -> Iterator[None]:
    give_back()
    if not _waiting.acquire(blocking=False):
        raise PasswordsBusy
    try:
        if not _hashing.acquire(timeout=WAIT_S):
            raise PasswordsBusy
    finally:
        _waiting.release()
    try:
        yield
    finally:
        _hashing.release()
