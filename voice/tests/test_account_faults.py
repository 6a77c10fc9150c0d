"""A Vapi account that is out of order: every page of the workspace says so until a call shows that it is mended."""

from datetime import timedelta
from typing import Any

import pytest
import responses
from django.utils import timezone

from conftest import make_dispatch, make_lead, make_member, make_workspace
from leads.dispatch import NotSent, send
from voice.models import CallSession
from voice.tests.factories import CALL_URL, make_call, make_order, post_event, report, status_update
from workspaces.models import Fault, Integration, Workspace

pytestmark = pytest.mark.django_db

NO_MODEL = "call.in-progress.error-pipeline-no-available-llm-model"
NO_CREDIT = "call.start.error-subscription-insufficient-credits"
TITLE = "Calls fail: the account at Vapi needs attention"


def fail(workspace: Workspace, reason: str, **call: Any) -> CallSession:
    """Have a lead's call fail for a reason of the account."""
    fields: dict[str, Any] = {"vapi_call_id": reason, "created_at": timezone.now()} | call
    session = make_call(lead=make_lead(workspace), **fields)
    post_event(workspace, status_update("ended", call_id=session.vapi_call_id, endedReason=reason))
    return session


def talk(workspace: Workspace, reason: str = "customer-ended-call", **more: Any) -> None:
    """Have a later call of another lead end well."""
    session = make_call(
        lead=make_lead(workspace), vapi_call_id="well", created_at=timezone.now() + timedelta(seconds=1)
    )
    post_event(workspace, report(session.vapi_call_id, endedReason=reason, **more))


def page(client: Any, workspace: Workspace, *, role: str = "owner", path: str = "leads") -> str:
    client.force_login(make_member(workspace, role=role, is_staff=False))
    return str(client.get(f"/admin/{workspace.slug}/{path}").content.decode())


@pytest.mark.parametrize("role", ["owner", "agent"])
def test_every_member_is_told_on_every_page(client: Any, role: str) -> None:
    workspace, other = make_workspace(), make_workspace()
    fail(workspace, NO_CREDIT)

    for path in ("leads", "settings/opt-outs"):
        text = page(client, workspace, role=role, path=path)
        assert TITLE in text
        assert "run out of credits: top it up" in text
        assert ("It is fixed" in text) is (role == "owner")
    assert TITLE not in page(client, other, role=role)


def test_a_second_fault_replaces_the_first_and_keeps_since_when() -> None:
    workspace = make_workspace()
    fail(workspace, NO_CREDIT)
    since = Fault.objects.get().since

    fail(workspace, NO_MODEL)

    fault = Fault.objects.get()
    assert (fault.code, fault.since) == (NO_MODEL, since)
    assert fault.at > since
    assert fault.reason == f"The assistant's model can't be used: choose another in Vapi. ({NO_MODEL})"


@pytest.mark.parametrize(
    ("fault", "then", "gone"),
    [
        (NO_CREDIT, "customer-ended-call", True),
        (NO_CREDIT, "customer-did-not-answer", True),
        (NO_MODEL, "customer-ended-call", True),
        # Nobody picked up, so nobody knows whether the model works.
        (NO_MODEL, "customer-did-not-answer", False),
        (NO_MODEL, "call.start.error-vapifault-database-error", False),
    ],
)
def test_a_later_call_that_works_takes_it_back(client: Any, fault: str, then: str, gone: bool) -> None:
    workspace = make_workspace()
    fail(workspace, fault)

    silent: dict[str, Any] = {"startedAt": None, "durationSeconds": 0, "artifact": {}, "analysis": {}}
    talk(workspace, then, **({} if then == "customer-ended-call" else silent))

    assert (TITLE not in page(client, workspace)) is gone


def test_a_call_from_before_the_fault_proves_nothing() -> None:
    workspace = make_workspace()
    earlier = make_call(lead=make_lead(workspace), vapi_call_id="earlier", created_at=timezone.now())
    fail(workspace, NO_CREDIT)

    post_event(workspace, report(earlier.vapi_call_id))

    assert Fault.objects.exists()


def test_a_changed_account_has_the_benefit_of_the_doubt_until_it_fails_again(client: Any) -> None:
    workspace = make_workspace()
    fail(workspace, NO_CREDIT)
    Integration.objects.get(workspace=workspace).save()

    assert TITLE not in page(client, workspace)

    fail(workspace, NO_MODEL)
    assert TITLE in page(client, workspace)


def test_a_manager_may_say_that_it_is_fixed(client: Any) -> None:
    workspace = make_workspace()
    fail(workspace, NO_CREDIT)
    path = f"/admin/{workspace.slug}/faults/vapi/dismiss"

    client.force_login(make_member(workspace, role="agent", is_staff=False))
    assert client.post(path).status_code == 403
    client.force_login(make_member(make_workspace(), is_staff=False))
    assert client.post(path).status_code == 404
    assert Fault.objects.exists()
    client.force_login(make_member(workspace, is_staff=False))
    assert TITLE not in client.post(path, follow=True).content.decode()

    fail(workspace, NO_CREDIT, vapi_call_id="again")
    assert TITLE in page(client, workspace)


def test_a_fault_of_the_lead_says_nothing_of_the_account() -> None:
    workspace = make_workspace()

    fail(workspace, "twilio-reported-customer-misdialed")
    fail(workspace, "unknown-error")

    assert not Fault.objects.exists()


@pytest.mark.parametrize(
    ("status", "body", "of_account"),
    [
        (401, {"message": "Invalid Key. Hot tip, you may be using the private key."}, True),
        (402, {"message": "Payment Required"}, True),
        (400, {"message": "Couldn't Start Call. Numbers Bought On Vapi Have A Daily Outbound Call Limit."}, True),
        (400, {"message": ["assistantId must be a UUID"]}, True),
        (400, {"message": "Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`."}, True),
        (400, {"message": ["customer.number must be a valid phone number in the E.164 format."]}, False),
        (400, {"message": "Couldn't Start Call. This Destination Is Blocked."}, False),
    ],
)
@responses.activate
def test_a_refusal_that_is_about_the_account_is_told_as_well(
    client: Any, status: int, body: dict[str, Any], of_account: bool
) -> None:
    workspace = make_workspace()
    responses.post(CALL_URL, status=status, json=body)
    dispatch = make_dispatch(make_lead(workspace), status="sending", claimed_by="me", claimed_at=timezone.now())

    with pytest.raises(NotSent):
        send(make_order(dispatch, claimed_at=timezone.now()))

    assert (TITLE in page(client, workspace)) is of_account
    if of_account:
        assert Fault.objects.get().reason.startswith(f"Vapi /call failed ({status})")
        talk(workspace)
        assert not Fault.objects.exists()


def test_the_agents_page_says_that_nothing_is_connected(client: Any) -> None:
    workspace = make_workspace(connected=False)

    assert "Not connected: Vapi" in page(client, workspace, path="settings/agent")
