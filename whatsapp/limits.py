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
    zero = Decimal(0)
    # The turn itself is among those that have begun, and has cost nothing yet.
    checks = (
        (workspace.turns_a_day_per_lead, spent["own_turns"], "replies to this lead"),
        (workspace.turns_a_day, spent["turns"], "replies of the workspace"),
    )
    for limit, count, what in checks:
        if limit and count > limit:
            return f"The day's limit of {limit} {what} is reached."
    costs = (
        (workspace.cost_a_day_per_lead_usd, spent["own_cost"] or zero, "this lead"),
        (workspace.cost_a_day_usd, spent["cost"] or zero, "the workspace"),
    )
    for limit, cost, whom in costs:
        if limit and cost >= limit:
            return f"The day's limit of {limit} USD for {whom} is reached."
    return ""
