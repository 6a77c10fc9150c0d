"""What Vapi posts to us while a call goes on. Authenticated, idempotent, and answered at once."""

import logging
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from database import clock
from providers import vapi
from providers.errors import ProviderError
from voice import outcomes, recordings
from voice.account import caller_of
from voice.incoming import Refused, error_answer, find_session, read_request
from voice.models import CallSession
from voice.progress import News, news_of_report, news_of_status
from voice.reconcile import take_news
from webapi import request_id
from webapi.json_api import iso
from workspaces.connections import give_back
from workspaces.journal import Crossing, record
from workspaces.models import LogEntry

logger = logging.getLogger(__name__)

# Too many, and all of it comes again in the report: not worth a line in the journal.
_CHATTER = frozenset(
    {"transcript", "conversation-update", "speech-update", "model-output", "user-interrupted", "voice-input"}
)
# Bulky, or stored in a better place.
_NOT_FOR_THE_JOURNAL = frozenset(
    {"artifact", "assistant", "transcript", "messages", "messagesOpenAIFormatted", "conversation", "phoneNumber"}
)


@csrf_exempt
def receive_event(request: HttpRequest, slug: str) -> HttpResponse:
    """POST /api/vapi/<slug or id>/events: one event of one call. 200 also for what is not for us, or old news."""
    try:
        workspace_id, message = read_request(request, slug)
    except Refused as refusal:
        return refusal.answer
    _take(message, workspace_id=workspace_id)
    return JsonResponse({"ok": True})


def redirect_to_recording(request: HttpRequest, token: str) -> HttpResponse:
    """GET /api/vapi/recordings/<token>: on to Vapi's short-lived link; 404 when forged, expired or not there."""
    if request.method not in {"GET", "HEAD"}:
        return error_answer(405, "method_not_allowed", headers={"Allow": "GET, HEAD"})
    session_id = recordings.session_of(token, now=clock.now())
    if session_id is None:
        return error_answer(404, "not_found")
    session = CallSession.objects.filter(pk=session_id, has_recording=True).select_related("lead").first()
    if session is None:
        return error_answer(404, "not_found")
    try:
        caller = caller_of(session.lead.workspace_id)
        give_back()
        url = vapi.recording_url(api_key=caller.api_key, call_id=session.vapi_call_id)
    except ProviderError as error:
        logger.warning("recording of call session %s: %s", session.pk, type(error).__name__)
        return error_answer(502, "recording_unavailable")
    if url is None:
        return error_answer(404, "not_found")
    return HttpResponseRedirect(url, headers={"Cache-Control": "no-store"})


def _take(message: dict[str, Any], *, workspace_id: UUID) -> None:
    """Bring the call it is about up to date and write the event down."""
    kind = outcomes.words(message.get("type"), limit=40) or "unknown"
    now = clock.now()
    session = find_session(message, workspace_id=workspace_id)
    news = _news(kind, message)
    if session is not None and news is not None:
        session = take_news(session.pk, news, now=now)
    if kind in _CHATTER:
        return
    crossing = Crossing(
        provider="vapi",
        operation=f"event {kind}",
        direction=LogEntry.Direction.IN,
        outcome=LogEntry.Outcome.OK,
        status_code=HTTPStatus.OK,
        request=_brief(message) if session else _stranger(kind, message),
        response={"ok": True} if session else {"ok": True, "ignored": "not a call of this workspace"},
    )
    record(
        crossing,
        workspace_id=workspace_id,
        lead_id=session.lead_id if session else None,
        request_id=request_id.current(),
        now=now,
    )


def _news(kind: str, message: dict[str, Any]) -> News | None:
    if kind == "status-update":
        return news_of_status(message)
    return news_of_report(message) if kind == "end-of-call-report" else None


def _brief(message: dict[str, Any]) -> dict[str, Any]:
    """Keep what a reader of the journal looks for."""
    brief = {key: value for key, value in message.items() if key not in _NOT_FOR_THE_JOURNAL}
    # As milliseconds it would be masked for a card number.
    brief["timestamp"] = iso(outcomes.moment(message.get("timestamp")))
    call = message.get("call")
    if isinstance(call, dict):
        brief["call"] = {key: call.get(key) for key in ("id", "name", "status", "endedReason") if key in call}
    return brief


def _stranger(kind: str, message: dict[str, Any]) -> dict[str, Any]:
    """Keep nothing of a person: it may be a call of a lead that was erased."""
    call = message.get("call")
    call_id = outcomes.words(call.get("id"), limit=64) if isinstance(call, dict) else None
    return {"type": kind, "call": {"id": call_id}}
