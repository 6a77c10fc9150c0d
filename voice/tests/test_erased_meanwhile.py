"""A lead is erased in the very moment in which Vapi tells of its call."""

from typing import Any

import pytest

from conftest import make_dispatch, make_lead
from leads.models import Lead
from voice import incoming
from voice.models import CallSession
from voice.tests.factories import post_event, status_update
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_event_of_a_call_whose_lead_is_erased_in_that_moment_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatch = make_dispatch(make_lead(), status="sending")
    found = incoming.find_dispatch

    def find_and_lose(*args: Any, **kwargs: Any) -> Any:
        row = found(*args, **kwargs)
        Lead.objects.all().delete()
        return row

    monkeypatch.setattr(incoming, "find_dispatch", find_and_lose)
    told = {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}}

    answer = post_event(dispatch.workspace, status_update("ringing", call=told))

    assert answer.status_code == 200
    assert not CallSession.objects.exists()
    assert LogEntry.objects.get().lead_id is None
