"""What leads itself knows for a lead's timeline: how it came in, what was promised, and its events."""

from collections.abc import Iterator
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from leads import costly, late
from leads.again import DECIDED, TAKEN_OVER
from leads.insert import COSTLY, OPTED_OUT, PAUSED
from leads.models import Consent, Dispatch, Lead, LeadEvent, Suppression
from leads.timeline import Item

Kind = LeadEvent.Kind
_DISPATCHES = {
    Dispatch.Status.PENDING: _("To be contacted"),
    Dispatch.Status.QUEUED: _("Being contacted"),
    Dispatch.Status.SENDING: _("Being contacted"),
    Dispatch.Status.DONE: _("Contacted"),
    Dispatch.Status.FAILED: _("Could not be contacted"),
    Dispatch.Status.SKIPPED: _("Not contacted"),
}
_PLANNED = _("Call planned")
_REASONS = {
    PAUSED: _("The agent was paused in this workspace."),
    OPTED_OUT: _("This phone has opted out."),
    TAKEN_OVER: _("A person had taken over the conversation."),
    DECIDED: _("It was not needed any more: the lead had moved on."),
    COSTLY: costly.WORDS,
    **late.WORDS,
}
_TITLES = {
    Kind.STATUS: _("Status changed"),
    Kind.NOTE: _("Note"),
    Kind.TAKEN_OVER: _("Taken over by a person"),
    Kind.HANDED_BACK: _("Handed back to the agent"),
    Kind.OPTED_OUT: _("Opted out: nobody calls or writes any more"),
    Kind.OPTED_IN: _("May be contacted again"),
    Kind.CALL_SCHEDULED: _("Will be called at"),
    Kind.CALL_RETRY: _("No answer; will be called again at"),
    Kind.CALL_AGAIN: _("Contact once more, asked for by hand"),
    Kind.AGENT_STOPPED: _("The agent stopped"),
    Kind.SENT_AGAIN: _("Sent the form again; nobody was contacted for it"),
}


def items(lead: Lead) -> Iterator[Item]:
    """Return what happened, in no order."""
    yield Item(
        at=lead.created_at,
        # The first of what has the same time.
        key=f"arrived-{lead.pk}",
        template="leads/_timeline_submitted.html",
        data=_of_submission(lead),
    )
    events = list(LeadEvent.objects.filter(lead_id=lead.pk).select_related("by"))
    # A call that was handed over to wait for its hour is noted in the moment in which its dispatch is done.
    planned = {event.at for event in events if event.kind == Kind.CALL_SCHEDULED}
    for dispatch in Dispatch.objects.filter(lead_id=lead.pk):
        yield Item(
            at=dispatch.finished_at or dispatch.created_at,
            key=f"dispatch-{dispatch.pk}",
            template="leads/_timeline_dispatch.html",
            data=_of_dispatch(dispatch, planned=dispatch.finished_at in planned),
        )
    for event in events:
        yield Item(at=event.at, key=f"event-{event.pk}", template="leads/_timeline_event.html", data=_of_event(event))


def _of_submission(lead: Lead) -> dict[str, Any]:
    consent = Consent.objects.filter(lead_id=lead.pk).first()
    return {
        "source": lead.source,
        "source_label": lead.get_source_display(),
        "is_test": lead.is_test,
        "consent_text": consent.text if consent else "",
        "consent_at": consent.given_at if consent else None,
        "page_url": consent.page_url if consent else "",
        "embedded_by": consent.embedded_by if consent else "",
    }


def _of_dispatch(dispatch: Dispatch, *, planned: bool) -> dict[str, Any]:
    status = Dispatch.Status(dispatch.status)
    return {
        "status": dispatch.status,
        "title": _PLANNED if planned and status == Dispatch.Status.DONE else _DISPATCHES[status],
        "channel": dispatch.channel,
        "due_at": dispatch.due_at if status == Dispatch.Status.PENDING else None,
        "reason": _REASONS.get(dispatch.reason, dispatch.reason),
        "attempts": dispatch.attempts,
        "is_retry": dispatch.retry_of_id is not None,
    }


def _of_event(event: LeadEvent) -> dict[str, Any]:
    data = event.data if isinstance(event.data, dict) else {}
    at = data.get("at")
    return {
        "kind": event.kind,
        "title": _TITLES[Kind(event.kind)],
        "by": (event.by.get_full_name() or event.by.get_username()) if event.by else "",
        "when": parse_datetime(at) if isinstance(at, str) else None,
        "before": _status(data.get("from")),
        "after": _status(data.get("to")),
        "attempt": data.get("attempt"),
        "of": data.get("of"),
        "text": str(data.get("text") or ""),
        "reason": _reason(event.kind, data),
    }


def _reason(kind: str, data: dict[str, Any]) -> str:
    """Say why, in words: a stop has one of a few reasons, the others have their own text."""
    reason, detail = str(data.get("reason") or ""), str(data.get("detail") or "")
    if kind == Kind.OPTED_OUT and reason in Suppression.Reason.values:
        reason = str(Suppression.Reason(reason).label)
    return ": ".join(part for part in (reason, detail) if part)


def _status(value: Any) -> str:
    return str(Lead.Status(value).label) if value in Lead.Status.values else ""
