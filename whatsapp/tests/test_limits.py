"""A day's limits: so many replies and so much money, for a lead and for the workspace."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from leads.models import Dispatch, Lead, LeadEvent
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import Phone, Wire, reply, work
from whatsapp.tests.test_replies import answered


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"turns_a_day_per_lead": 2}, "2 replies to this lead"),
        ({"turns_a_day": 2}, "2 replies of the workspace"),
        ({"cost_a_day_per_lead_usd": Decimal("0.01")}, "0.01 USD for this lead"),
        ({"cost_a_day_usd": Decimal("0.01")}, "0.01 USD for the workspace"),
    ],
)
def test_says_nothing_beyond_the_days_limits(wire: Wire, phone: Phone, limits: dict[str, Any], words: str) -> None:
    workspace = phone.lead.workspace
    for name, value in limits.items():
        setattr(workspace, name, value)
    workspace.save()
    wire.openai()
    wire.twilio_each()

    for n in range(4):
        phone.write(f"Message {n}")
        work()
        AgentTurn.objects.filter(state="done").update(cost_usd=Decimal("0.006"))

    assert (len(wire.asked), len(wire.sent)) == (2, 2)
    assert Lead.objects.get().status == "needs_human"
    event = LeadEvent.objects.get(kind="agent_stopped")
    assert words in event.data["reason"]
    assert list(AgentTurn.objects.order_by("created_at").values_list("state", flat=True)) == [
        "done",
        "done",
        "stopped",
        "stopped",
    ]


def test_a_limit_does_not_keep_itself_reached(wire: Wire, phone: Phone) -> None:
    phone.lead.workspace.turns_a_day_per_lead = 2
    phone.lead.workspace.save()
    wire.openai()
    wire.twilio_each()
    for n in range(5):
        phone.write(f"Message {n}")
        work()
    AgentTurn.objects.filter(state="done").update(started_at=timezone.now() - timedelta(hours=25))

    phone.write("Next day")
    work()

    assert answered()[-1] == ("Next day", "done")


def test_counts_what_the_first_message_cost(wire: Wire, phone: Phone, dispatch: Dispatch) -> None:
    for lead in (phone.lead, dispatch.lead):
        lead.workspace.cost_a_day_usd = Decimal("0.01")
        lead.workspace.save()
    Dispatch.objects.update(lead=phone.lead, workspace=phone.lead.workspace, created_at=timezone.now())
    wire.openai(json=reply(usage={"input_tokens": 90_000, "output_tokens": 9_000}))
    wire.twilio_each()
    work()
    assert Message.objects.get(dispatch=dispatch).cost_usd > Decimal("0.01")

    phone.write("Hi")
    work()

    assert (len(wire.asked), len(wire.sent)) == (1, 1)
    assert "0.01 USD for the workspace" in LeadEvent.objects.get(kind="agent_stopped").data["reason"]
