"""A day's limits on the agent: so many turns and so much money, for a lead and for the workspace."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from whatsapp.models import AgentTurn

DAY = timedelta(hours=24)
LIMIT = "limit"


def limit_reached(turn: AgentTurn, *, now: datetime) -> str:
    """Say which limit a turn that was just claimed goes beyond, "" where none. 0 is no limit."""
    workspace, mine = turn.workspace, Q(lead_id=turn.lead_id)
    begun = AgentTurn.objects.filter(workspace_id=turn.workspace_id, started_at__gt=now - DAY)
    spent: dict[str, Any] = begun.aggregate(
        turns=Count("pk"),
        cost=Sum("cost_usd"),
        own_turns=Count("pk", filter=mine),
        own_cost=Sum("cost_usd", filter=mine),
    )
    # The turn itself is among those that have begun, and has cost nothing yet.
    for limit, count, what in (
        (workspace.turns_a_day_per_lead, spent["own_turns"], "replies to this lead"),
        (workspace.turns_a_day, spent["turns"], "replies of the workspace"),
    ):
        if limit and count > limit:
            return f"The day's limit of {limit} {what} is reached."
    for budget, cost, whom in (
        (workspace.cost_a_day_per_lead_usd, spent["own_cost"], "this lead"),
        (workspace.cost_a_day_usd, spent["cost"], "the workspace"),
    ):
        if budget and (cost or Decimal(0)) >= budget:
            return f"The day's limit of {budget} USD for {whom} is reached."
    return ""
