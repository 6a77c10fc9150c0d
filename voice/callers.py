"""Calls that come in: the caller is found among the leads by the phone they call from, or becomes one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.prompt import one_line
from leads.again import DECIDED
from leads.models import Dispatch, Erasure, Lead
from leads.phone import NotAPhoneNumber, normalise, spellings
from leads.status import change_status
from voice import outcomes
from voice.handing_over import BROKEN, hand_over, mend
from voice.models import CallSession
from voice.progress import begin
from voice.reasons import is_not_put_through
from workspaces.models import Channel, Workspace

INBOUND = "inboundPhoneCall"
MAX_NAME_CHARS = 120
CALLED = "the lead called"
NOT_REACHED = "The lead called and the call came to nothing"


def take_call(
    message: dict[str, Any], call: dict[str, Any], call_id: str, *, workspace_id: UUID, now: datetime
) -> None:
    """Begin the session of a call that came in, if its caller is a lead or is to be one.

    A call whose lead was erased in the middle of it is nobody's: it waits to be deleted at Vapi.
    """
    if call.get("type") != INBOUND:
        return
    if Erasure.objects.filter(workspace_id=workspace_id, provider="vapi", reference=call_id).exists():
        return
    customer = message.get("customer") if isinstance(message.get("customer"), dict) else call.get("customer")
    lead = _find_lead(customer if isinstance(customer, dict) else {}, workspace_id=workspace_id, now=now)
    if lead is not None:
        begin(lead_id=lead.pk, dispatch_id=None, vapi_call_id=call_id, now=now)


def follow_up(session: CallSession, *, talked: bool, now: datetime) -> None:
    """Draw the consequences of a call that came in. May be called any number of times."""
    if talked:
        new = [Lead.Status.NEW]
        change_status(session.lead_id, Lead.Status.IN_CONVERSATION, now=now, frm=new, reason=CALLED)
        _need_no_call(session, now=now)
    if session.status != CallSession.Status.ENDED:
        return
    mend(session, talked=talked)
    reason = session.ended_reason or ""
    if session.outcome in BROKEN or is_not_put_through(reason):
        hand_over(session, now=now)
    elif not talked and not outcomes.is_silent(session):
        hand_over(session, why=f"{NOT_REACHED} ({reason or 'no reason given'}).", now=now)


def _find_lead(customer: dict[str, Any], *, workspace_id: UUID, now: datetime) -> Lead | None:
    workspace = Workspace.objects.filter(pk=workspace_id, channel=Channel.VOICE).first()
    if workspace is None:
        return None
    try:
        phone = normalise(str(customer.get("number") or ""), region=workspace.default_region, needs_country=True)
    except NotAPhoneNumber:
        # They hide it, or call from a switchboard.
        return None
    rows = Lead.objects.filter(workspace=workspace, phone__in=spellings(phone), is_test=False)
    lead = min(rows, key=lambda row: row.phone != phone, default=None)
    if lead is not None or not workspace.callers_become_leads:
        return lead
    name = one_line(outcomes.words(customer.get("name"), limit=MAX_NAME_CHARS) or "")
    fields: dict[str, Any] = {"name": name or phone, "source": Lead.Source.CALL, "channel": workspace.channel}
    fields |= {"created_at": now, "updated_at": now}
    with transaction.atomic():
        return Lead.objects.get_or_create(workspace=workspace, phone=phone, is_test=False, defaults=fields)[0]


def _need_no_call(session: CallSession, *, now: datetime) -> None:
    """Take back the calls that waited for this lead: they have just talked to the agent."""
    waiting = Dispatch.objects.filter(
        lead_id=session.lead_id, status=Dispatch.Status.PENDING, created_at__lt=session.created_at
    )
    waiting.update(status=Dispatch.Status.SKIPPED, reason=DECIDED, finished_at=now)
