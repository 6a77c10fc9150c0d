"""manage.py vapi_tools: what an operator enters at Vapi."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from conftest import make_workspace
from voice.tests.factories import secret_of

pytestmark = pytest.mark.django_db


def printed(*args: str) -> str:
    out = StringIO()
    call_command("vapi_tools", *args, stdout=out)
    return out.getvalue()


def test_prints_the_seven_tools_without_the_secret() -> None:
    workspace = make_workspace(slug="acme", qualification_fields=[{"name": "team_size", "label": "Team size"}])

    text = printed("acme")

    tools = {tool["function"]["name"]: tool for tool in json.loads(text)}
    assert set(tools) == {
        *("updateLeadProfile", "listSlots", "bookConsult"),
        *("markUnqualified", "escalateToHuman", "optOut", "endConversation"),
    }
    slots = tools["listSlots"]
    assert slots["type"] == "function"
    assert slots["server"] == {
        "url": f"http://127.0.0.1:8000/api/vapi/{workspace.pk}/tools/listSlots",
        "timeoutSeconds": 8,
        "headers": {"Authorization": "Bearer <the workspace's tool secret>"},
    }
    assert slots["function"]["parameters"]["properties"]["daysAhead"]["type"] == "integer"
    assert "team_size" in tools["updateLeadProfile"]["function"]["parameters"]["properties"]
    assert secret_of(workspace) not in text


def test_prints_the_secret_when_it_is_asked_for() -> None:
    workspace = make_workspace(slug="acme")
    tools = json.loads(printed("acme", "--with-secret"))
    assert {tool["server"]["headers"]["Authorization"] for tool in tools} == {f"Bearer {secret_of(workspace)}"}


def test_says_what_is_missing() -> None:
    make_workspace(slug="unconnected", connected=False)
    make_workspace(slug="written", channel="whatsapp")
    for args in (["nowhere"], ["written"], ["unconnected", "--with-secret"]):
        with pytest.raises(CommandError):
            printed(*args)
