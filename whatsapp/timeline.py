"""What was written, and the turns that the agent left to others: for a lead's timeline."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from leads.models import Lead
from leads.timeline import Item
from providers.twilio import explain
from whatsapp.guard import TAKEN_OVER
from whatsapp.models import AgentTurn, Message

MESSAGE = "whatsapp/_timeline_message.html"
STOPPED = "whatsapp/_timeline_stopped.html"
# Said by an event already: who took over, who opted out, why a human is needed.
_TOLD_ELSEWHERE = frozenset({TAKEN_OVER, "opted_out"})
_DELIVERY = {
    Message.Status.WRITTEN: _("waiting to be sent"),
    Message.Status.SENDING: _("being sent"),
    Message.Status.SENT: _("sent"),
    Message.Status.DELIVERED: _("delivered"),
    Message.Status.READ: _("read"),
    Message.Status.FAILED: _("not delivered"),
    Message.Status.RECEIVED: "",
}


def items(lead: Lead) -> Iterable[Item]:
    """Return a lead's messages and the turns that ended without an answer."""
    for message in Message.objects.filter(lead=lead).select_related("by"):
        yield Item(at=message.created_at, key=f"message-{message.pk}", template=MESSAGE, data=_shown(message, lead))
    stopped = AgentTurn.objects.filter(lead=lead, state=AgentTurn.State.STOPPED).exclude(code__in=_TOLD_ELSEWHERE)
    for turn in stopped:
        at = turn.finished_at or turn.created_at
        yield Item(at=at, key=f"turn-{turn.pk}", template=STOPPED, data={"reason": turn.reason})


def _shown(message: Message, lead: Lead) -> dict[str, Any]:
    failed = message.status == Message.Status.FAILED
    return {
        "role": message.role,
        "author": _author(message, lead),
        "kind": message.kind,
        "text": message.text,
        "state": message.status,
        "delivery": _DELIVERY[Message.Status(message.status)],
        "in_template": bool(message.content_sid),
        "error_code": message.error_code if failed and message.error_code.isdigit() else "",
        "advice": (message.error_message or explain(message.error_code)) if failed else "",
    }


def _author(message: Message, lead: Lead) -> str:
    if message.role == Message.Role.USER:
        return lead.name
    if message.role == Message.Role.OPERATOR:
        return str(message.by.get_full_name() or message.by.get_username()) if message.by else str(_("A colleague"))
    return lead.workspace.agent_name or str(_("Agent"))
