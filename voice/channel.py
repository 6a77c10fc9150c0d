"""Voice: one synchronous call to Vapi, and what is known of it afterwards."""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from database import clock
from leads.channels import Address, CannotWrite, Job, Order, Sent, Trace, Window
from leads.hours import Span, next_span
from leads.late import note_lines
from leads.models import Lead, LeadEvent, LeadQuerySet
from providers import vapi
from providers.errors import BLOCKED, OutcomeUnknown, Rejected, Unavailable
from voice import outcomes, reconcile, recordings, retries
from voice.account import Caller, caller_of
from voice.models import CallSession
from voice.payload import DISPATCH_KEY, call_name, call_payload
from voice.withdrawal import SCHEDULED
from webapi.json_api import iso
from workspaces import prepared
from workspaces.connections import give_back
from workspaces.faults import note_fault
from workspaces.models import Integration

BLOCKED_RETRY_S = 30.0
BLOCKED_MESSAGE = "Vapi took the call but all lines of the account are busy; it is tried again."
# How far Vapi's clock and the database's may be apart.
CLOCK_SLACK = timedelta(minutes=15)
MAX_PAGES = 30
SEARCH_WITHIN_S = 20.0
_LATEST = f"""
SELECT {prepared.columns(CallSession, "c")} FROM voice_callsession c
WHERE c.lead_id = %s ORDER BY c.created_at DESC LIMIT 1
"""  # noqa: S608 - our own column names


