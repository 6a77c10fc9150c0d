"""Numbers that cost extra, or of countries that aren't called, are left to a person, whichever door they come by."""

import json
from typing import Any

import pytest
import responses
from django.core.management import call_command

from conftest import NOW, make_dispatch, make_key, make_lead, make_workspace
from leads.again import contact_again, retry_unanswered
from leads.costly import countries_of_leads, kind_and_country, why_costly
from leads.models import Alert, Dispatch, Lead
from tests.door import knock
from webapi.tests.backend import calls_to_vapi, vapi_takes
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
COSTLY = {
    "premium_rate": ["+449098790000", "+448431234567", "+499001234567", "+19002345678"],
    "shared_cost": ["+491801234567"],
    "personal": ["+447012345678"],
    "pager": ["+447640123456"],
    "company_wide": ["+445512345678"],
    "no_country": ["+881612345678", "+8821234567", "+870773111632", "+979123456789", "+80012345678", "+8835100012345"],
}
ORDINARY = ["+447700900123", "+12025550123", "+4915112345678", "+442079460001", "+18002345678", "+33612345678"]


@pytest.mark.parametrize(("kind", "phone"), [(kind, phone) for kind, phones in COSTLY.items() for phone in phones])
def test_knows_the_kinds(kind: str, phone: str) -> None:
    assert kind_and_country(phone)[0] == kind


@pytest.mark.parametrize("phone", ORDINARY)
def test_ordinary_numbers_are_none(phone: str) -> None:
    assert why_costly(Workspace(), phone) == ""


def send(workspace: Workspace, phone: str, **key: Any) -> Any:
    body = {"name": "Jane Doe", "phone": phone, "consent": True}
    headers = {"authorization": f"Bearer {make_key(workspace, **key)}"}
    return knock(
        "POST", "/api/public/leads", json.dumps(body).encode(), content_type="application/json", headers=headers
    )


@responses.activate
@pytest.mark.parametrize("phone", [phones[0] for phones in COSTLY.values()])
def test_the_api_takes_the_lead_and_leaves_it_to_a_person(phone: str) -> None:
    answer = send(make_workspace(), phone)

    assert (answer.status_code, answer.json()["callQueued"]) == (201, False)
    lead = Lead.objects.get()
    assert lead.status == "needs_human"
    assert Alert.objects.get().reason.startswith("Not contacted automatically: ")
    assert (Dispatch.objects.get().status, Dispatch.objects.get().reason) == ("skipped", "costly_number")
    assert len(responses.calls) == 0


def test_on_whatsapp_nothing_is_queued_either() -> None:
    answer = send(make_workspace(channel="whatsapp"), "+881612345678")

    assert (answer.status_code, answer.json()["messageQueued"]) == (201, False)


@responses.activate
def test_a_workspace_may_allow_a_kind_and_name_its_countries() -> None:
    vapi_takes("call-1")
    workspace = make_workspace(allowed_kinds="pager,premium_rate", called_countries="GB,IE")

    assert send(workspace, "+449098790000").json()["callQueued"] is True
    assert send(workspace, "+447012345678").json()["callQueued"] is False
    assert send(workspace, "+4915112345678").json()["callQueued"] is False
    assert "(DE)" in Alert.objects.get(lead__phone="+4915112345678").reason
    assert len(calls_to_vapi()) == 1


@responses.activate
def test_a_test_key_is_answered_as_ever() -> None:
    assert send(make_workspace(), "+881612345678", mode="test").json()["callQueued"] is True


@responses.activate
def test_the_worker_asks_again_before_it_sends() -> None:
    dispatch = make_dispatch(make_lead(make_workspace(called_countries="GB"), phone="+4915112345678"))

    call_command("sweep")

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.reason) == ("skipped", "costly_number")
    assert Lead.objects.get().status == "needs_human"
    assert len(responses.calls) == 0


@responses.activate
def test_a_person_may_have_it_called_and_its_retries_too() -> None:
    vapi_takes("call-1")
    workspace = make_workspace(no_answer_retries=1)
    lead = make_lead(workspace, phone="+881612345678")
    dispatch = contact_again(lead, by_id=None, now=NOW)
    call_command("sweep")

    dispatch.refresh_from_db()
    assert dispatch.status == "done"
    assert retry_unanswered(dispatch.pk, now=NOW)
    assert Dispatch.objects.get(retry_of=dispatch).by_hand


def test_suggests_the_countries_that_leads_come_from() -> None:
    workspace = make_workspace(default_region="IE")
    for phone in ("+447700900001", "+447700900002", "+4915112345678", "+881612345678"):
        make_lead(workspace, phone=phone)
    make_lead(make_workspace(), phone="+33612345678")

    assert countries_of_leads(workspace) == ["IE", "GB", "DE"]
