"""What operators set about the agent."""

from datetime import time
from typing import Any

import pytest

from conftest import make_member, make_workspace
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
VOICE = {
    **{"agent_enabled": "on", "agent_name": "Maya", "persona": "Warm.", "offer": "Coaching.", "pricing": ""},
    **{"qualification_criteria": "", "fields_text": "team_size: How many?", "calling_from": "09:00"},
    **{"calling_until": "20:00", "no_answer_retries": "2", "no_answer_wait_min": "30"},
}


def page_of(workspace: Workspace) -> str:
    return f"/admin/{workspace.slug}/settings/agent"


def sign_in(client: Any, workspace: Workspace, role: str = "admin") -> None:
    client.force_login(make_member(workspace, role=role, is_staff=False))


def test_saves_what_is_on_the_page(client: Any) -> None:
    workspace = make_workspace(reply_after_s=7)
    sign_in(client, workspace)

    assert client.post(page_of(workspace), VOICE).status_code == 302

    workspace.refresh_from_db()
    assert (workspace.agent_name, workspace.calling_from, workspace.no_answer_retries) == ("Maya", time(9), 2)
    assert workspace.qualification_fields == [{"name": "team_size", "label": "How many?"}]
    assert workspace.reply_after_s == 7
    assert "team_size: How many?" in client.get(page_of(workspace)).content.decode()


def test_sets_the_countries_that_are_called_and_costly_kinds(client: Any) -> None:
    workspace = make_workspace(default_region="GB")
    sign_in(client, workspace)
    assert "Suggested: GB." in client.get(page_of(workspace)).content.decode()

    chosen = {"called_countries": " gb; ie,GB ", "allowed_kinds": ["pager", "personal"]}
    assert client.post(page_of(workspace), VOICE | chosen).status_code == 302

    workspace.refresh_from_db()
    assert (workspace.called_countries, set(workspace.allowed_kinds.split(","))) == ("GB,IE", {"personal", "pager"})
    page = client.get(page_of(workspace)).content.decode()
    assert 'value="GB, IE"' in page
    assert page.count("checked") == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"called_countries": "GB, Atlantis"}, "is no country"),
        ({"allowed_kinds": ["free"]}, "free is not one of the available choices"),
        ({"calling_until": ""}, "Fill in both times, or neither."),
        ({"calling_until": "09:00"}, "Choose a later time"),
        ({"no_answer_retries": "51"}, "less than or equal to 10"),
        ({"no_answer_wait_min": "1"}, "greater than or equal to 5"),
        ({"fields_text": "How many?"}, "is not like team_size"),
        ({"fields_text": "budget: How much?"}, "is there already"),
        ({"fields_text": "a: x\na: y"}, "is there already"),
    ],
)
def test_refuses_what_can_not_work(client: Any, change: dict[str, Any], says: str) -> None:
    workspace = make_workspace()
    sign_in(client, workspace)

    answer = client.post(page_of(workspace), VOICE | change)

    assert answer.status_code == 400
    assert says in answer.content.decode()
    workspace.refresh_from_db()
    assert workspace.agent_name == ""


def test_offers_each_channel_its_own_settings(client: Any) -> None:
    voice, whatsapp = make_workspace(), make_workspace(channel="whatsapp")
    for workspace in (voice, whatsapp):
        sign_in(client, workspace)
        page = client.get(page_of(workspace)).content.decode()
        assert ("calling_from" in page) is (workspace is voice)
        assert ("turns_a_day" in page) is (workspace is whatsapp)


def test_hides_settings_of_other_workspaces_and_from_agents(client: Any) -> None:
    workspace = make_workspace()
    sign_in(client, make_workspace())
    assert client.post(page_of(workspace), VOICE).status_code == 404
    sign_in(client, workspace, role="agent")

    assert client.get(page_of(workspace)).status_code == 403
