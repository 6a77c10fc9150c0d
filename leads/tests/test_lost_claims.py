"""Who lost a claim acts on it no more, however late it wakes up."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from apikeys.models import ApiKey, IdempotentRequest
from conftest import make_dispatch, make_lead, make_workspace
from leads import dispatch, sweep
from leads.intake import claim_name
from leads.models import Dispatch, Lead
from webapi.tests.backend import VAPI, Backend, calls_to_vapi, submission, vapi_takes
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def make_claimed(workspace: Workspace | None = None, **overrides: Any) -> Dispatch:
    fields = {"status": "sending", "claimed_by": "me:1", "claimed_at": ago(0), "due_at": ago(-60), "attempts": 1}
    return make_dispatch(make_lead(workspace or make_workspace()), **(fields | overrides))


def leave_behind(workspace: Workspace, body: dict[str, Any]) -> Dispatch:
    """Make what a request leaves that died while it was sending, long ago."""
    row = IdempotentRequest.objects.create(
        api_key=ApiKey.objects.get(workspace=workspace),
        key="one",
        body_hash=hashlib.sha256(json.dumps(body).encode()).hexdigest(),
        lease_until=ago(1),
        created_at=ago(70),
    )
    lead = make_lead(workspace, pk=row.lead_id, phone=body["phone"], name=body["name"])
    return make_dispatch(
        lead, status="sending", attempts=1, claimed_by="dead:1", claimed_at=ago(61), due_at=ago(1), channel=lead.channel
    )


def test_two_claims_of_one_process_are_told_apart() -> None:
    assert claim_name() != claim_name()
    assert len(claim_name()) <= 64


@responses.activate
def test_a_job_whose_claim_was_lost_rings_nobody() -> None:
    vapi_takes()
    make_claimed(status="pending", claimed_by="", due_at=ago(1))
    (job,) = sweep.claim_jobs(by="slow", now=timezone.now(), limit=1)
    Dispatch.objects.update(claimed_by="other")

    job()

    assert calls_to_vapi() == []
    assert Dispatch.objects.get().claimed_by == "other"


@responses.activate
def test_a_single_sweep_claims_a_dispatch_when_its_turn_comes() -> None:
    waiting: list[int] = []

    def take(request: Any) -> tuple[int, dict[str, str], str]:
        waiting.append(Dispatch.objects.filter(status="pending").count())
        return 201, {}, json.dumps({"id": f"call-{len(waiting)}"})

    responses.add_callback(responses.POST, VAPI, callback=take)
    for _ in range(3):
        make_claimed(status="pending", claimed_by="", due_at=ago(1))

    call_command("sweep", verbosity=0)

    assert waiting == [2, 1, 0]


@responses.activate
def test_who_slept_through_its_lease_rings_nobody() -> None:
    vapi_takes()
    row = make_claimed(claimed_at=ago(61))
    order = dispatch.order_of(row)
    Dispatch.objects.update(claimed_by="other")

    with pytest.raises(dispatch.StillOpen):
        dispatch.send(order)

    assert calls_to_vapi() == []


@responses.activate
def test_who_was_late_but_is_not_replaced_renews_its_claim_and_sends() -> None:
    vapi_takes()
    row = make_claimed(claimed_at=ago(40), due_at=ago(-20))

    dispatch.send(dispatch.order_of(row))

    assert len(calls_to_vapi()) == 1
    assert Dispatch.objects.get().status == "done"


@responses.activate
def test_a_submission_repeated_while_its_workspace_is_paused_rings_nobody() -> None:
    responses.get(VAPI, json=[])
    backend, body = Backend(), submission()
    leave_behind(backend.workspace, body)
    Workspace.objects.update(agent_enabled=False)

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["callQueued"]) == (201, False)
    assert calls_to_vapi() == []
    assert Dispatch.objects.get().status == "skipped"


@responses.activate
def test_a_repeated_whatsapp_submission_leaves_the_sending_to_the_worker() -> None:
    backend, body = Backend(make_workspace(channel="whatsapp")), submission()
    leave_behind(backend.workspace, body)

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["messageQueued"]) == (201, True)
    assert Lead.objects.count() == 1
    assert Dispatch.objects.get().claimed_by == "dead:1"


@responses.activate
def test_words_that_no_row_can_hold_are_quoted_and_undo_the_lead_all_the_same() -> None:
    responses.post(VAPI, body=b"no\x00pe", status=400)

    answer = Backend().post(submission())

    assert (answer.status_code, answer.json()["message"]) == (502, "Vapi /call failed (400): no\x00pe")
    assert not Lead.objects.exists()
