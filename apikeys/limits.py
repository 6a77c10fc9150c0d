"""Rate limits, of a key in two windows: counted in Redis where one is shared, else in this process.

A window begins with its first request. Counting is one atomic step, so that of any number of simultaneous requests
exactly as many pass as the limit says. When Redis is away requests pass, and it is logged: a limiter must not be an
outage.
"""

import hashlib
import logging
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

import redis
from django.conf import settings

from apikeys.authentication import Caller
from webapi.errors import ApiError

logger = logging.getLogger(__name__)

REDIS_TIMEOUT_S = 1.0
REDIS_CONNECTIONS = 64
# After a failure Redis is left alone for so long: a dead one must not cost every request its timeout.
REDIS_PAUSE_S = 2.0
MAX_COUNTERS = 100_000

# Whose count it is: a key's id, or a name that no id can be taken for.
Who = UUID | str

# KEYS: counters. ARGV: limit and length in seconds of each. Answers {allowed, count, ttl in ms, count, ttl …}.
_SCRIPT = """
local allowed, counts = 1, {}
for i = 1, #KEYS do
  counts[i] = tonumber(redis.call('GET', KEYS[i]) or '0')
  if counts[i] >= tonumber(ARGV[2 * i - 1]) then allowed = 0 end
end
local answer = {allowed}
for i = 1, #KEYS do
  if allowed == 1 then
    counts[i] = redis.call('INCR', KEYS[i])
    if counts[i] == 1 then redis.call('EXPIRE', KEYS[i], ARGV[2 * i]) end
  end
  answer[#answer + 1] = counts[i]
  answer[#answer + 1] = redis.call('PTTL', KEYS[i])
end
return answer
"""
# KEYS: counters. Takes one back from each that still counts; a window that ended meanwhile owes nothing.
_REFUND = """
for i = 1, #KEYS do
  if tonumber(redis.call('GET', KEYS[i]) or '0') > 0 then redis.call('DECR', KEYS[i]) end
end
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A limit of requests in a length of seconds."""

    name: str
    length_s: int
    limit: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key stands in a window after this request."""

    window: Window
    count: int
    reset_s: int

    @property
    def exhausted(self) -> bool:
        """Whether nothing more goes through."""
        return self.count >= self.window.limit


class Counters(Protocol):
    """Where counts are kept."""

    def hit(self, who: Who, windows: Sequence[Window]) -> tuple[bool, list[tuple[int, float]]]:
        """Count a request in all windows, or in none when one is full. Returns (allowed, [(count, seconds left)])."""
        ...

    def refund(self, who: Who, windows: Sequence[Window]) -> None:
        """Take a counted request back."""
        ...

    def forget(self, who: Who, windows: Sequence[Window]) -> None:
        """Begin the windows again."""
        ...

    def close(self) -> None:
        """Let go of what is held open."""
        ...


class ProcessCounters:
    """Counts of this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[Who, str], list[float]] = {}

    def hit(self, who: Who, windows: Sequence[Window]) -> tuple[bool, list[tuple[int, float]]]:
        """Count under a lock."""
        now = time.monotonic()
        with self._lock:
            if len(self._counts) > MAX_COUNTERS:
                self._counts = {name: entry for name, entry in self._counts.items() if entry[1] > now}
            entries = [self._entry(who, window, now) for window in windows]
            allowed = all(entry[0] < window.limit for entry, window in zip(entries, windows, strict=True))
            if allowed:
                for entry in entries:
                    entry[0] += 1
            return allowed, [(int(entry[0]), entry[1] - now) for entry in entries]

    def refund(self, who: Who, windows: Sequence[Window]) -> None:
        """Take one back where the window is still the same."""
        with self._lock:
            for window in windows:
                entry = self._counts.get((who, window.name))
                if entry and entry[0] > 0:
                    entry[0] -= 1

    def forget(self, who: Who, windows: Sequence[Window]) -> None:
        """Drop the counts."""
        with self._lock:
            for window in windows:
                self._counts.pop((who, window.name), None)

    def close(self) -> None:
        """Hold nothing open."""

    def _entry(self, who: Who, window: Window, now: float) -> list[float]:
        entry = self._counts.get((who, window.name))
        if entry is None or entry[1] <= now:
            entry = self._counts[who, window.name] = [0, now + window.length_s]
        return entry


