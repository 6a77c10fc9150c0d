"""Group commit: who waits at the same moment shares one statement, and nobody notices."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DataError, IntegrityError, OperationalError

from leads.batching import MAX_BATCH, GroupCommit

WITHIN_S = 30


class Slow:
    """Executes when it is let, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_go = threading.Semaphore(0)
        self.entered = threading.Semaphore(0)

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.entered.release()
        assert self.may_go.acquire(timeout=WITHIN_S)
        return [item * 10 for item in items]


def in_threads(call: Callable[[int], object], items: Sequence[int]) -> tuple[list[threading.Thread], dict[int, object]]:
    """Call with each item in a thread of its own; returns the threads and what came back."""
    came: dict[int, object] = {}

    def run(item: int) -> None:
        try:
            came[item] = call(item)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            came[item] = error

    threads = [threading.Thread(target=run, args=(item,), daemon=True) for item in items]
    for thread in threads:
        thread.start()
    return threads, came


def join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join(WITHIN_S)
        assert not thread.is_alive()


def queued(group: GroupCommit[int, int], count: int) -> None:
    """Wait until so many wait."""
    deadline = time.monotonic() + WITHIN_S
    while len(group._queue) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def start_with_followers(
    group: GroupCommit[int, int], slow: Slow, count: int
) -> tuple[list[threading.Thread], Callable[[], dict[int, object]]]:
    """Let item 0 execute alone, and 1…count wait meanwhile. Returns the threads, and what came back to all of them."""
    first, came = in_threads(group, [0])
    assert slow.entered.acquire(timeout=WITHIN_S)
    rest, came_to_rest = in_threads(group, range(1, count + 1))
    queued(group, count)
    return first + rest, lambda: came | came_to_rest


def test_one_alone_executes_at_once() -> None:
    batches: list[list[int]] = []

    def execute(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        return [item * 10 for item in items]

    group: GroupCommit[int, int] = GroupCommit(execute)

    assert [group(n) for n in range(3)] == [0, 10, 20]
    assert batches == [[0], [1], [2]]


def test_who_comes_meanwhile_shares_the_next_batch_and_gets_its_own_result() -> None:
    slow = Slow()
    group: GroupCommit[int, int] = GroupCommit(slow)
    threads, came = start_with_followers(group, slow, 5)

    slow.may_go.release(2)
    join(threads)

    assert slow.batches[0] == [0]
    assert sorted(slow.batches[1]) == [1, 2, 3, 4, 5]
    assert came() == {n: n * 10 for n in range(6)}


def test_batches_keep_the_order_of_arrival() -> None:
    slow = Slow()
    group: GroupCommit[int, int] = GroupCommit(slow)
    threads, _ = in_threads(group, [0])
    assert slow.entered.acquire(timeout=WITHIN_S)
    for n in range(1, 6):
        threads += in_threads(group, [n])[0]
        queued(group, n)

    slow.may_go.release(2)
    join(threads)

    assert slow.batches == [[0], [1, 2, 3, 4, 5]]


def test_the_lead_is_handed_on_when_more_wait_than_a_batch_holds() -> None:
    slow = Slow()
    group: GroupCommit[int, int] = GroupCommit(slow)
    threads, came = start_with_followers(group, slow, MAX_BATCH + 3)

    slow.may_go.release(3)
    join(threads)

    assert [len(batch) for batch in slow.batches] == [1, MAX_BATCH, 3]
    assert came() == {n: n * 10 for n in range(MAX_BATCH + 4)}
    slow.may_go.release()
    assert group(7) == 70


@pytest.mark.parametrize("error", [DataError, IntegrityError])
def test_one_bad_item_harms_nobody_else(error: type[Exception]) -> None:
    slow = Slow()
    done: list[int] = []

    def execute(items: Sequence[int]) -> list[int]:
        if 0 in items:
            slow(items)
        if 3 in items:
            raise error("bad value")
        done.extend(items)
        return [item * 10 for item in items]

    group: GroupCommit[int, int] = GroupCommit(execute)
    threads, came = start_with_followers(group, slow, 5)

    slow.may_go.release()
    join(threads)

    results = came()
    assert type(results.pop(3)) is error
    assert results == {0: 0, 1: 10, 2: 20, 4: 40, 5: 50}
    assert sorted(done) == [0, 1, 2, 4, 5]


@pytest.mark.parametrize("error", [OperationalError("away"), RuntimeError("a bug"), KeyboardInterrupt()])
def test_a_database_that_is_away_fails_all_once(error: BaseException) -> None:
    slow = Slow()
    tries: list[int] = []

    def execute(items: Sequence[int]) -> list[int]:
        tries.append(len(items))
        if 0 in items:
            return slow(items)
        raise error

    group: GroupCommit[int, int] = GroupCommit(execute)
    threads, came = start_with_followers(group, slow, 4)

    slow.may_go.release()
    join(threads)

    results = came()
    assert results.pop(0) == 0
    assert set(results.values()) == {error}
    assert tries == [1, 4]
    slow.may_go.release()
    assert group(0) == 0


def test_a_failing_leader_still_hands_on() -> None:
    slow = Slow()

    def execute(items: Sequence[int]) -> list[int]:
        results = slow(items)
        if 0 in items:
            raise OperationalError("away")
        return results

    group: GroupCommit[int, int] = GroupCommit(execute)
    threads, came = start_with_followers(group, slow, 3)

    slow.may_go.release(2)
    join(threads)

    results = came()
    assert isinstance(results.pop(0), OperationalError)
    assert results == {1: 10, 2: 20, 3: 30}


def test_a_result_too_few_is_an_error_for_all_and_hangs_nobody() -> None:
    group: GroupCommit[int, int] = GroupCommit(lambda items: [])

    with pytest.raises(ValueError, match="zip"):
        group(1)
    with pytest.raises(ValueError, match="zip"):
        group(2)


def test_two_thousand_calls_over_fifty_threads_lose_nothing() -> None:
    executed: list[int] = []
    running = threading.Lock()

    def execute(items: Sequence[int]) -> list[int]:
        assert running.acquire(blocking=False), "two batches at once"
        try:
            assert 1 <= len(items) <= MAX_BATCH
            if len(items) > 1 and any(item % 97 == 0 for item in items):
                raise DataError("one of them is bad")
            if items[0] % 97 == 0:
                raise DataError("this one")
            time.sleep(0.0002)
            executed.extend(items)
            return [item * 10 for item in items]
        finally:
            running.release()

    group: GroupCommit[int, int] = GroupCommit(execute)

    def call(n: int) -> int | None:
        try:
            return group(n)
        except DataError:
            return None

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(call, range(2000), timeout=WITHIN_S))

    assert results == [None if n % 97 == 0 else n * 10 for n in range(2000)]
    assert sorted(executed) == [n for n in range(2000) if n % 97]
