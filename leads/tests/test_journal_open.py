"""The journal lists a submission as one to send again until its phone has come through."""

from typing import Any

import pytest
import responses
from django.test import Client

from conftest import NOW, make_lead, make_member, make_workspace
from leads.models import Lead
from webapi.tests.backend import VAPI, Backend, submission, vapi_takes
from workspaces.models import LogEntry, Workspace

pytestmark = pytest.mark.django_db
JOURNAL = "/admin/workspaces/logentry/"
PHONE = "+447700900123"


def refuse(workspace: Workspace, *, phone: str = PHONE, **submitted: Any) -> LogEntry:
    return LogEntry.objects.create(
        workspace=workspace,
        **{"direction": "out", "provider": "vapi", "operation": "POST /call", "outcome": "rejected", "created_at": NOW},
        submission={"name": "Jane", "phone": phone, "is_test": False} | submitted,
    )


def listed(workspace: Workspace, query: str = "again=open") -> list[int]:
    client = Client()
    client.force_login(make_member(workspace))
    answer: Any = client.get(f"{JOURNAL}?{query}")
    return sorted(row.pk for row in answer.context["cl"].result_list)


def page_of(row: LogEntry) -> str:
    client = Client()
    client.force_login(make_member(row.workspace))
    return client.get(f"{JOURNAL}{row.pk}/change/").content.decode()


@responses.activate
def test_an_entry_is_closed_when_the_customer_sends_the_phone_again() -> None:
    for _ in range(2):
        responses.post(VAPI, body="no", status=400)
    vapi_takes()
    backend = Backend()
    body = submission(phone=PHONE)
    assert [backend.post(body).status_code for _ in range(2)] == [502, 502]
    assert len(listed(backend.workspace)) == 2

    assert backend.post(body).status_code == 201

    assert listed(backend.workspace) == []
    assert len(listed(backend.workspace, "again=closed")) == 2


def test_other_phones_workspaces_and_test_leads_close_nothing() -> None:
    workspace = make_workspace()
    row = refuse(workspace)
    make_lead(workspace, phone="+447700900124")
    make_lead(make_workspace(), phone=PHONE)
    make_lead(workspace, phone=PHONE, is_test=True)

    assert listed(workspace) == [row.pk]
    assert listed(workspace, "again=closed") == []
    assert "Send again" in page_of(row)


def test_a_test_lead_closes_the_entry_of_a_test_key() -> None:
    workspace = make_workspace()
    live, test = refuse(workspace), refuse(workspace, is_test=True)
    make_lead(workspace, phone=PHONE, is_test=True)

    assert listed(workspace) == [live.pk]
    assert listed(workspace, "again=closed") == [test.pk]


def test_a_closed_entry_leads_to_the_lead_and_offers_nothing_to_send() -> None:
    workspace = make_workspace()
    row = refuse(workspace)
    lead = make_lead(workspace, phone=PHONE)

    page = page_of(row)

    assert "Send again" not in page
    assert f'<a href="/admin/leads/lead/{lead.pk}/change/">The phone has come through since.</a>' in page


def test_an_entry_opens_again_when_the_lead_that_closed_it_was_taken_back() -> None:
    workspace = make_workspace()
    row = refuse(workspace)
    make_lead(workspace, phone=PHONE)
    assert listed(workspace) == []

    Lead.objects.all().delete()

    assert listed(workspace) == [row.pk]


def test_the_list_says_which_are_open() -> None:
    workspace = make_workspace()
    closed, still_open = refuse(workspace), refuse(workspace, phone="+447700900125")
    bare = refuse(workspace)
    LogEntry.objects.filter(pk=bare.pk).update(submission=None)
    make_lead(workspace, phone=PHONE)
    client = Client()
    client.force_login(make_member(workspace))

    page = client.get(JOURNAL).content.decode()

    words = {"closed": "came through since", "open": "can be sent again"}
    assert page.count(f'<td class="field-submitted">{words["open"]}</td>') == 1
    assert page.count(f'<td class="field-submitted">{words["closed"]}</td>') == 1
    assert listed(workspace, "") == sorted([closed.pk, still_open.pk, bare.pk])
