"""Lending database connections: who waits for something else gives theirs back, and dead ones are thrown out."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import InterfaceError, InternalError, OperationalError, connection

# What a database raises that can't be reached, takes nothing in, or has no connection to spare. InternalError: a server
# that has become a standby.
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
PURGE_EVERY_S = 1.0
INSIST_EVERY_S = 0.2
T = TypeVar("T")
_purged_at = float("-inf")
_purging = threading.Lock()


def give_back() -> None:
    """Return this thread's connection to the pool, so that whoever waits slowly holds none.

    Inside a transaction it can't be let go; SQLite has no pool, and an idle connection there is in nobody's way.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def insist(act: Callable[[], T], *, within_s: float) -> T:
    """Do in the database what must not be lost, again while it is locked or away. Not to be called in a transaction.

    Raises the last error after `within_s`.
    """
    until = time.monotonic() + within_s
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError):
            if time.monotonic() >= until or connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(INSIST_EVERY_S)


def log_failure(logger: logging.Logger, error: BaseException, what: str, *args: object) -> None:
    """Log what `error` ended: as an error, or as a warning where the database is away. /readyz tells of that."""
    if isinstance(error, DATABASE_AWAY):
        logger.warning("%s: database unavailable: %s", what % args, type(error).__name__)
    else:
        logger.error(what, *args, exc_info=error)


def purge_dead() -> None:
    """Have the pool look through its idle connections, aside: after a restart of the server all of them are dead.

    Without it each would fail a request of its own. Called when a request met a dead one; at most once a second.
    """
    global _purged_at
    pool = getattr(connection, "pool", None)
    if pool is None or time.monotonic() - _purged_at < PURGE_EVERY_S or not _purging.acquire(blocking=False):
        return
    _purged_at = time.monotonic()

    def look() -> None:
        try:
            with contextlib.suppress(psycopg.Error):
                pool.check()
        finally:
            _purging.release()

    threading.Thread(target=look, name="purge-connections", daemon=True).start()
