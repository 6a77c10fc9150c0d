"""The Inngest function `agent-turn`, and the view that Inngest calls. Imported at the first such call only."""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import inngest
import inngest.django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from leads.models import Dispatch, Lead
from providers.errors import OutcomeUnknown, Rejected, Unavailable
from providers.inngest import client, is_development
from whatsapp.events import TURN_REQUESTED
from whatsapp.turns import Result, run_turn, settle_after_s

T = TypeVar("T")

FUNCTION_ID = "agent-turn"
FINISH_WITHIN = timedelta(hours=2)
MAX_RETRY_S = 900.0
GAVE_UP = "The agent's turn failed too often."

View = Callable[[HttpRequest], HttpResponse]


class EngineStep:
    """Runs a step under Inngest: what failed for good ends the turn, anything else is tried again later."""

    def __init__(self, ctx: inngest.ContextSync, *, dispatch_id: str) -> None:
        self._ctx = ctx
        self._dispatch_id = dispatch_id

    def run(self, step_id: str, handler: Callable[..., T], *args: str) -> T:
        """Run a step once; Inngest remembers what it returned."""

        def guarded() -> Any:
            return self._guarded(handler, *args)

        result: T = self._ctx.step.run(step_id, guarded)
        return result

    def _guarded(self, handler: Callable[..., T], *args: str) -> T | Result:
        try:
            return handler(*args)
        except Rejected as error:
            fail_turn(self._dispatch_id, reason=error.reason)
            return {"outcome": "failed", "reason": error.code or "rejected"}
        except OutcomeUnknown as error:
            raise self._later(settle_after_s(), error.reason) from None
        except Unavailable as error:
            backoff_s = settings.DISPATCH_RETRY_S * 2 ** min(self._ctx.attempt, 5)
            raise self._later(error.retry_after_s or backoff_s, error.reason) from None

    def _later(self, wait_s: float, reason: str) -> inngest.RetryAfterError:
        """Leave the dispatch to the engine until it comes back; the provider's words stay in our database."""
        wait = timedelta(seconds=min(wait_s, MAX_RETRY_S))
        mine = Dispatch.objects.filter(pk=self._dispatch_id, claimed_by=self._ctx.run_id)
        mine.filter(status__in=[Dispatch.Status.SENDING, Dispatch.Status.QUEUED]).update(
            status=Dispatch.Status.QUEUED,
            reason=reason,
            due_at=timezone.now() + wait + timedelta(seconds=settings.TURN_UNCLAIMED_S),
        )
        return inngest.RetryAfterError("to be tried again", wait, quiet=True)


def fail_turn(dispatch_id: str, *, reason: str) -> None:
    """Give a dispatch up: its lead needs a human."""
    now = timezone.now()
    given_up = Dispatch.objects.filter(pk=dispatch_id, status__in=Dispatch.OPEN).update(
        status=Dispatch.Status.FAILED, reason=reason[:255], finished_at=now
    )
    if given_up:
        new = Lead.objects.filter(dispatches__pk=dispatch_id, status=Lead.Status.NEW)
        new.update(status=Lead.Status.NEEDS_HUMAN, updated_at=now)


def _turn(ctx: inngest.ContextSync) -> Result:
    dispatch_id = str(ctx.event.data["dispatch_id"])
    return run_turn(EngineStep(ctx, dispatch_id=dispatch_id), dispatch_id=dispatch_id, run_id=ctx.run_id)


def _turn_failed(ctx: inngest.ContextSync) -> None:
    """Write down that Inngest has given up; it has no retries of its own, the worker's sweep is behind it."""
    event: Any = ctx.event.data["event"]
    dispatch_id = str(event["data"]["dispatch_id"])
    said = Dispatch.objects.filter(pk=dispatch_id).values_list("reason", flat=True).first()
    fail_turn(dispatch_id, reason=f"{GAVE_UP} {said or ''}".strip())


@lru_cache(maxsize=1)
def endpoint() -> View:
    """Return the view that serves our functions to Inngest; it checks Inngest's signature.

    Raises inngest's SigningKeyMissingError in production without INNGEST_SIGNING_KEY.
    """
    agent_turn = client().create_function(
        fn_id=FUNCTION_ID,
        trigger=inngest.TriggerEvent(event=TURN_REQUESTED),
        # Mutual exclusion, not a queue: one turn of a lead at a time.
        concurrency=[inngest.Concurrency(limit=1, key="event.data.lead_id")],
        retries=min(settings.DISPATCH_MAX_ATTEMPTS, 20),
        on_failure=_turn_failed,
        timeouts=inngest.Timeouts(finish=FINISH_WITHIN),
    )(_turn)
    pattern = inngest.django.serve(
        client(),
        [agent_turn],
        # An unsigned PUT could point our functions at another host.
        enable_unauthed_sync=is_development(),
        serve_origin=settings.INNGEST_SERVE_ORIGIN,
    )
    view: View = pattern.callback
    return view
