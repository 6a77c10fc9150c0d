"""The Inngest function `agent-turn`, and the view that Inngest calls. Imported at the first such call only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import inngest
import inngest.django
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from database import clock
from leads.models import Dispatch
from providers.errors import ProviderError, Rejected
from providers.inngest import client, is_development
from webapi.build_once import build_once
from whatsapp import replies
from whatsapp.events import TURN_REQUESTED
from whatsapp.sending import Result
from whatsapp.turns import MAX_RETRY_S, give_up_dispatch, postpone, run_turn

T = TypeVar("T")

FUNCTION_ID = "agent-turn"
FINISH_WITHIN = timedelta(hours=2)
GAVE_UP = "The agent's turn failed too often."

View = Callable[[HttpRequest], HttpResponse]


class Job(Protocol):
    """What a run is about: a lead's first contact, or a reply."""

    def run(self, step: "EngineStep", *, run_id: str) -> Result: ...

    def later(self, error: ProviderError, *, run_id: str, attempt: int) -> float:
        """Leave it to the engine until it comes back. Returns the seconds until then."""
        ...

    def fail(self, *, run_id: str, reason: str) -> None:
        """Give it up: its lead needs a human."""
        ...


class EngineStep:
    """Runs a step under Inngest: what failed for good ends the turn, anything else is tried again later."""

    def __init__(self, ctx: inngest.ContextSync, job: Job) -> None:
        self._ctx = ctx
        self._job = job

    def run(self, step_id: str, handler: Callable[..., T], *args: str) -> T:
        """Run a step once; Inngest remembers what it returned."""

        def guarded() -> Any:
            return self._guarded(handler, *args)

        result: T = self._ctx.step.run(step_id, guarded)
        return result

    def sleep_until(self, step_id: str, until: datetime) -> bool:
        """Let Inngest call again then; nothing is held meanwhile."""
        self._ctx.step.sleep_until(step_id, until)
        return True

    def _guarded(self, handler: Callable[..., T], *args: str) -> T | Result:
        try:
            return handler(*args)
        except Rejected as error:
            self._job.fail(run_id=self._ctx.run_id, reason=error.reason)
            return {"outcome": "failed", "reason": error.code or "rejected"}
        except ProviderError as error:
            wait_s = self._job.later(error, run_id=self._ctx.run_id, attempt=self._ctx.attempt)
            # The provider's words stay in our database.
            wait = timedelta(seconds=min(wait_s, MAX_RETRY_S))
            raise inngest.RetryAfterError("to be tried again", wait, quiet=True) from None


@dataclass(frozen=True, slots=True)
class FirstContact:
    """A dispatch."""

    dispatch_id: str

    def run(self, step: EngineStep, *, run_id: str) -> Result:
        """Write the first message."""
        return run_turn(step, dispatch_id=self.dispatch_id, run_id=run_id)

    def later(self, error: ProviderError, *, run_id: str, attempt: int) -> float:
        """Queue the dispatch again."""
        return postpone(self.dispatch_id, run_id, error, attempt=attempt)

    def fail(self, *, run_id: str, reason: str) -> None:
        """Give the dispatch up; inside the engine it is known already why."""
        dispatches = Dispatch.objects.filter(pk=self.dispatch_id, status__in=Dispatch.OPEN)
        said = dispatches.values_list("reason", flat=True).first()
        reason = f"{GAVE_UP} {said or ''}".strip() if reason == GAVE_UP else reason
        give_up_dispatch(self.dispatch_id, reason=reason, now=clock.now())


@dataclass(frozen=True, slots=True)
class Reply:
    """A turn of the agent."""

    turn_id: str

    def run(self, step: EngineStep, *, run_id: str) -> Result:
        """Answer the lead."""
        return replies.run_reply(step, turn_id=self.turn_id, run_id=run_id)

    def later(self, error: ProviderError, *, run_id: str, attempt: int) -> float:
        """Keep the turn for this run."""
        return replies.postpone(self.turn_id, run_id, error)

    def fail(self, *, run_id: str, reason: str) -> None:
        """Give the turn up, where this run has it."""
        replies.give_up(self.turn_id, run_id, reason=reason)


def _job_of(event: Any) -> Job:
    data = event["data"] if isinstance(event, dict) else event.data
    return Reply(str(data["turn_id"])) if "turn_id" in data else FirstContact(str(data["dispatch_id"]))


def _turn(ctx: inngest.ContextSync) -> Result:
    job = _job_of(ctx.event)
    return job.run(EngineStep(ctx, job), run_id=ctx.run_id)


def _turn_failed(ctx: inngest.ContextSync) -> None:
    """Write down that Inngest has given up; it has no retries of its own, the worker's sweep is behind it."""
    failed: Any = ctx.event.data
    _job_of(failed["event"]).fail(run_id=str(failed.get("run_id") or ""), reason=GAVE_UP)


@build_once
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
