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

from database import clock
from leads.models import Dispatch
from providers import inngest
from providers.errors import ProviderError
from whatsapp.models import AgentTurn
from workspaces.connections import log_failure

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
        return _event(self.dispatch_id, "dispatch_id", self.lead_id, again=self.again)

    def note(self) -> None:
        """Write down that the engine has it; where it claimed the dispatch already, nothing is changed."""
        row = Dispatch.objects.filter(pk=self.dispatch_id)
        if self.again is None:
            due_at = clock.now() + timedelta(seconds=settings.TURN_UNCLAIMED_S)
            row.filter(status=Dispatch.Status.PENDING).update(status=Dispatch.Status.QUEUED, due_at=due_at)
        else:
            row.filter(status=Dispatch.Status.QUEUED).update(attempts=F("attempts") + 1)


@dataclass(frozen=True, slots=True)
class ReplyWish:
    """A reply that is wanted. `after` is the turn that was under way before and may have kept this one waiting."""

    turn_id: UUID
    lead_id: UUID
    again: int | None = None
    after: UUID | None = None

    def event(self) -> inngest.Event:
        """Build the event, as Wish does."""
        return _event(self.turn_id, "turn_id", self.lead_id, again=self.again, after=self.after)

    def note(self) -> None:
        """Write down that the engine has it: so long the worker need not wake it again."""
        row = AgentTurn.objects.filter(pk=self.turn_id, state__in=AgentTurn.OPEN)
        if self.again is None:
            row.update(wake_at=F("due_at") + timedelta(seconds=settings.TURN_UNCLAIMED_S))
        else:
            row.update(wakes=F("wakes") + 1)


def _event(pk: UUID, name: str, lead_id: UUID, *, again: int | None = None, after: UUID | None = None) -> inngest.Event:
    suffix = f":r{again}" if again is not None and again >= 2 else f":{after}" if after else ""
    return inngest.Event(id=f"{pk}{suffix}", name=TURN_REQUESTED, data={name: str(pk), "lead_id": str(lead_id)})


class EventSender:
    """Sends events from a thread of its own. It promises nothing: the row does, and the worker keeps that."""

    def __init__(self) -> None:
        self._start_afresh()
        os.register_at_fork(after_in_child=self._start_afresh)

    def _start_afresh(self) -> None:
        """Begin without a thread: a forked child has none, and its locks may be held by nobody."""
        self._wishes: queue.Queue[Wish | ReplyWish] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, wish: Wish | ReplyWish) -> None:
        """Leave a wish to the thread; dropped when too many wait. Never blocks and never raises."""
        try:
            self._wishes.put_nowait(wish)
        except queue.Full:
            logger.warning("too many events wait, left to the worker: lead %s", wish.lead_id)
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
            except Exception as error:  # noqa: BLE001 - logged by log_failure
                log_failure(logger, error, "sending events")
            finally:
                connections.close_all()
                for _ in batch:
                    self._wishes.task_done()


def _hand_over(batch: Sequence[Wish | ReplyWish]) -> None:
    """Send events and note that the engine has them."""
    inngest.send_events([wish.event() for wish in batch])
    for wish in batch:
        wish.note()


sender = EventSender()
