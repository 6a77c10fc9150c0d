"""What the settings say about WhatsApp: what is missing, and what to paste at Twilio."""

from typing import Any

import pytest
from django.utils.html import escape

from conftest import make_lead, make_member, make_workspace
from whatsapp.channel import TEMPLATE_NEEDED
from whatsapp.tests.conftest import make_message
from workspaces.models import Integration, Workspace

pytestmark = pytest.mark.django_db
INBOUND = "http://127.0.0.1:8000/api/whatsapp/inbound"


def page(client: Any, workspace: Workspace) -> str:
    client.force_login(make_member(workspace, role="admin", is_staff=False))
    return str(client.get(f"/admin/{workspace.slug}/settings/agent").content.decode())


def test_shows_the_address_to_paste_at_twilio(client: Any) -> None:
    shown = page(client, make_workspace(channel="whatsapp"))

    assert f'id="address-1">{INBOUND}<' in shown
    assert 'data-copy="address-1"' in shown
    assert "alert-warning" not in shown
    assert INBOUND not in page(client, make_workspace())


def test_says_that_a_template_is_needed(client: Any) -> None:
    workspace = make_workspace(channel="whatsapp")
    make_message(make_lead(workspace), status="failed", error_code="63016")

    assert escape(TEMPLATE_NEEDED) in page(client, workspace)


def test_says_what_is_not_connected(client: Any) -> None:
    workspace = make_workspace(channel="whatsapp")
    Integration.objects.filter(workspace=workspace, provider="openai").delete()

    assert "Not connected: OpenAI." in page(client, workspace)


def test_hides_refusals_of_other_workspaces(client: Any) -> None:
    make_message(make_lead(make_workspace(channel="whatsapp")), status="failed", error_code="63016")

    assert escape(TEMPLATE_NEEDED) not in page(client, make_workspace(channel="whatsapp"))


def test_django_admin_shows_the_address_where_twilio_is_connected(admin_client: Any) -> None:
    workspace = make_workspace(channel="whatsapp")
    for integration in Integration.objects.filter(workspace=workspace):
        shown = admin_client.get(f"/admin/workspaces/integration/{integration.pk}/change/").content.decode()
        assert (INBOUND in shown) is (integration.provider == "twilio")
