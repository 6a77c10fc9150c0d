"""Who has a turn, and for how long: one process at a time, and the next one where that goes silent."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef

from agents.pricing import cost_usd
from database import clock
from leads.models import lease_end
from providers.errors import Unavailable
from providers.openai import Usage
from whatsapp.accounts import connected_account
from whatsapp.agent import model_of
from whatsapp.models import AgentTurn, Message
from whatsapp.sending import BUSY_RETRY_S
from workspaces.connections import insist

State = AgentTurn.State


def claim(turn_id: Any, run_id: str, *, now: datetime) -> bool:
    """Take a turn that is due and, in the same transaction, every message of its lead that no turn has.

    False: it is not due, another turn of the lead is under way, or somebody else has it.
    """
    lease = {"claimed_by": run_id, "due_at": lease_end(now), "wake_at": wake_at(now)}
    turns = AgentTurn.objects.filter(pk=turn_id)
    # A turn is made when none waits, so that the one before it has been seen to run by then.
    busy = AgentTurn.objects.filter(lead_id=OuterRef("lead_id"), state=State.RUNNING)
    with transaction.atomic():
        waiting = turns.filter(~Exists(busy), state=State.WAITING, due_at__lte=now)
        if waiting.update(state=State.RUNNING, started_at=now, **lease):
            lead_id = turns.values("lead_id")[:1]
            unanswered = Message.objects.filter(lead_id=lead_id, role=Message.Role.USER, turn=None)
            unanswered.update(turn_id=turn_id, updated_at=now)
            return True
    running = turns.filter(state=State.RUNNING)
    if running.filter(claimed_by=run_id).update(**lease):
        return True
    # Who said why it would come back was in order; who said nothing is dead, and that may be the turn's own doing.
    silent = running.filter(due_at__lte=now)
    died = silent.filter(reason="").update(attempts=F("attempts") + 1, **lease)
    return bool(died or silent.update(reason="", **lease))


def mine(turn_id: Any, run_id: str) -> Any:
    """Return the turn while this run has it, as a queryset."""
    return AgentTurn.objects.filter(pk=turn_id, state=State.RUNNING, claimed_by=run_id)


def renew(turn: AgentTurn, run_id: str, *, now: datetime) -> bool:
    """Keep the claim for another lease. False: it is lost."""
    return bool(mine(turn.pk, run_id).update(due_at=lease_end(now), wake_at=wake_at(now)))


def wake_at(now: datetime) -> datetime:
    """Tell when the engine is woken for a turn that is claimed now."""
    return lease_end(now) + timedelta(seconds=settings.TURN_UNCLAIMED_S)


def keeper(turn: AgentTurn, run_id: str) -> Callable[[list[dict[str, Any]], Usage], None]:
    """Return what stores each answer as soon as it is there, and keeps the claim. It raises where that is lost."""
    model = model_of(connected_account(turn.lead, "openai"))

    def store(items: list[dict[str, Any]], usage: Usage) -> None:
        def update() -> int:
            now = clock.now()
            kept: int = mine(turn.pk, run_id).update(
                items=items,
                input_tokens=F("input_tokens") + usage.input_tokens,
                output_tokens=F("output_tokens") + usage.output_tokens,
                cost_usd=F("cost_usd") + cost_usd(model, usage),
                due_at=lease_end(now),
                wake_at=wake_at(now),
            )
            return kept

        # It is paid for: a database that is busy or restarts is waited for, as long as the claim may last.
        if not insist(update, within_s=settings.DISPATCH_LEASE_S):
            raise Unavailable("Another process has taken the turn over.", retry_after_s=BUSY_RETRY_S)

    return store
