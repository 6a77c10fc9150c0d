"""One call of a tool acts once, however often it is delivered."""

from datetime import timedelta
from typing import Any

import pytest

from agents.models import ToolCall
from agents.tests.factories import use
from conftest import NOW, make_lead
from leads.models import Lead


@pytest.mark.django_db
def test_a_second_delivery_gets_the_stored_result() -> None:
    lead = make_lead()

    first = use(lead, "updateLeadProfile", {"notes": "Vegan"}, call_id="call_a")
    second = use(lead, "updateLeadProfile", {"notes": "Other"}, call_id="call_a")

    assert first == second
    assert Lead.objects.get(pk=lead.pk).profile == {"notes": "Vegan"}
    assert use(lead, "endConversation", {}, call_id="call_b").ends
    assert use(lead, "endConversation", {}, call_id="call_b").ends


@pytest.mark.django_db
def test_the_same_id_of_another_lead_is_another_call() -> None:
    one, two = make_lead(), make_lead()

    for lead in (one, two):
        assert use(lead, "escalateToHuman", call_id="call_a").ok

    assert Lead.objects.filter(status="needs_human").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("call_id", ["", None, "   "])
def test_without_an_id_each_is_a_call_of_its_own(call_id: Any) -> None:
    lead = make_lead()

    for note in ("a", "b"):
        use(lead, "updateLeadProfile", {"notes": note}, call_id=call_id)

    assert Lead.objects.get(pk=lead.pk).profile == {"notes": "a\nb"}


@pytest.mark.django_db
def test_a_long_id_is_told_from_another_long_one() -> None:
    lead = make_lead()

    for end in ("a", "b", "a"):
        use(lead, "updateLeadProfile", {"budget": end}, call_id="x" * 500 + end)

    assert ToolCall.objects.count() == 2


def begun(lead: Lead, started_at: Any) -> ToolCall:
    return ToolCall.objects.create(
        lead=lead, channel="voice", call_id="call_a", name="escalateToHuman", created_at=NOW, started_at=started_at
    )


@pytest.mark.django_db
def test_who_comes_while_another_is_at_it_is_told_so() -> None:
    lead = make_lead()
    begun(lead, NOW - timedelta(seconds=30))

    told = use(lead, "escalateToHuman", call_id="call_a", deadline_s=0.2)

    assert "still being worked on" in told.result["error"]
    assert Lead.objects.get(pk=lead.pk).status == "new"


@pytest.mark.django_db
def test_a_call_whose_process_died_is_begun_again() -> None:
    lead = make_lead()
    begun(lead, NOW - timedelta(seconds=61))

    assert use(lead, "escalateToHuman", call_id="call_a").ok

    assert Lead.objects.get(pk=lead.pk).status == "needs_human"
    assert ToolCall.objects.get().ok
