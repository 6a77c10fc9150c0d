"""Whoever asks in any words not to be contacted again isn't, from the moment at which the agent calls the tool."""

import pytest

from agents.tests.factories import use
from conftest import NOW, make_dispatch, make_lead, make_user, make_workspace
from leads import takeover
from leads.models import Dispatch, LeadEvent, Suppression
from leads.suppression import lift

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("channel", "reason"), [("voice", "call"), ("whatsapp", "message")])
def test_stops_every_contact_on_both_channels(channel: str, reason: str) -> None:
    lead = make_lead(make_workspace(channel=channel))
    make_dispatch(lead)

    told = use(lead, "optOut", {"reason": "Fjern nummeret mitt."})

    assert told.ok
    row = Suppression.objects.get()
    assert (row.phone, row.reason, row.detail) == (lead.phone, reason, "Fjern nummeret mitt.")
    assert (Dispatch.objects.get().status, Dispatch.objects.get().reason) == ("skipped", "opted_out")
    assert LeadEvent.objects.get(kind="opted_out").data == {"reason": reason, "detail": "Fjern nummeret mitt."}


def test_asked_again_it_says_the_same() -> None:
    lead = make_lead(make_workspace(channel="whatsapp"))
    first = use(lead, "optOut", {})

    assert use(lead, "optOut", {}).result == first.result

    assert lead.messages.count() == 1
    assert LeadEvent.objects.filter(kind="opted_out").count() == 1


def test_holds_while_a_person_has_the_conversation() -> None:
    lead = make_lead(make_workspace(channel="whatsapp"))
    takeover.take_over(lead.pk, by_id=make_user().pk, now=NOW)

    assert use(lead, "optOut", {}).ok

    assert Suppression.objects.filter(phone=lead.phone).exists()


def test_a_test_lead_stops_nobody_real() -> None:
    workspace = make_workspace()
    real = make_lead(workspace)
    test = make_lead(workspace, phone=real.phone, is_test=True)

    assert use(test, "optOut", {}).ok

    assert not Suppression.objects.exists()


def test_what_is_lifted_later_may_be_asked_for_again() -> None:
    lead = make_lead(make_workspace(channel="whatsapp"))
    use(lead, "optOut", {})
    lift(workspace_id=lead.workspace_id, phone=lead.phone, now=NOW)

    use(lead, "optOut", {})

    assert (Suppression.objects.count(), lead.messages.count()) == (1, 2)
