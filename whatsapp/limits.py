"""A day's limits on the agent: so many turns and so much money, for a lead and for the workspace."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from whatsapp.models import AgentTurn, Message

DAY = timedelta(hours=24)
LIMIT = "limit"


def limit_reached(turn: AgentTurn, *, now: datetime) -> str:
    """Say which limit a turn that was just claimed goes beyond, "" where none. 0 is no limit."""
    workspace, mine = turn.workspace, Q(lead_id=turn.lead_id)
    begun = AgentTurn.objects.filter(workspace_id=turn.workspace_id, started_at__gt=now - DAY)
    # What was held back has said nothing; counted, a limit would keep itself reached for whoever goes on writing.
    begun = begun.exclude(state=AgentTurn.State.STOPPED, input_tokens=0)
    spent: dict[str, Any] = begun.aggregate(
        turns=Count("pk"),
        cost=Sum("cost_usd", default=Decimal(0)),
        own_turns=Count("pk", filter=mine),
        own_cost=Sum("cost_usd", filter=mine, default=Decimal(0)),
    )
    # The turn itself is among those that have begun, and has cost nothing yet.
    for limit, count, what in (
        (workspace.turns_a_day_per_lead, spent["own_turns"], "replies to this lead"),
        (workspace.turns_a_day, spent["turns"], "replies of the workspace"),
    ):
        if limit and count > limit:
            return f"The day's limit of {limit} {what} is reached."
    first = _spent_on_first_messages(turn, now=now)
    for budget, cost, first_cost, whom in (
        (workspace.cost_a_day_per_lead_usd, spent["own_cost"], first["own_cost"], "this lead"),
        (workspace.cost_a_day_usd, spent["cost"], first["cost"], "the workspace"),
    ):
        if budget and cost + first_cost >= budget:
            return f"The day's limit of {budget} USD for {whom} is reached."
    return ""


def _spent_on_first_messages(turn: AgentTurn, *, now: datetime) -> dict[str, Any]:
    """Sum what first messages cost. They count, and are not held back: a lead is not lost for want of a cent."""
    dispatched = {"dispatch__workspace_id": turn.workspace_id, "dispatch__created_at__gt": now - DAY}
    first = Message.objects.filter(**dispatched)
    return first.aggregate(
        cost=Sum("cost_usd", default=Decimal(0)),
        own_cost=Sum("cost_usd", filter=Q(lead_id=turn.lead_id), default=Decimal(0)),
    )