class RedisCounters:
    """Counts that all processes share, in one round trip a request."""

    def __init__(self, url: str) -> None:
        # Threads wait for one another: the pool that fails instead, at a hundred, would lift the limits in a flood.
        pool: Any = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=REDIS_CONNECTIONS,
            timeout=REDIS_TIMEOUT_S,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=None,
        )
        self._client: Any = redis.Redis(connection_pool=pool)
        self._sha = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
        self._refund = self._client.register_script(_REFUND)
        self._away_until = 0.0

    def hit(self, who: Who, windows: Sequence[Window]) -> tuple[bool, list[tuple[int, float]]]:
        """Count by a script; let everything pass while Redis is away."""
        unknown = [(0, float(window.length_s)) for window in windows]
        if time.monotonic() < self._away_until:
            return True, unknown
        arguments = [value for window in windows for value in (window.limit, window.length_s)]
        try:
            answer = self._run([*self._names(who, windows), *arguments], keys=len(windows))
        except redis.RedisError as error:
            self._rest(error)
            return True, unknown
        # A window that has not begun has no time to live yet.
        left = [
            ttl / 1000 if ttl >= 0 else float(window.length_s)
            for ttl, window in zip(answer[2::2], windows, strict=True)
        ]
        return bool(answer[0]), list(zip(answer[1::2], left, strict=True))

    def refund(self, who: Who, windows: Sequence[Window]) -> None:
        """Decrement what still counts."""
        if time.monotonic() < self._away_until:
            return
        try:
            self._refund(keys=self._names(who, windows))
        except redis.RedisError as error:
            self._rest(error)

    def forget(self, who: Who, windows: Sequence[Window]) -> None:
        """Delete the counts."""
        if time.monotonic() < self._away_until:
            return
        try:
            self._client.delete(*self._names(who, windows))
        except redis.RedisError as error:
            self._rest(error)

    def close(self) -> None:
        """Close every connection; the next count opens one anew."""
        self._client.connection_pool.disconnect()

    def _run(self, keys_and_arguments: list[Any], *, keys: int) -> list[int]:
        """Run the script by its hash, which Redis knows once it has seen it."""
        # Straight on a connection: what the client wraps around a command costs as much again.
        link = self._client.connection_pool.get_connection()
        try:
            link.send_command("EVALSHA", self._sha, keys, *keys_and_arguments)
            return list(link.read_response())
        except redis.exceptions.NoScriptError:
            link.send_command("EVAL", _SCRIPT, keys, *keys_and_arguments)
            return list(link.read_response())
        except (redis.ConnectionError, redis.TimeoutError):
            # Half an answer may still be under way on it.
            link.disconnect()
            raise
        finally:
            self._client.connection_pool.release(link)

    def _names(self, who: Who, windows: Sequence[Window]) -> list[str]:
        # One hash tag: a Redis cluster wants the keys of a script in one slot.
        return [f"coachbot:limit:{{{who}}}:{window.name}" for window in windows]

    def _rest(self, error: redis.RedisError) -> None:
        self._away_until = time.monotonic() + REDIS_PAUSE_S
        logger.warning("redis is away, rate limits are not applied: %s", type(error).__name__)


_counters: Counters | None = None
_counters_lock = threading.Lock()


def reset() -> None:
    """Forget this process' counts and connections."""
    global _counters
    if _counters is not None:
        _counters.close()
    _counters = None


def shared() -> Counters:
    """Return the counters that this process counts in."""
    global _counters
    if _counters is None:
        with _counters_lock:
            if _counters is None:
                _counters = RedisCounters(settings.REDIS_URL) if settings.REDIS_URL else ProcessCounters()
    return _counters


def windows_of(caller: Caller) -> list[Window]:
    """List the windows that a key has: its own limits, else the defaults; 0 is none."""
    minute = settings.API_RATE_LIMIT_PER_MINUTE if caller.limit_per_minute is None else caller.limit_per_minute
    hour = settings.API_RATE_LIMIT_PER_HOUR if caller.limit_per_hour is None else caller.limit_per_hour
    both = (Window("minute", 60, minute), Window("hour", 3600, hour))
    return [window for window in both if window.limit]


def count(caller: Caller) -> tuple[ApiError | None, list[Standing]]:
    """Count a request. Returns its refusal (429) or None, and where the key stands now."""
    windows = windows_of(caller)
    if not windows:
        return None, []
    allowed, counts = shared().hit(caller.key_id, windows)
    standings = [
        Standing(window, number, min(window.length_s, max(1, math.ceil(left))))
        for window, (number, left) in zip(windows, counts, strict=True)
    ]
    if allowed:
        return None, standings
    # Where both are full, the longer wait is the true one.
    return _refusal(max((s for s in standings if s.exhausted), key=lambda s: s.reset_s)), standings


def refund(caller: Caller, standings: Sequence[Standing]) -> list[Standing]:
    """Take a counted request back (a 304 is free). Returns where the key stands then."""
    if standings:
        shared().refund(caller.key_id, [standing.window for standing in standings])
    return [replace(standing, count=max(0, standing.count - 1)) for standing in standings]


def let_through(who: str, window: Window) -> bool:
    """Count something that is no call of a key, under a name of its own. False: the window is full."""
    return not window.limit or shared().hit(who, [window])[0]


def headers_of(standings: Sequence[Standing]) -> dict[str, str]:
    """Write the two headers of draft-ietf-httpapi-ratelimit-headers; none where nothing is limited."""
    if not standings:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{s.window.name}";q={s.window.limit};w={s.window.length_s}' for s in standings),
        "RateLimit": ", ".join(
            f'"{s.window.name}";r={max(0, s.window.limit - s.count)};t={s.reset_s}' for s in standings
        ),
    }


def _refusal(standing: Standing) -> ApiError:
    sentence = (
        "Rate limit exceeded. Wait a minute before retrying."
        if standing.window.name == "minute"
        else "Hourly rate limit exceeded."
    )
    return ApiError(429, sentence, headers={"Retry-After": str(standing.reset_s)})
