"""Leads that wait at the same moment are inserted together, and each is told its own fate."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apikeys.models import ApiKey
from conftest import make_key, make_lead, make_workspace
from leads.insert import Inserted, NewLead, insert_leads
from leads.models import Dispatch, Lead
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def row(workspace: Workspace, **overrides: Any) -> NewLead:
    now = timezone.now()
    fields: dict[str, Any] = {
        "lead_id": uuid.uuid4(),
        "dispatch_id": uuid.uuid4(),
        "workspace_id": workspace.pk,
        "key_id": None,
        "channel": workspace.channel,
        "is_test": False,
        "source": "api",
        "name": "Jane Doe",
        "phone": "+447123456789",
        "email": None,
        "goal": None,
        "metadata": '{"a":1.0,"ü":"\\n"}',
        "form_responses": "{}",
        "form_version_id": None,
        "at": now,
        "due_at": now + timedelta(seconds=60),
        "claimed_by": "me:1",
        "phone_digest": "0" * 64,
        "kind": "",
        "country": "GB",
        "by_hand": False,
    }
    return NewLead(**(fields | overrides))


def test_each_row_of_a_batch_is_told_its_own_fate() -> None:
    open_, paused = make_workspace(), make_workspace(agent_enabled=False)
    make_lead(open_, phone="+441111111111")
    make_key(open_)
    key = ApiKey.objects.get()
    make_key(paused)
    dead = ApiKey.objects.exclude(pk=key.pk).get()
    dead.revoke(at=timezone.now())
    gone = make_workspace()
    deleted = row(gone)
    gone.delete()

    outcomes = insert_leads(
        [
            row(open_, key_id=key.pk),
            row(open_, key_id=key.pk),
            row(open_, phone="+441111111111"),
            row(open_, is_test=True),
            row(paused),
            row(paused, phone="+442222222222", key_id=dead.pk),
            row(paused, phone="+443333333333", key_id=uuid.uuid4()),
            deleted,
            row(open_, phone="+444444444444", claimed_by=""),
        ]
    )

    assert outcomes == [
        Inserted.ACCEPTED,
        Inserted.DUPLICATE,
        Inserted.DUPLICATE,
        Inserted.ACCEPTED,
        Inserted.PAUSED,
        Inserted.KEY_DEAD,
        Inserted.KEY_DEAD,
        Inserted.KEY_DEAD,
        Inserted.ACCEPTED,
    ]
    assert sorted(Dispatch.objects.values_list("status", "reason", "attempts", "claimed_by")) == [
        ("pending", "", 0, ""),
        ("sending", "", 1, "me:1"),
        ("sending", "", 1, "me:1"),
        ("skipped", "paused", 0, ""),
    ]
    assert Lead.objects.count() == 5


def test_an_expired_key_inserts_nothing() -> None:
    workspace = make_workspace()
    now = timezone.now()
    make_key(workspace, expires_at=now)
    key = ApiKey.objects.get()
    rows = [
        row(workspace, key_id=key.pk, at=now),
        row(workspace, key_id=key.pk, at=now - timedelta(milliseconds=1)),
    ]

    assert insert_leads(rows) == [Inserted.KEY_DEAD, Inserted.ACCEPTED]


def test_a_row_is_stored_as_it_was_given() -> None:
    workspace = make_workspace()
    given = row(workspace, name="Jäne 👋 'x' %s \\", email="j@acme.com", goal="a\r\nb\t\u2028", source="form")

    assert insert_leads([given]) == [Inserted.ACCEPTED]

    lead = Lead.objects.get()
    assert (lead.pk, lead.name, lead.email, lead.goal, lead.source) == (
        given.lead_id,
        "Jäne 👋 'x' %s \\",
        "j@acme.com",
        "a\r\nb\t\u2028",
        "form",
    )
    assert repr(lead.metadata) == "{'a': 1.0, 'ü': '\\n'}"
    assert (lead.created_at, lead.updated_at) == (given.at, given.at)
    dispatch = Dispatch.objects.get()
    assert (dispatch.pk, dispatch.lead_id, dispatch.workspace_id) == (given.dispatch_id, lead.pk, workspace.pk)
    assert (dispatch.due_at, dispatch.claimed_at, dispatch.created_at) == (given.due_at, given.at, given.at)
    assert dispatch.finished_at is None


def test_a_hundred_at_once_are_one_statement_s_work() -> None:
    workspace = make_workspace()
    first = row(workspace)
    rows = [
        replace(first, lead_id=uuid.uuid4(), dispatch_id=uuid.uuid4(), phone=f"+4471234{n % 64:05d}")
        for n in range(128)
    ]

    outcomes = insert_leads(rows)

    assert outcomes.count(Inserted.ACCEPTED) == 64
    assert outcomes.count(Inserted.DUPLICATE) == 64
    assert Lead.objects.count() == Dispatch.objects.count() == 64
