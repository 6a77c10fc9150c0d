"""The kill switch: the lead is saved and nobody is contacted."""

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from conftest import make_workspace
from leads.models import Dispatch, Lead
from webapi.tests.backend import Backend, submission

pytestmark = pytest.mark.django_db


@responses.activate
@pytest.mark.parametrize(("channel", "word"), [("voice", "callQueued"), ("whatsapp", "messageQueued")])
def test_saves_the_lead_and_contacts_nobody(channel: str, word: str) -> None:
    backend = Backend(make_workspace(channel=channel, agent_enabled=False))

    answer = backend.post(submission())

    lead = Lead.objects.get()
    assert answer.status_code == 201
    assert answer.content.decode() == f'{{"ok":true,"leadId":"{lead.pk}","status":"new","{word}":false}}'
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.reason) == ("skipped", "paused")
    call_command("sweep", verbosity=0)
    assert len(responses.calls) == 0
    dispatch.refresh_from_db()
    assert dispatch.status == "skipped"


@responses.activate
def test_the_switch_works_at_once_although_the_key_is_remembered() -> None:
    backend = Backend(mode="test")
    assert backend.post(submission()).json()["callQueued"] is True

    type(backend.workspace).objects.update(agent_enabled=False, updated_at=timezone.now())

    assert backend.post(submission()).json()["callQueued"] is False
