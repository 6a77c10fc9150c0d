"""Until when a lead waits to be contacted: in the list and at the top of its page, as long as it holds."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conftest import make_dispatch, make_lead, make_member, make_workspace
from leads.models import Lead, LeadEvent
from leads.suppression import suppress
from voice.models import CallSession
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

TOMORROW = timezone.now().replace(hour=9, minute=5) + timedelta(days=1)
SHOWN = TOMORROW.strftime("%H:%M")


def make_waiting(how: str, workspace: Workspace | None = None) -> Lead:
    """Make a lead that is called tomorrow: its call waits at Vapi, or its next try with us."""
    lead = make_lead(workspace or make_workspace(), name="Ada")
    now = timezone.now()
    done = make_dispatch(lead, status="done", finished_at=now, created_at=now)
    if how == "retry":
        make_dispatch(lead, status="pending", retry_of=done, due_at=TOMORROW, created_at=now)
        return lead
    times = {"created_at": now, "updated_at": now}
    CallSession.objects.create(lead=lead, dispatch=done, vapi_call_id=str(lead.pk), vapi_status="scheduled", **times)
    LeadEvent.objects.create(lead=lead, kind="call_scheduled", data={"at": TOMORROW.isoformat()}, at=now)
    return lead


def pages(client: Any, lead: Lead) -> list[str]:
    """Return the list, and the top of the lead's page as it is at first and as it brings itself up to date."""
    client.force_login(make_member(lead.workspace, role="agent", is_staff=False))
    base = f"/admin/{lead.workspace.slug}/leads"
    found = [client.get(base + path).content.decode() for path in ("", f"/{lead.pk}", f"/{lead.pk}/timeline")]
    return [found[0], *(page.partition('data-live="state"')[2].partition("</p>")[0] for page in found[1:])]


@pytest.mark.parametrize("how", ["retry", "scheduled"])
def test_says_when_a_lead_will_be_called(client: Any, how: str) -> None:
    lead = make_waiting(how)

    for page in pages(client, lead):
        assert "Will be called at" in page
        assert SHOWN in page


@pytest.mark.parametrize("how", ["retry", "scheduled"])
@pytest.mark.parametrize("meanwhile", ["paused", "taken over", "opted out", "begun"])
def test_says_nothing_that_will_not_come_true(client: Any, how: str, meanwhile: str) -> None:
    lead = make_waiting(how)
    if meanwhile == "paused":
        Workspace.objects.update(agent_enabled=False)
    elif meanwhile == "taken over":
        Lead.objects.update(taken_over_at=timezone.now())
    elif meanwhile == "opted out":
        suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason="operator", now=timezone.now())
    else:
        lead.dispatches.update(status="done")
        CallSession.objects.update(vapi_status="ringing")

    assert not any("Will be called at" in page for page in pages(client, lead))


def test_a_retry_is_not_promised_to_who_has_booked(client: Any) -> None:
    lead = make_waiting("retry")
    Lead.objects.update(status="booked")

    assert not any("Will be called at" in page for page in pages(client, lead))


def test_the_list_asks_once_for_all_its_leads(client: Any, django_assert_max_num_queries: Any) -> None:
    workspace = make_workspace()
    for _ in range(20):
        make_waiting("scheduled", workspace)
    client.force_login(make_member(workspace, role="agent", is_staff=False))

    with django_assert_max_num_queries(15):
        page = client.get(f"/admin/{workspace.slug}/leads").content.decode()

    assert page.count("Will be called at") == 20
