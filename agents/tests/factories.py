"""What the agents' tests begin with."""

import itertools
import json
from typing import Any

import responses

from agents.tools import ToolResult, run_tool
from conftest import NOW, make_integration, make_lead, make_workspace
from leads.models import Lead

CALCOM = "https://api.cal.com"
SLOTS_URL = f"{CALCOM}/v2/slots"
BOOKINGS_URL = f"{CALCOM}/v2/bookings"
# Monday after NOW, nine o'clock in London.
START = "2026-06-08T08:00:00Z"
LATER = "2026-06-08T13:00:00Z"
_numbers = itertools.count(1)


def make_calendar_lead(**overrides: Any) -> Lead:
    """Make a WhatsApp lead in London whose workspace has a calendar."""
    workspace = make_workspace(channel="whatsapp", timezone="Europe/London")
    make_integration(workspace, "calcom")
    fields = {"name": "Jane Doe", "email": "jane@example.com", "status": "in_conversation"}
    return make_lead(workspace, **(fields | overrides))


def use(lead: Lead, name: str, arguments: Any = None, **overrides: Any) -> ToolResult:
    """Call a tool as a model would."""
    asked: dict[str, Any] = {
        "call_id": f"call_{next(_numbers)}",
        "channel": lead.channel,
        "now": NOW,
        "deadline_s": 5.0,
    }
    return run_tool(lead.pk, name=name, arguments=arguments, **(asked | overrides))


def booked(start: str = START, uid: str = "bk_1", **overrides: Any) -> dict[str, Any]:
    """Return a booking as Cal.com shows it."""
    fields = {
        "id": 1,
        "uid": uid,
        "status": "accepted",
        "start": start,
        "end": "2026-06-08T08:30:00Z",
        "attendees": [{"email": "jane@example.com"}],
    }
    return fields | overrides


def answer_booking(**overrides: Any) -> None:
    """Let Cal.com take the next booking."""
    responses.add(responses.POST, BOOKINGS_URL, status=201, json={"status": "success", "data": booked(**overrides)})


def refuse_booking(status: int, message: str) -> None:
    """Let Cal.com refuse the next booking."""
    error = {"code": "SomeException", "message": message}
    responses.add(responses.POST, BOOKINGS_URL, status=status, json={"status": "error", "error": error})


def answer_standing(uid: str = "bk_1", **overrides: Any) -> None:
    """Let Cal.com show a booking."""
    responses.add(
        responses.GET, f"{BOOKINGS_URL}/{uid}", json={"status": "success", "data": booked(uid=uid, **overrides)}
    )


def answer_list(*found: dict[str, Any]) -> None:
    """Let Cal.com list bookings."""
    responses.add(responses.GET, BOOKINGS_URL, json={"status": "success", "data": list(found)})


def answer_slots(*starts: str) -> None:
    """Let Cal.com have these times free."""
    days: dict[str, list[dict[str, str]]] = {}
    for start in starts:
        days.setdefault(start[:10], []).append({"start": start})
    responses.add(responses.GET, SLOTS_URL, json={"status": "success", "data": days})


def sent(place: int = 0) -> dict[str, Any]:
    """Return the body of a request."""
    body: dict[str, Any] = json.loads(responses.calls[place].request.body or "")
    return body


def bookings_asked() -> int:
    """Count how often Cal.com was asked to book."""
    return sum(call.request.method == "POST" for call in responses.calls)
