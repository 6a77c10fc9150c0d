"""However many threads of a process count at once, Redis is asked for each: a flood must not lift the limits."""

import os
import threading
import uuid

import pytest

from apikeys.limits import RedisCounters, Window

FLOOD = 300
LIMIT = 50


@pytest.mark.redis
@pytest.mark.serial
def test_lets_exactly_the_limit_through_when_more_threads_than_connections_count() -> None:
    counters = RedisCounters(os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/11")
    key_id, windows = uuid.uuid4(), [Window("minute", 60, LIMIT)]
    together = threading.Barrier(FLOOD, timeout=20)
    allowed: list[bool] = []

    def count() -> None:
        together.wait()
        allowed.append(counters.hit(key_id, windows)[0])

    threads = [threading.Thread(target=count) for _ in range(FLOOD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    counters.close()

    assert (allowed.count(True), allowed.count(False)) == (LIMIT, FLOOD - LIMIT)
