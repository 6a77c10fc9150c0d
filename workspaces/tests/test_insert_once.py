"""Rows of which there may be one."""

import pytest
from django.db import IntegrityError

from agents.models import ToolCall
from conftest import NOW, make_lead, make_workspace
from leadforms.models import LeadForm, SpentToken
from whatsapp.models import AgentTurn
from workspaces.insert_once import find_or_insert, insert_once

pytestmark = pytest.mark.django_db


def test_inserts_a_row_as_save_does() -> None:
    lead = make_lead()
    call = ToolCall(lead=lead, channel="voice", call_id="1", name="x", created_at=NOW, started_at=NOW)
    call.arguments = {"name": "Ünal 😀", "n": 1.5}

    assert insert_once(call) is True

    stored = ToolCall.objects.get()
    assert (stored.pk, stored.arguments, stored.created_at) == (call.pk, {"name": "Ünal 😀", "n": 1.5}, NOW)
    call.name = "y"
    call.save()
    assert ToolCall.objects.get().name == "y"


def test_inserts_no_second_one_and_goes_on_with_the_transaction() -> None:
    lead = make_lead(make_workspace(channel="whatsapp"))
    fields = {"workspace": lead.workspace, "lead": lead, "due_at": NOW, "wake_at": NOW, "created_at": NOW}

    assert insert_once(AgentTurn(**fields)) is True
    assert insert_once(AgentTurn(**fields)) is False
    # The constraint is about turns that wait.
    assert insert_once(AgentTurn(state="done", **fields)) is True

    assert sorted(AgentTurn.objects.values_list("state", flat=True)) == ["done", "waiting"]


def test_what_is_wrong_otherwise_is_an_error_as_ever() -> None:
    with pytest.raises(IntegrityError):
        insert_once(SpentToken(digest="0" * 64, body_sha256=None, spent_at=NOW))  # type: ignore[misc]


def test_finds_what_is_there_and_makes_what_is_not() -> None:
    workspace = make_workspace()
    defaults = {"draft": {"steps": []}, "draft_saved_at": NOW}

    made, is_new = find_or_insert(LeadForm, workspace=workspace, defaults=defaults)
    found, is_new_again = find_or_insert(LeadForm, workspace=workspace, defaults={"draft": {}, "draft_saved_at": NOW})

    assert (is_new, is_new_again) == (True, False)
    assert made.pk == found.pk == LeadForm.objects.get().pk
    assert found.draft == {"steps": []}
    assert LeadForm.objects.get().embed_origins == []
