"""What voice tests make."""

from typing import Any

from django.test import Client

from conftest import NOW, make_dispatch, make_lead, make_workspace
from leads.channels import Order
from leads.models import Dispatch, Lead
from voice.models import CallSession
from workspaces.models import Integration, Workspace

CALL_URL = "https://api.vapi.ai/call"
CALL_ID = "019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad"


def make_order(dispatch: Dispatch, **overrides: Any) -> Order:
    """Make the order of a dispatch, as the one who claimed it has it."""
    lead = dispatch.lead
    fields: dict[str, Any] = {
        "dispatch_id": dispatch.pk,
        "lead_id": lead.pk,
        "workspace_id": lead.workspace_id,
        "channel": "voice",
        "is_test": lead.is_test,
        "name": lead.name,
        "phone": lead.phone,
        "email": lead.email,
        "goal": lead.goal,
        "metadata": lead.metadata,
        "form_responses": lead.form_responses,
        "claimed_at": NOW,
        "claimed_by": "me",
    }
    return Order(**(fields | overrides))


def make_call(*, dispatch_status: str = "done", lead: Lead | None = None, **overrides: Any) -> CallSession:
    """Make a call that goes on, with its lead and dispatch."""
    lead = lead or make_lead(make_workspace())
    dispatch = make_dispatch(lead, status=dispatch_status, attempts=1, finished_at=NOW)
    fields = {"vapi_call_id": CALL_ID, "created_at": NOW, "updated_at": NOW}
    return CallSession.objects.create(lead=lead, dispatch=dispatch, **(fields | overrides))


def dispatch_of(session: CallSession) -> Dispatch:
    """Return the dispatch that made a call."""
    assert session.dispatch is not None
    return session.dispatch


def secret_of(workspace: Workspace) -> str:
    """Return the secret that Vapi must show."""
    return str(Integration.objects.get(workspace=workspace, provider="vapi").webhook_secret)


def post_event(workspace: Workspace, message: Any, **headers: str) -> Any:
    """Post an event as Vapi does."""
    shown = headers or {"x-vapi-secret": secret_of(workspace)}
    body = message if isinstance(message, bytes) else {"message": message}
    return Client(enforce_csrf_checks=True).post(
        f"/api/vapi/{workspace.slug}/events", body, content_type="application/json", headers=shown
    )


def status_update(status: str, call_id: str = CALL_ID, **more: Any) -> dict[str, Any]:
    """Make the message of a status-update."""
    call = {"id": call_id} | more.pop("call", {})
    return {"type": "status-update", "status": status, "timestamp": 1795325000123, "call": call} | more


def report(call_id: str = CALL_ID, **more: Any) -> dict[str, Any]:
    """Make the message of an end-of-call-report, as Vapi documents it."""
    return {
        "type": "end-of-call-report",
        "timestamp": 1795325215000,
        "endedReason": "customer-ended-call",
        "startedAt": "2026-11-22T04:00:12.740Z",
        "endedAt": "2026-11-22T04:02:20.338Z",
        "durationSeconds": 127.598,
        "cost": 0.1931,
        "analysis": {"summary": "Ada wants a Tuesday slot."},
        "artifact": {
            "transcript": "AI: Hi Ada…\nUser: Tuesday works.\n",
            "recording": {"mono": {"combinedUrl": "https://storage.vapi.ai/private.wav"}},
        },
        "call": {"id": call_id, "status": "ended"},
    } | more
