"""Who said stop is contacted by nobody, whichever way and whenever the next lead with that phone comes in."""

from typing import Any

import pytest

from conftest import NOW, make_dispatch, make_key, make_lead, make_workspace
from leads.models import Dispatch, Lead, LeadEvent, Suppression
from leads.suppression import forget_phone, is_suppressed, lift, suppress
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
PHONE = "+447123456789"


def post(client: Any, workspace: Workspace) -> dict[str, Any]:
    body = {"name": "Jane Doe", "phone": PHONE, "consent": True}
    answer = client.post(
        "/api/public/leads", body, content_type="application/json", HTTP_AUTHORIZATION=f"Bearer {make_key(workspace)}"
    )
    assert answer.status_code == 201
    return dict(answer.json())


@pytest.mark.parametrize(("channel", "queued"), [("voice", "callQueued"), ("whatsapp", "messageQueued")])
def test_a_new_lead_with_that_phone_is_kept_and_not_contacted(client: Any, channel: str, queued: str) -> None:
    workspace = make_workspace(channel=channel)
    suppress(workspace_id=workspace.pk, phone=PHONE, reason=Suppression.Reason.STOP, now=NOW)

    answer = post(client, workspace)

    assert answer[queued] is False
    dispatch = Dispatch.objects.get(lead_id=answer["leadId"])
    assert (dispatch.status, dispatch.reason) == ("skipped", "opted_out")


def test_another_workspace_may_contact_it(client: Any) -> None:
    suppress(workspace_id=make_workspace().pk, phone=PHONE, reason=Suppression.Reason.STOP, now=NOW)

    assert post(client, make_workspace(channel="whatsapp"))["messageQueued"] is True


def test_what_waits_is_skipped_and_noted_once() -> None:
    lead = make_lead(phone=PHONE)
    dispatch = make_dispatch(lead)

    made = [
        suppress(workspace_id=lead.workspace_id, phone=PHONE, reason=Suppression.Reason.STOP, now=NOW) for _ in range(2)
    ]

    dispatch.refresh_from_db()
    assert (made, dispatch.status, dispatch.reason) == ([True, False], "skipped", "opted_out")
    assert LeadEvent.objects.filter(lead=lead, kind="opted_out").count() == 1


def test_lifting_it_lets_the_next_one_be_contacted(client: Any) -> None:
    workspace = make_workspace(channel="whatsapp")
    suppress(workspace_id=workspace.pk, phone=PHONE, reason=Suppression.Reason.STOP, now=NOW)

    assert lift(workspace_id=workspace.pk, phone=PHONE, now=NOW)

    assert post(client, workspace)["messageQueued"] is True


def test_the_stop_outlives_the_phone_it_was_for() -> None:
    lead = make_lead(phone=PHONE)
    workspace_id = lead.workspace_id
    suppress(workspace_id=workspace_id, phone=PHONE, reason=Suppression.Reason.STOP, now=NOW)

    forget_phone(workspace_id=workspace_id, phone=PHONE)
    Lead.objects.all().delete()

    assert Suppression.objects.get().phone == ""
    assert is_suppressed(workspace_id, PHONE)
