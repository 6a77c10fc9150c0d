"""The notices about accounts and the badge of a lead nobody has reached, in a browser."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from conftest import make_dispatch, make_integration, make_lead, make_member, make_workspace
from tests.browser.conftest import enter_as, faults
from voice.models import CallSession
from workspaces.faults import note_fault
from workspaces.models import Integration

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]


def test_a_manager_reads_the_notices_and_takes_one_away(open_page: OpenPage) -> None:
    workspace, now = make_workspace(slug="northlight", name="Northlight Coaching"), timezone.now()
    make_integration(workspace, "calcom")
    Integration.objects.update(updated_at=now - timedelta(days=1))
    make_member(workspace, username="maya", role="admin", is_staff=False)
    lead = make_lead(workspace, name="Ada Lovelace")
    dispatch = make_dispatch(lead, status="done", finished_at=now)
    CallSession.objects.create(
        lead=lead,
        dispatch=dispatch,
        vapi_call_id="call-1",
        status="ended",
        vapi_status="ended",
        outcome="no_answer",
        ended_reason="customer-did-not-answer",
        created_at=now,
        updated_at=now,
    )
    for provider in ("vapi", "calcom"):
        note_fault(workspace_id=workspace.pk, provider=provider, code="x", reason="Mend it there. " * 12, now=now)
    page, complaints = open_page()
    enter_as(page, "maya")
    page.goto("/admin/northlight/leads")

    row = page.get_by_role("row", name="Ada Lovelace")
    expect(row.get_by_text("No answer", exact=True)).to_be_visible()
    assert faults(page, complaints) == []
    notices = page.locator(".faults .alert")
    expect(notices).to_have_count(2)
    notices.filter(has_text="Calls fail").get_by_role("button", name="It is fixed").click()
    expect(page.get_by_text("The notice is gone.")).to_be_visible()
    expect(notices).to_have_count(1)

    row.get_by_role("link", name="Ada Lovelace").click()
    expect(page.locator("[data-live=state]").get_by_text("No answer")).to_be_visible()
    assert faults(page, complaints) == []
