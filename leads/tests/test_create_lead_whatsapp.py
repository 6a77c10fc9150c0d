"""A lead of a WhatsApp workspace: the agent's turn is queued."""

import pytest
import responses
from django.utils import timezone

from conftest import make_workspace
from leads.models import Dispatch, Lead
from webapi.tests.backend import Backend, submission

pytestmark = pytest.mark.django_db


@responses.activate
def test_answers_at_once_that_a_message_is_queued() -> None:
    backend = Backend(make_workspace(channel="whatsapp"))

    answer = backend.post(submission())

    lead = Lead.objects.get()
    assert answer.status_code == 201
    assert answer.content.decode() == f'{{"ok":true,"leadId":"{lead.pk}","status":"new","messageQueued":true}}'
    assert len(responses.calls) == 0


def test_leaves_a_promise_that_the_worker_finds_at_once() -> None:
    backend = Backend(make_workspace(channel="whatsapp"))

    backend.post(submission())

    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.channel, dispatch.attempts, dispatch.claimed_by) == ("pending", "whatsapp", 0, "")
    assert list(Dispatch.objects.due(timezone.now())) == [dispatch]


@pytest.mark.parametrize("given", [{"q_abc123": "Yes"}, {"q_abc123": 1}, [], "text", 7])
def test_accepts_and_ignores_form_responses(given: object) -> None:
    backend = Backend(make_workspace(channel="whatsapp"))

    assert backend.post(submission(formResponses=given)).status_code == 201
    assert Lead.objects.get().form_responses == {}
