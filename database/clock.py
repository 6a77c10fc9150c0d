"""The database's clock, which decides about leases and due times.

Machines' own clocks differ, and a process that judges another one's lease by its own clock takes work away from the
living. So each process measures once in a while how its monotonic clock stands to the database's and tells the time by
that; its wall clock plays no part. SQLite has no clock of its own: all its processes run on one machine and share that
machine's.
"""

import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

logger = logging.getLogger(__name__)

# A difference that is worth telling somebody about, in seconds.
TELL_FROM_S = 5.0
MEASURE_EVERY_S = 20.0
# A slow answer makes a vague measurement; the quickest of so many counts.
ASK_TIMES = 3


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A moment as the database and this process' monotonic clock tell it, and how far the wall clock is ahead."""

    at: datetime
    monotonic: float
    ahead_s: float


_anchor: _Anchor | None = None


def now() -> datetime:
    """Tell the time by the database's clock, as far as this process has measured it; never asks the database."""
    if _anchor is None:
        return timezone.now()
    return _anchor.at + timedelta(seconds=time.monotonic() - _anchor.monotonic)


def measure() -> float:
    """Ask the database for the time and go by it from now on. Returns by how many seconds this machine is ahead.

    Leaves the thread's connection open. Raises DatabaseError where the database is away; what was known stays.
    """
    global _anchor  # noqa: PLW0603 - one clock for the process
    if connection.vendor != "postgresql":
        return 0.0
    _anchor = min((_ask() for _ in range(ASK_TIMES)), key=lambda found: found[0])[1]
    return _anchor.ahead_s


def forget() -> None:
    """Go by this machine's own clock again."""
    global _anchor  # noqa: PLW0603
    _anchor = None


def _ask() -> tuple[float, _Anchor]:
    """Return how long the database took to answer, in seconds, and what it answered."""
    with connection.cursor() as cursor:
        before = time.monotonic()
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
        after = time.monotonic()
    own = timezone.now() - timedelta(seconds=(after - before) / 2)
    return after - before, _Anchor(at, (before + after) / 2, (own - at).total_seconds())


class Keeper:
    """Measures again and again, and says so once where this machine's clock is far off."""

    def __init__(self) -> None:
        self._measured_at = float("-inf")
        self._told_s = 0.0

    def keep(self) -> None:
        """Measure if the last time is a while ago. Raises DatabaseError."""
        if time.monotonic() - self._measured_at >= MEASURE_EVERY_S:
            ahead_s = measure()
            self._measured_at = time.monotonic()
            self._tell(ahead_s)

    def _tell(self, ahead_s: float) -> None:
        if abs(ahead_s - self._told_s) < TELL_FROM_S:
            return
        self._told_s = ahead_s
        if abs(ahead_s) < TELL_FROM_S:
            logger.warning("this machine's clock agrees with the database's again")
            return
        way = "ahead of" if ahead_s > 0 else "behind"
        logger.warning(
            "this machine's clock is %.0f s %s the database's; times are taken from the database. Set up NTP.",
            abs(ahead_s),
            way,
        )


def keep_in_background() -> None:
    """Measure now, and in a thread of its own from now on: for a process that serves requests."""
    keeper = Keeper()
    _keep_once(keeper)

    def run() -> None:
        while True:
            time.sleep(MEASURE_EVERY_S)
            _keep_once(keeper)

    threading.Thread(target=run, name="clock", daemon=True).start()


def _keep_once(keeper: Keeper) -> None:
    # The database may be away; whoever needs it says so.
    with contextlib.suppress(DatabaseError):
        keeper.keep()
    with contextlib.suppress(DatabaseError):
        connection.close()
