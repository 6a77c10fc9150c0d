"""manage.py worker: keep every promise the rows make, until told to stop."""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connection

from database import clock
from leads import erasures, sweep
from leads.intake import claim_name
from workspaces.connections import log_failure

logger = logging.getLogger(__name__)

# SIGTERM is followed by SIGKILL after ten seconds in most places.
STOP_WITHIN_S = 9.0
RETIRE_EVERY_S = 60.0


class Worker:
    """Claims due dispatches and runs each in a thread of its own, never more than `threads` at once.

    What else there is to do, and may wait long for a provider, is done beside that: each chore by one thread.
    """

    def __init__(self, *, threads: int, interval_s: float) -> None:
        self.interval_s = interval_s
        self.stopping = threading.Event()
        self._threads = threads
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="dispatch")
        self._running: set[Future[None]] = set()
        self._chore_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="chore")
        self._chores: dict[str, Future[None]] = {}
        self._retired_at = float("-inf")
        self._clock = clock.Keeper()

    def run(self) -> bool:
        """Sweep until told to stop, then let what was claimed come to its end. False: it didn't, in time."""
        while not self.stopping.is_set():
            worked = False
            try:
                worked = self.sweep_once() > 0
            except DatabaseError as error:
                logger.warning("database unavailable: %s", type(error).__name__)
            finally:
                _close_connection()
            if not worked:
                self.stopping.wait(self.interval_s)
        return not wait({*self._running, *self._chores.values()}, timeout=STOP_WITHIN_S).not_done

    def sweep_once(self) -> int:
        """Claim as much as there are free threads for, and hand it to them. Returns how much was found to do."""
        self._clock.keep()
        now = clock.now()
        found = 0
        self._running = {future for future in self._running if not future.done()}
        for job in sweep.claim_jobs(by=claim_name(), now=now, limit=self._threads - len(self._running)):
            self._running.add(self._pool.submit(_run, job))
            found += 1
        self._start_chore("channels", lambda: sweep.keep_channels_promises(now=now, limit=100))
        self._start_chore("mail", lambda: sweep.send_mail(now=now, limit=100))
        self._start_chore("erasures", lambda: erasures.sweep(now=now, limit=100))
        if time.monotonic() - self._retired_at > RETIRE_EVERY_S:
            self._retired_at = time.monotonic()
            self._start_chore("retire", lambda: sweep.retire(now=now, stop=self.stopping.is_set))
        return found

    def _start_chore(self, name: str, act: Callable[[], object]) -> None:
        """Have a chore done beside the dispatches, unless it is still being done since the last time."""
        under_way = self._chores.get(name)
        if under_way is None or under_way.done():
            self._chores[name] = self._chore_pool.submit(_do_chore, name, act)


def _run(job: sweep.Job) -> None:
    try:
        job()
    except Exception as error:  # noqa: BLE001 - logged by log_failure
        # The row stays claimed; when its lease ends another sweep settles it.
        log_failure(logger, error, "dispatch failed unexpectedly")
    finally:
        _close_connection()


def _do_chore(name: str, act: Callable[[], object]) -> None:
    try:
        act()
    except DatabaseError as error:
        logger.warning("database unavailable: %s", type(error).__name__)
    except Exception:
        logger.exception("chore failed unexpectedly: %s", name)
    finally:
        _close_connection()


class Command(BaseCommand):
    """Run sweeps about twice a second. Any number of workers may run beside each other."""

    help = "Keep the promises that rows make: send what is due, settle what went silent, delete what is old."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --threads and --interval."""
        parser.add_argument("--threads", type=int, default=16, help="dispatches sent at the same time (16)")
        parser.add_argument("--interval", type=float, default=0.5, help="seconds between sweeps that found nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGTERM or SIGINT."""
        worker = Worker(threads=options["threads"], interval_s=options["interval"])

        def stop(signum: int, frame: FrameType | None) -> None:
            worker.stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        logger.info("worker started")
        finished = worker.run()
        logger.info("worker stopped")
        if not finished:
            logger.warning("work under way was left; its rows are settled when their leases end")
            # The interpreter's own exit would wait for the threads, however long their providers take.
            os._exit(0)


def _close_connection() -> None:
    with contextlib.suppress(DatabaseError):
        close_old_connections()
        connection.close()
