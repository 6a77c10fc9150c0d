"""POST /api/public/leads: one submission in, one lead and one contact out, however often it is sent."""

import contextlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from apikeys import idempotency
from apikeys.authentication import INVALID, Caller, unauthorized
from database import clock
from leads import dispatch
from leads.channels import get_channel
from leads.intake import Accepted, DuplicatePhone, KeyNoLongerWorks, accept_lead, claim_name
from leads.models import Dispatch, Lead
from leads.sweep import reason_to_skip
from leads.validation import read_submission
from webapi.calls import Answer, ApiCall, refused
from webapi.errors import ApiError
from workspaces.models import Channel


def submit_lead(call: ApiCall, caller: Caller) -> Answer:
    """Answer a submission; under an Idempotency-Key at most once."""
    body = call.read_body(limit=settings.API_MAX_BODY_BYTES)
    key = call.header("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return _execute(call, caller, body)
    run = idempotency.begin(key_id=caller.key_id, key=key, body=body, now=call.now)
    if isinstance(run, Answer):
        return run
    try:
        answer = _resume(call, caller, body, run) if run.taken_over else _execute(call, caller, body, run)
    except ApiError as error:
        answer = refused(error)
        if error.body["error"] == "idempotency_in_progress":
            return answer
    except Exception:
        with contextlib.suppress(DatabaseError):
            idempotency.let_go(run, now=clock.now())
        raise
    idempotency.finish(run, answer)
    return answer


def _execute(call: ApiCall, caller: Caller, body: bytes, run: idempotency.Run | None = None) -> Answer:
    submission = read_submission(call.read_object(body), caller)
    if run is not None:
        submission = replace(submission, lead_id=run.lead_id)
    try:
        accepted = accept_lead(submission, now=call.now)
    except KeyNoLongerWorks:
        raise unauthorized(INVALID) from None
    except DuplicatePhone as duplicate:
        if run is not None and duplicate.lead_id == run.lead_id:
            return _resume(call, caller, body, run)
        raise _duplicate(duplicate) from None
    return _deliver(accepted)


def _deliver(accepted: Accepted) -> Answer:
    try:
        sent = dispatch.deliver(accepted, undo_refused=True)
    except dispatch.NotSent as refusal:
        raise ApiError(502, "voice_dispatch_failed", message=refusal.cause.message) from refusal
    reference = sent.reference if sent else None
    return _created(accepted.order.channel, accepted.order.lead_id, call_id=reference, contacting=not accepted.skipped)


def _resume(call: ApiCall, caller: Caller, body: bytes, run: idempotency.Run) -> Answer:
    """Go on where a run ended whose process died: what it left behind decides."""
    row = (
        Dispatch.objects.filter(lead_id=run.lead_id, workspace_id=caller.workspace_id)
        .select_related("lead__workspace")
        # The submission's own; those that follow it are nobody's answer.
        .order_by("created_at")
        .first()
    )
    if row is None:
        return _execute(call, caller, body, run)
    # Where nobody waits for the sending, the promise is enough to answer, and the worker keeps it.
    sending = row.status == Dispatch.Status.SENDING and get_channel(row.channel).inline
    if sending and not _settled(row, now=clock.now()):
        raise idempotency.wait_for_other(run, now=clock.now())
    row.refresh_from_db()
    contacting = row.status not in {Dispatch.Status.SKIPPED, Dispatch.Status.FAILED}
    return _created(row.channel, row.lead_id, call_id=get_channel(row.channel).reference(row.pk), contacting=contacting)


def _settled(row: Dispatch, *, now: datetime) -> bool:
    """Find out about a dispatch that is `sending`, once its sender's lease is over. False: not yet."""
    stale = row.due_at
    if stale > now or not Dispatch.objects.take_over(row.pk, stale=stale, by=claim_name(), at=now):
        return False
    row.refresh_from_db()
    order = dispatch.order_of(row)
    try:
        if dispatch.settle(order) is not None:
            return True
        if reason := reason_to_skip(row):
            dispatch.skip(order, reason=reason, now=clock.now())
        else:
            dispatch.send(order)
    except dispatch.StillOpen:
        pass
    except dispatch.NotSent as refusal:
        if dispatch.undo(order, refusal.cause, now=clock.now()):
            raise ApiError(502, "voice_dispatch_failed", message=refusal.cause.message) from refusal
    return True


def _created(channel: str, lead_id: Any, *, call_id: str | None, contacting: bool) -> Answer:
    """Build the 201 of a channel."""
    if channel == Channel.WHATSAPP:
        value = {"ok": True, "leadId": str(lead_id), "status": Lead.Status.NEW.value, "messageQueued": contacting}
    elif contacting:
        value = {"ok": True, "leadId": str(lead_id), "status": "in_progress", "vapiCallId": call_id, "callQueued": True}
    else:
        value = {"ok": True, "leadId": str(lead_id), "status": Lead.Status.NEW.value, "callQueued": False}
    return Answer(201, value)


def _duplicate(duplicate: DuplicatePhone) -> ApiError:
    extra = {"leadId": str(duplicate.lead_id)} if duplicate.lead_id else {}
    return ApiError(409, "duplicate_phone", message=str(duplicate), extra=extra)
