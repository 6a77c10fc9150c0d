"""The address of a webhook names a workspace by its id or its slug; one can't pass for the other's."""

import pytest
from django.test import Client

from conftest import make_lead, make_workspace
from leads.models import Lead
from voice.models import CallSession
from voice.tests.factories import make_call, secret_of, status_update
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def post(name: str, workspace: Workspace) -> int:
    answer = Client().post(
        f"/api/vapi/{name}/events",
        {"message": status_update("in-progress")},
        content_type="application/json",
        headers={"x-vapi-secret": secret_of(workspace)},
    )
    return answer.status_code


@pytest.mark.parametrize("spelling", ["as it is", "without hyphens", "in capitals"])
def test_an_id_as_another_workspaces_slug_cuts_nobody_off(spelling: str) -> None:
    # The thief's account is the older one, which the database finds first.
    thief, victim = make_workspace(), make_workspace()
    make_call(lead=make_lead(victim))
    name = {"as it is": str(victim.pk), "without hyphens": victim.pk.hex, "in capitals": str(victim.pk).upper()}
    Workspace.objects.filter(pk=thief.pk).update(slug=name[spelling].lower())

    assert post(name[spelling], victim) == 200
    assert post(name[spelling], thief) == 401

    assert Lead.objects.get(workspace=victim).status == "in_conversation"


def test_a_slug_goes_on_leading_to_its_workspace() -> None:
    workspace = make_workspace(slug="acme")
    make_call(lead=make_lead(workspace))

    assert post("acme", workspace) == 200

    assert CallSession.objects.get().vapi_status == "in-progress"
