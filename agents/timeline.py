"""The agent's part of a lead's timeline: the tools it called, and the appointments it made."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _

from agents.calendar import words
from agents.models import Booking, ToolCall
from leads.models import Lead
from leads.timeline import Item

TITLES = {
    "updateLeadProfile": _("Noted what the lead said"),
    "listSlots": _("Looked up free times"),
    "bookConsult": _("Asked for an appointment"),
    "markUnqualified": _("Marked as unqualified"),
    "escalateToHuman": _("Handed over to a person"),
    "optOut": _("Ended all contact, as the lead asked"),
    "endConversation": _("Ended the conversation"),
}
MAX_SLOTS_SHOWN = 5


def items(lead: Lead) -> Iterator[Item]:
    """Return what the agent did, in no order."""
    for call in ToolCall.objects.filter(lead_id=lead.pk):
        yield Item(
            at=call.created_at,
            key=f"tool-{call.pk}",
            template="agents/_timeline_tool.html",
            data=_of_call(call),
            order=(0, call.pk),
        )
    for booking in Booking.objects.filter(lead_id=lead.pk):
        yield Item(
            at=booking.created_at,
            key=f"booking-{booking.pk}",
            template="agents/_timeline_booking.html",
            data=_of_booking(booking),
        )


def _of_call(call: ToolCall) -> dict[str, Any]:
    result = call.result if isinstance(call.result, dict) else {}
    given = call.arguments if isinstance(call.arguments, dict) else {"": call.arguments}
    return {
        "name": call.name,
        "title": TITLES.get(call.name, _("Called an unknown tool")),
        "channel": call.channel,
        "state": "open" if call.ok is None else "ok" if call.ok else "failed",
        "arguments": [(name, value) for name, value in given.items() if value not in (None, "")],
        "error": str(result.get("error") or ""),
        "slots": [slot.get("words", "") for slot in result.get("slots", [])[:MAX_SLOTS_SHOWN]],
        "more_slots": max(0, len(result.get("slots", [])) - MAX_SLOTS_SHOWN),
    }


def _of_booking(booking: Booking) -> dict[str, Any]:
    return {
        "status": booking.status,
        "status_label": booking.get_status_display(),
        "start": booking.start,
        "end": booking.end,
        "words": words(booking.start, timezone=booking.timezone),
        "timezone": booking.timezone,
        "attendee": booking.attendee_name,
        "email": booking.attendee_email,
        "uid": booking.uid,
        "awaits_host": booking.awaits_host,
        "reason": booking.reason,
    }
