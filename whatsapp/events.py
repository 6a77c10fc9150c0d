"""Waking the engine: the event that asks for a lead's turn, and the thread that sends it after the answer is out."""

import logging
import os
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.db.models import F
from django.utils import timezone

from leads.models import Dispatch
from providers import inngest
from providers.errors import ProviderError

logger = logging.getLogger(__name__)

TURN_REQUESTED = "agent/turn.requested"
MAX_WAITING = 10_000
IDLE_S = 5.0


@dataclass(frozen=True, slots=True)
class Wish:
    """A dispatch whose turn is wanted.

    `again` is set where the engine took the event before and nobody came: how often that was.
    """

    dispatch_id: UUID
    lead_id: UUID
    again: int | None = None

    def event(self) -> inngest.Event:
        """Build the event. Its id is the dispatch's, so that the same wish twice is one turn.

        An id whose run failed stays deduplicated for 24 hours: after two in vain the event gets an id of its own.
        """
        suffix = f":r{self.again}" if self.again is not None and self.again >= 2 else ""
        return inngest.Event(
            id=f"{self.dispatch_id}{suffix}",
            name=TURN_REQUESTED,
            data={"dispatch_id": str(self.dispatch_id), "lead_id": str(self.lead_id)},
        )


class EventSender:
    """Sends events from a thread of its own. It promises nothing: the row does, and the worker keeps that."""

    def __init__(self) -> None:
        self._start_afresh()
        os.register_at_fork(after_in_child=self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin without a thread: a forked child has none, and its locks may be held by nobody."""
        self._wishes: queue.Queue[Wish] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, wish: Wish) -> None:
        """Leave a wish to the thread; dropped when too many wait. Never blocks and never raises."""
        try:
            self._wishes.put_nowait(wish)
        except queue.Full:
            logger.warning("too many events wait, left to the worker: dispatch %s", wish.dispatch_id)
            return
        if self._thread is None:
            self._start()

    def wait_until_idle(self, *, timeout_s: float) -> bool:
        """Wait until everything put so far was tried. False: it takes longer, and goes on."""
        with self._wishes.all_tasks_done:
            return self._wishes.all_tasks_done.wait_for(lambda: not self._wishes.unfinished_tasks, timeout_s)

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="inngest-events", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                # No thread to be had, or the interpreter is ending.
                self._thread = None
                logger.exception("can't start the thread that sends events")

    def _run(self) -> None:
        while True:
            try:
                batch = [self._wishes.get(timeout=IDLE_S)]
            except queue.Empty:
                connections.close_all()
                continue
            while len(batch) < inngest.MAX_BATCH and not self._wishes.empty():
                batch.append(self._wishes.get())
            try:
                _hand_over(batch)
            except ProviderError:
                # Logged where it happened; the rows stay pending and the worker sends them.
                pass
            except Exception:
                logger.exception("sending events")
            finally:
                connections.close_all()
                for _ in batch:
                    self._wishes.task_done()


def _hand_over(batch: Sequence[Wish]) -> None:
    """Send events and note that the engine has them; where it claimed one already, nothing is changed."""
    inngest.send_events([wish.event() for wish in batch])
    due_at = timezone.now() + timedelta(seconds=settings.TURN_UNCLAIMED_S)
    first = Dispatch.objects.filter(pk__in=[wish.dispatch_id for wish in batch if wish.again is None])
    first.filter(status=Dispatch.Status.PENDING).update(status=Dispatch.Status.QUEUED, due_at=due_at)
    again = Dispatch.objects.filter(pk__in=[wish.dispatch_id for wish in batch if wish.again is not None])
    again.filter(status=Dispatch.Status.QUEUED).update(attempts=F("attempts") + 1)


sender = EventSender()
