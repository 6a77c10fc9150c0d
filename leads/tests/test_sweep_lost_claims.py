"""A claim that was lost and given back, and only then the news that it had been sent."""

import json
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from conftest import make_dispatch, make_lead, make_workspace
from leads import dispatch
from leads.models import Dispatch
from voice.models import CallSession
from webapi.tests.backend import VAPI, calls_to_vapi

pytestmark = pytest.mark.django_db


@responses.activate
@pytest.mark.parametrize(
    ("meanwhile", "after"),
    [("pending", "done"), ("sending", "done"), ("failed", "failed"), ("skipped", "skipped")],
)
def test_what_was_sent_is_not_sent_again_though_it_was_released_meanwhile(meanwhile: str, after: str) -> None:
    def take(request: Any) -> tuple[int, dict[str, str], str]:
        if not (seen := CallSession.objects.count()):
            Dispatch.objects.update(status=meanwhile, claimed_by="other", due_at=timezone.now())
        return 201, {}, json.dumps({"id": f"call-{seen + 1}", "status": "queued"})

    responses.add_callback(responses.POST, VAPI, callback=take)
    now = timezone.now()
    row = make_dispatch(
        make_lead(make_workspace()), status="sending", claimed_by="me:1", claimed_at=now, due_at=now, attempts=1
    )

    dispatch.send(dispatch.order_of(row))
    call_command("sweep", verbosity=0)

    assert Dispatch.objects.get().status == after
    assert CallSession.objects.get().vapi_call_id == "call-1"
    assert len(calls_to_vapi("POST")) == 1
