"""One sweep: what is due is sent, what went silent is settled, what is old is deleted."""

from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import requests
import responses
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from apikeys.models import ApiKey, IdempotentRequest
from conftest import make_dispatch, make_key, make_lead, make_workspace
from leads import sweep
from leads.channels import get_channel
from leads.models import Dispatch, Lead
from voice.models import CallSession
from webapi.tests.backend import VAPI, calls_to_vapi, vapi_takes
from workspaces.models import LogEntry, Workspace

pytestmark = pytest.mark.django_db


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def make_due(*, workspace: Workspace | None = None, **overrides: Any) -> Dispatch:
    fields = {"status": "pending", "due_at": ago(1)} | overrides
    return make_dispatch(make_lead(workspace or make_workspace()), **fields)


def make_served(workspace: Workspace) -> None:
    """Let Vapi have taken another call of the workspace just now: it is there, and trouble is about the lead."""
    make_dispatch(make_lead(workspace), status="done", finished_at=ago(5))


def run() -> str:
    out = StringIO()
    call_command("sweep", stdout=out)
    return out.getvalue().strip()


@responses.activate
def test_sends_what_is_due() -> None:
    vapi_takes("call-1")
    dispatch = make_due()

    assert run() == "1 dispatches, 0 promises of the channels, 0 old rows."

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.attempts, dispatch.reason) == ("done", 1, "")
    assert CallSession.objects.get().dispatch == dispatch
    assert LogEntry.objects.get().outcome == "ok"
    assert run() == "0 dispatches, 0 promises of the channels, 0 old rows."
    assert len(calls_to_vapi()) == 1


@responses.activate
@pytest.mark.parametrize(
    "fields",
    [
        {"due_at": timezone.now() + timedelta(hours=9)},
        {"status": "done"},
        {"status": "failed"},
        {"status": "skipped"},
        {"status": "sending", "due_at": timezone.now() + timedelta(hours=9)},
    ],
    ids=["not yet due", "done", "failed", "skipped", "being sent"],
)
def test_leaves_the_rest_alone(fields: dict[str, Any]) -> None:
    make_due(**fields)

    run()

    assert len(responses.calls) == 0


@responses.activate
def test_refused_the_lead_stays_and_needs_a_human() -> None:
    responses.post(VAPI, body="no credit", status=402)
    dispatch = make_due()

    run()

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.reason) == ("failed", "Vapi /call failed (402): no credit")
    assert Lead.objects.get().status == "needs_human"
    entry = LogEntry.objects.get()
    assert (entry.outcome, entry.lead_id, entry.submission) == ("rejected", dispatch.lead_id, None)


@responses.activate
def test_a_refusal_does_not_take_back_what_the_lead_has_become() -> None:
    responses.post(VAPI, body="no", status=400)
    dispatch = make_due()
    Lead.objects.filter(pk=dispatch.lead_id).update(status="booked")

    run()

    assert Lead.objects.get().status == "booked"


@responses.activate
@pytest.mark.parametrize(("attempts", "wait_s"), [(0, 30), (1, 60), (4, 480), (6, 960)])
def test_not_reached_it_is_tried_later_and_later(attempts: int, wait_s: int) -> None:
    responses.post(VAPI, body=requests.ConnectTimeout())
    workspace = make_workspace()
    make_served(workspace)
    dispatch = make_due(workspace=workspace, attempts=attempts)

    run()

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.attempts) == ("pending", attempts + 1)
    assert wait_s - 5 < (dispatch.due_at - timezone.now()).total_seconds() <= wait_s
    assert Lead.objects.get(pk=dispatch.lead_id).status == "new"
    assert LogEntry.objects.get().outcome == "unavailable"


@responses.activate
def test_waits_as_long_as_vapi_says() -> None:
    responses.post(VAPI, status=429, headers={"Retry-After": "300"})
    workspace = make_workspace()
    make_served(workspace)
    dispatch = make_due(workspace=workspace)

    run()

    dispatch.refresh_from_db()
    assert 290 < (dispatch.due_at - timezone.now()).total_seconds() <= 300


@responses.activate
def test_after_8_attempts_it_is_given_up() -> None:
    responses.post(VAPI, body=requests.ConnectTimeout())
    workspace = make_workspace()
    make_served(workspace)
    dispatch = make_due(workspace=workspace, attempts=7)

    run()

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.attempts) == ("failed", 8)
    assert Lead.objects.get(pk=dispatch.lead_id).status == "needs_human"