class VoiceChannel:
    """Calls through the workspace's own Vapi account; test leads get a simulated call instead."""

    provider = "vapi"
    operation = "POST /call"
    inline = True
    keeps_journal = False
    keeps_traces_at = "vapi"

    def grace_s(self) -> float:
        """Return 0: an inline dispatch is born claimed."""
        return 0.0

    def announce(self, order: Order) -> None:
        """Do nothing: the request itself sends."""

    def send(self, order: Order) -> Sent:
        """Start the call.

        Raises Rejected, Unavailable or OutcomeUnknown; Unavailable with the code `concurrency_blocked` when Vapi
        answered 201 but has no line free: the phone doesn't ring and the call is to be tried later.
        """
        if order.is_test:
            return Sent(reference=str(uuid.uuid4()), details={"vapi_status": CallSession.SIMULATED}, status_code=201)
        try:
            caller = caller_of(order.workspace_id)
        except Rejected as refusal:
            refusal.message = f"{vapi.START_CALL}: {refusal.message}"
            raise
        span = _not_before(order, caller)
        payload = call_payload(order, caller, span=span)
        give_back()
        try:
            started = vapi.place_call(api_key=caller.api_key, payload=payload)
        except Rejected as refusal:
            _note_fault(order, refusal)
            raise
        if started.concurrency_blocked:
            if started.lines:
                note_lines(order.workspace_id, started.lines)
            raise Unavailable(
                BLOCKED_MESSAGE,
                code=BLOCKED,
                retry_after_s=BLOCKED_RETRY_S,
                status=started.status_code,
                request=payload,
                duration_ms=started.duration_ms,
            )
        return Sent(
            reference=started.call_id,
            details=_details(started.answer),
            status_code=started.status_code,
            request=payload,
            response=started.answer,
            duration_ms=started.duration_ms,
        )

    def find(self, order: Order) -> Sent | None:
        """Look for the order's call among Vapi's recent ones, by our own id and never by the phone alone.

        Raises OutcomeUnknown or Unavailable where that can't be told.
        """
        if order.is_test:
            return None
        try:
            caller = caller_of(order.workspace_id)
            give_back()
            call = _search(order, caller)
        except Rejected as refusal:
            # Being refused a look says nothing about the call.
            raise OutcomeUnknown(refusal.message, status=refusal.status, body=refusal.body) from refusal
        if call is None:
            return None
        return Sent(reference=str(call["id"]), details=_details(call), response=call)

    def confirm(self, sent: Sequence[tuple[Order, Sent]], *, now: datetime) -> None:
        """Write the call sessions, with one statement. One that a webhook wrote first is left as it is.

        What waits for its hour is noted for the timeline.
        """
        prepared.insert(
            [
                CallSession(
                    lead_id=order.lead_id,
                    dispatch_id=order.dispatch_id,
                    vapi_call_id=outcome.reference,
                    vapi_status=outcomes.going_on(outcome.details.get("vapi_status")),
                    created_at=now,
                    updated_at=now,
                )
                for order, outcome in sent
                if outcome.reference
            ],
            ignore_conflicts=True,
        )
        prepared.insert(
            [
                LeadEvent(lead_id=order.lead_id, kind=LeadEvent.Kind.CALL_SCHEDULED, data={"at": at}, at=now)
                for order, outcome in sent
                if (at := outcome.details.get("scheduled_at"))
            ]
        )

    def reference(self, dispatch_id: UUID) -> str | None:
        """Return Vapi's id of the dispatch's latest call."""
        calls = CallSession.objects.filter(dispatch_id=dispatch_id).order_by("-created_at")
        return calls.values_list("vapi_call_id", flat=True).first()

    def latest_call(self, lead_id: UUID) -> dict[str, Any] | None:
        """Return the `voiceCall` object of the Public API, None where nobody was called."""
        session = prepared.first(CallSession, _LATEST, [lead_id])
        return None if session is None else _shown(session)

    def why_not_again(self, lead_id: UUID) -> str:
        """Say whether a call goes on, or is planned."""
        going_on = CallSession.objects.filter(lead_id=lead_id, status=CallSession.Status.IN_PROGRESS)
        statuses = set(going_on.values_list("vapi_status", flat=True))
        if not statuses:
            return ""
        return _("A call is planned already.") if statuses == {SCHEDULED} else _("A call is going on.")

    def planned(self, lead_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """Tell when the calls that wait at Vapi for their hour are made."""
        waiting = CallSession.objects.filter(
            lead_id__in=lead_ids, status=CallSession.Status.IN_PROGRESS, vapi_status=SCHEDULED
        )
        notes = LeadEvent.objects.filter(kind=LeadEvent.Kind.CALL_SCHEDULED, lead_id__in=waiting.values("lead_id"))
        told = notes.order_by("at", "pk").values_list("lead_id", "data__at")
        return {lead_id: at for lead_id, text in told if (at := outcomes.moment(text))}

    def unreached(self, leads: LeadQuerySet) -> LeadQuerySet:
        """Keep those whose last call nobody answered."""
        return retries.unreached(leads)

    def forget(self, lead_id: UUID) -> Sequence[Trace]:
        """List the calls that Vapi knows of a lead."""
        calls = CallSession.objects.filter(lead_id=lead_id, lead__is_test=False)
        return [Trace("vapi", call_id) for call_id in calls.values_list("vapi_call_id", flat=True)]

    def erase(self, trace: Trace, *, workspace_id: UUID) -> bool:
        """Delete a call at Vapi. False: it goes on and is deleted when it has ended; one that waits is taken back.

        Raises ProviderError; Vapi's 503 says that recordings are not deleted yet.
        """
        api_key = caller_of(workspace_id).api_key
        give_back()
        call = vapi.get_call(api_key=api_key, call_id=trace.reference)
        if call is None:
            return True
        if call.get("status") not in {SCHEDULED, "ended"}:
            return False
        vapi.delete_call(api_key=api_key, call_id=trace.reference)
        return call.get("status") == "ended"

    def window(self, lead: Lead, *, now: datetime) -> Window | None:
        """Return None: nobody writes here."""
        return None

    def write(self, lead: Lead, text: str, *, by_id: Any, now: datetime) -> None:
        """Refuse."""
        raise CannotWrite("This workspace calls its leads; it doesn't write to them.")

    def handed_back(self, lead: Lead, *, now: datetime) -> None:
        """Do nothing: the agent speaks when it is called."""

    def opted_out(self, lead: Lead, *, now: datetime) -> None:
        """Do nothing: the assistant says it in the call."""

    def notices(self, workspace_id: UUID) -> Sequence[str]:
        """Say that nobody is called without an account. What is wrong with one, every page says: workspaces.faults."""
        connected = Integration.objects.filter(workspace_id=workspace_id, provider=Integration.Provider.VAPI)
        return () if connected.exists() else (_("Not connected: Vapi. Until then nobody is called."),)

    def addresses(self) -> Sequence[Address]:
        """List none: each call names its own, and `manage.py vapi_tools` prints those of the tools."""
        return ()

    def claim_jobs(self, *, by: str, now: datetime, limit: int) -> Iterable[Job]:
        """Claim nothing: what there is besides the calls, `sweep` does."""
        return ()

    def sweep(self, *, now: datetime, limit: int) -> int:
        """Keep the promises that calls left: see voice.reconcile."""
        return reconcile.sweep(now=now, limit=limit)


def _not_before(order: Order, caller: Caller) -> Span | None:
    """Tell when a call may be made that may not be made now; None: at once."""
    if caller.hours is None:
        return None
    now = clock.now()
    span = next_span(caller.hours, order.phone, at=now)
    return None if span[0] <= now else span


def _note_fault(order: Order, refusal: Rejected) -> None:
    """Have the workspace's pages say so where it is the account that Vapi refuses, and not this one call."""
    if vapi.is_about_account(refusal):
        note_fault(
            workspace_id=order.workspace_id,
            provider="vapi",
            code=f"http-{refusal.status}",
            reason=refusal.reason,
            now=clock.now(),
        )


def _details(call: dict[str, Any]) -> dict[str, Any]:
    """Keep what `confirm` needs of a call that Vapi took."""
    status = str(call.get("status") or "queued")
    plan = call.get("schedulePlan")
    at = outcomes.moment(plan.get("earliestAt")) if isinstance(plan, dict) and status == SCHEDULED else None
    return {"vapi_status": status} | ({"scheduled_at": iso(at)} if at else {})


def _search(order: Order, caller: Caller) -> dict[str, Any] | None:
    """Page through the calls since the claim until ours turns up or all were seen.

    Calls of ours that never came about are stepped over: an earlier try of the same dispatch may have left them.
    """
    give_up_at = time.monotonic() + SEARCH_WITHIN_S
    seen: set[str] = set()
    after, before = order.claimed_at - CLOCK_SLACK, None
    for _page in range(MAX_PAGES):
        page = vapi.list_calls(api_key=caller.api_key, created_after=after, created_before=before)
        ours = next((call for call in page if _is_ours(call, order) and not outcomes.never_came_about(call)), None)
        if ours is not None:
            return ours
        fresh = {str(call.get("id")) for call in page} - seen
        times = [at for call in page if (at := outcomes.moment(call.get("createdAt")))]
        if len(page) < vapi.PAGE:
            return None
        if not fresh or len(times) < 2 or time.monotonic() > give_up_at:
            break
        seen |= fresh
        # Which end comes first is not documented.
        if times[0] >= times[-1]:
            before = min(times)
        else:
            after = max(times)
    raise OutcomeUnknown("Vapi has too many recent calls to look through.")


def _is_ours(call: dict[str, Any], order: Order) -> bool:
    overrides = call.get("assistantOverrides")
    metadata = overrides.get("metadata") if isinstance(overrides, dict) else None
    told = metadata.get(DISPATCH_KEY) if isinstance(metadata, dict) else None
    named = call.get("name") == call_name(order)
    return bool(call.get("id")) and (told == str(order.dispatch_id) if told else named)


def _shown(session: CallSession) -> dict[str, Any]:
    return {
        "status": session.status,
        "startedAt": iso(session.started_at),
        "endedAt": iso(session.ended_at),
        "durationSeconds": None if session.duration_s is None else round(session.duration_s),
        "summary": session.summary,
        "transcript": session.transcript,
        "recordingUrl": recordings.public_url(session) if session.has_recording else None,
        "endedReason": session.ended_reason,
    }
