"""What Vapi posts to us while a call goes on. Authenticated, idempotent, and answered at once."""

import hmac
import json
import logging
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from leads.models import Dispatch
from providers import vapi
from providers.errors import ProviderError
from voice import outcomes, recordings
from voice.account import caller_of
from voice.models import CallSession
from voice.payload import DISPATCH_KEY, NAME_PREFIX
from voice.progress import News, advance, begin, news_of_report, news_of_status
from voice.reconcile import follow_up
from webapi import request_id
from webapi.errors import error_body
from webapi.json_api import NOT_JSON, iso
from workspaces.connections import give_back
from workspaces.journal import Crossing, record
from workspaces.models import Integration, LogEntry
from workspaces.secrets import SecretUnreadable

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_048_576
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
    """POST /api/vapi/<slug or id>/events: one event of one call. 200 also for what is not for us, or old news.

    Calls carry the workspace's id in their address, so that a change of its slug cuts none of them off.
    """
    if request.method != "POST":
        return _error(405, "method_not_allowed", headers={"Allow": "POST"})
    try:
        workspace_id = _authenticate(request, slug)
    except SecretUnreadable:
        logger.exception("webhook secret of a workspace")
        return _error(503, "unavailable", headers={"Retry-After": "30"})
    if workspace_id is None:
        return _error(401, "unauthorized", headers={"WWW-Authenticate": "Bearer"})
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return _error(413, "payload_too_large")
    message = _message(body)
    if message is None:
        return _error(400, NOT_JSON)
    _take(message, workspace_id=workspace_id)
    return JsonResponse({"ok": True})


def redirect_to_recording(request: HttpRequest, token: str) -> HttpResponse:
    """GET /api/vapi/recordings/<token>: on to Vapi's short-lived link; 404 when forged, expired or not there."""
    if request.method not in {"GET", "HEAD"}:
        return _error(405, "method_not_allowed", headers={"Allow": "GET, HEAD"})
    session_id = recordings.session_of(token, now=timezone.now())
    if session_id is None:
        return _error(404, "not_found")
    session = CallSession.objects.filter(pk=session_id, has_recording=True).select_related("lead").first()
    if session is None:
        return _error(404, "not_found")
    try:
        caller = caller_of(session.lead.workspace_id)
        give_back()
        url = vapi.recording_url(api_key=caller.api_key, call_id=session.vapi_call_id)
    except ProviderError as error:
        logger.warning("recording of call session %s: %s", session.pk, type(error).__name__)
        return _error(502, "recording_unavailable")
    if url is None:
        return _error(404, "not_found")
    return HttpResponseRedirect(url, headers={"Cache-Control": "no-store"})


def _authenticate(request: HttpRequest, slug: str) -> UUID | None:
    """Return the workspace whose secret was shown. Takes as long for an unknown one."""
    row = (
        Integration.objects.filter(_named(slug), provider=Integration.Provider.VAPI)
        .values_list("workspace_id", "webhook_secret")
        .first()
    )
    workspace_id, secret = row or (None, "")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    shown = request.headers.get("X-Vapi-Secret") or (token if scheme.lower() == "bearer" else "")
    same = hmac.compare_digest(shown.encode(), (secret or "no secret, no entry").encode())
    return workspace_id if same and secret else None


def _named(name: str) -> Q:
    try:
        return Q(workspace__slug=name) | Q(workspace_id=UUID(name))
    except ValueError:
        return Q(workspace__slug=name)


def _message(body: bytes) -> dict[str, Any] | None:
    """Read `{"message": {…}}`; None for anything else."""
    try:
        payload = json.loads(body)
        if b"\\ud" in body.lower():
            # Half a surrogate pair is no text that a database could hold.
            payload = json.loads(json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    message = payload.get("message") if isinstance(payload, dict) else None
    return message if isinstance(message, dict) else None


def _take(message: dict[str, Any], *, workspace_id: UUID) -> None:
    """Bring the call it is about up to date and write the event down."""
    kind = outcomes.words(message.get("type"), limit=40) or "unknown"
    now = timezone.now()
    session = _session(message, workspace_id=workspace_id)
    news = _news(kind, message)
    if session is not None and news is not None:
        session = advance(session.pk, news, now=now)
    if session is not None and news is not None:
        follow_up(session, now=now)
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


def _session(message: dict[str, Any], *, workspace_id: UUID) -> CallSession | None:
    """Find the call of this workspace that an event is about; begin it where the event overtook the 201."""
    call = message.get("call")
    call_id = outcomes.words(call.get("id"), limit=64) if isinstance(call, dict) else None
    if not isinstance(call, dict) or call_id is None:
        return None
    known = CallSession.objects.filter(vapi_call_id=call_id, lead__workspace_id=workspace_id)
    if session := known.first():
        return session
    dispatch = _dispatch(call, workspace_id=workspace_id)
    if dispatch is None:
        return None
    begin(lead_id=dispatch.lead_id, dispatch_id=dispatch.pk, vapi_call_id=call_id, now=timezone.now())
    return known.first()


def _dispatch(call: dict[str, Any], *, workspace_id: UUID) -> Dispatch | None:
    """Find the dispatch whose id we gave the call. One that was taken back is gone: somebody should know."""
    overrides = call.get("assistantOverrides")
    metadata = overrides.get("metadata") if isinstance(overrides, dict) else None
    told = metadata.get(DISPATCH_KEY) if isinstance(metadata, dict) else None
    try:
        dispatch_id = UUID(str(told or call.get("name") or "").removeprefix(NAME_PREFIX))
    except ValueError:
        return None
    dispatch = Dispatch.objects.filter(pk=dispatch_id, workspace_id=workspace_id, channel="voice").first()
    if dispatch is None:
        logger.warning("Vapi tells of a call of dispatch %s, which is not there", dispatch_id)
    return dispatch


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


def _error(status: int, error: str, *, headers: dict[str, str] | None = None) -> HttpResponse:
    return JsonResponse(error_body(error), status=status, headers=headers or {})