@responses.activate
def test_a_silent_sender_s_call_is_adopted() -> None:
    dispatch = make_due(status="sending", claimed_by="dead:1", claimed_at=ago(61), attempts=1)
    responses.get(
        VAPI, json=[{"id": "call-9", "assistantOverrides": {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}}]
    )

    run()

    dispatch.refresh_from_db()
    assert dispatch.status == "done"
    assert CallSession.objects.get().vapi_call_id == "call-9"
    assert not calls_to_vapi("POST")


@responses.activate
def test_a_silent_sender_s_call_that_vapi_never_got_is_sent_once() -> None:
    responses.get(VAPI, json=[])
    vapi_takes()
    dispatch = make_due(status="sending", claimed_by="dead:1", claimed_at=ago(61), attempts=1)

    run()

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.attempts) == ("done", 2)
    assert len(calls_to_vapi("POST")) == 1


@responses.activate
@pytest.mark.parametrize(
    ("hours", "dispatch_status", "lead_status"), [(23, "sending", "new"), (24, "failed", "needs_human")]
)
def test_one_that_cannot_be_asked_about_for_a_day_needs_a_human_and_rings_nobody(
    hours: int, dispatch_status: str, lead_status: str
) -> None:
    responses.get(VAPI, body="Invalid Key", status=401)
    dispatch = make_due(status="sending", claimed_by="dead:1", claimed_at=ago(hours * 3600 + 1), attempts=1)

    run()

    dispatch.refresh_from_db()
    assert (dispatch.status, Lead.objects.get().status) == (dispatch_status, lead_status)
    assert not calls_to_vapi("POST")
    if dispatch_status == "failed":
        assert dispatch.reason == "Vapi GET /call failed (401): Invalid Key"
        assert run() == "0 dispatches, 0 promises of the channels, 0 old rows."


@responses.activate
def test_a_lead_that_goes_meanwhile_stops_nothing() -> None:
    vapi_takes()
    gone, stays = make_due(due_at=ago(2)), make_due()
    jobs = list(sweep.claim_jobs(by="me", now=timezone.now(), limit=9))

    gone.lead.delete()
    for job in jobs:
        job()

    stays.refresh_from_db()
    assert stays.status == "done"
    assert len(calls_to_vapi()) == 1


def test_one_channel_s_fault_keeps_no_other_from_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fails(*, now: Any, limit: int) -> int:
        asked.append("voice")
        raise RuntimeError("broken")

    def works(*, now: Any, limit: int) -> int:
        asked.append("whatsapp")
        return 3

    monkeypatch.setattr(get_channel("voice"), "sweep", fails, raising=False)
    monkeypatch.setattr(get_channel("whatsapp"), "sweep", works, raising=False)

    assert sweep.keep_channels_promises(now=timezone.now(), limit=10) == 3
    assert asked == ["voice", "whatsapp"]


def test_deletes_what_is_kept_for_a_time_only(settings: Settings) -> None:
    settings.JOURNAL_RETENTION_DAYS = 90
    workspace = make_workspace()
    make_key(workspace)
    for days in (89, 91):
        LogEntry.objects.create(
            workspace=workspace,
            direction="out",
            provider="vapi",
            operation="x",
            outcome="ok",
            created_at=ago(days * 86400),
        )
    for hours in (23, 25):
        IdempotentRequest.objects.create(
            api_key=ApiKey.objects.get(), key=str(hours), lease_until=ago(0), created_at=ago(hours * 3600)
        )

    assert run() == "0 dispatches, 0 promises of the channels, 2 old rows."

    assert LogEntry.objects.get().created_at > ago(90 * 86400)
    assert IdempotentRequest.objects.get().key == "23"


def test_oldest_first_up_to_the_limit() -> None:
    rows = [make_due(due_at=ago(seconds)) for seconds in (1, 3, 2)]

    claimed: Sequence[sweep.Job] = list(sweep.claim_jobs(by="me", now=timezone.now(), limit=2))

    assert len(claimed) == 2
    assert [Dispatch.objects.get(pk=row.pk).status for row in rows] == ["pending", "sending", "sending"]
