"""Whoever opens a page of the console sees that leads wait for a human, and is led to them."""

import re
from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone

from conftest import NOW, make_lead, make_member, make_workspace
from leads import sweep
from leads.dispatch import deliver
from leads.intake import Submission, accept_lead
from leads.models import Lead
from webapi.tests.backend import VAPI
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
_link = re.compile(
    r'<a href="([^"]+)">(?:(?!</a>).)*?Need a human <b class="badge badge-count">([^<]+)<', re.DOTALL
).search


def waiting(workspace: Workspace, **member: Any) -> tuple[Client, str, str]:
    """Open a page as a member. Returns where the link leads and its number, empty where there is none."""
    client = Client()
    client.force_login(make_member(workspace, **member))
    page = client.get(f"/admin/{workspace.slug}/settings/api-keys")
    assert page.status_code == 200
    found = _link(page.content.decode())
    return client, *((found[1].replace("&amp;", "&"), found[2]) if found else ("", ""))


@responses.activate
def test_a_lead_whose_call_was_refused_is_told_and_one_click_away() -> None:
    responses.post(VAPI, json={"message": "Assistant not found."}, status=404)
    workspace = make_workspace()
    submission = Submission(
        workspace_id=workspace.pk,
        channel="voice",
        name="Jane Doe",
        phone="+447123456789",
        source=Lead.Source.FORM,
        later=True,
    )
    deliver(accept_lead(submission, now=NOW), undo_refused=False)
    for job in sweep.claim_jobs(by="worker", now=timezone.now(), limit=10):
        job()
    make_lead(workspace, name="Joe Bloggs")

    client, address, count = waiting(workspace)

    assert count == "1"
    listed = client.get(address).content.decode()
    assert "Jane Doe" in listed
    assert "Joe Bloggs" not in listed


def test_says_nothing_while_nobody_waits() -> None:
    workspace = make_workspace()
    make_lead(workspace)
    make_lead(workspace, status="needs_human", is_test=True)

    assert waiting(workspace)[1:] == ("", "")


def test_hides_leads_of_other_workspaces() -> None:
    make_lead(make_workspace(), status="needs_human")

    assert waiting(make_workspace())[2] == ""
