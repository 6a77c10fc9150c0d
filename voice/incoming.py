"""What Vapi's requests to us have in common: who asks, and about which call."""

import logging
from typing import Any
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse

from database import clock
from leads import erasures
from leads.channels import Trace
from leads.models import Dispatch
from voice import outcomes
from voice.callers import take_call
from voice.models import CallSession
from voice.payload import DISPATCH_KEY, NAME_PREFIX
from voice.progress import begin
from webapi import strict_json
from webapi.errors import error_body
from webapi.json_api import NOT_JSON
from workspaces.models import Integration, read_id
from workspaces.secrets import SecretUnreadable
from workspaces.webhook_secrets import find_by_secret

logger = logging.getLogger(__name__)

# The report of a long call repeats all that was said three or four times over.
MAX_BODY_BYTES = 8 * 1024 * 1024
Message = dict[str, Any]


class Refused(Exception):
    """A request that is not taken; `answer` says why."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def read_request(request: HttpRequest, name: str) -> tuple[UUID, Message]:
    """Return the workspace that a request is for and the message in it. Raises Refused.

    `name` is the workspace's slug or id: calls carry the id, so that a change of slug cuts none of them off.
    """
    if request.method != "POST":
        raise Refused(error_answer(405, "method_not_allowed", headers={"Allow": "POST"}))
    try:
        workspace_id = _authenticate(request, name)
    except SecretUnreadable:
        logger.exception("webhook secret of a workspace")
        raise Refused(error_answer(503, "unavailable", headers={"Retry-After": "30"})) from None
    if workspace_id is None:
        raise Refused(error_answer(401, "unauthorized", headers={"WWW-Authenticate": "Bearer"}))
    return workspace_id, _message(_read_body(request))


def find_session(message: Message, *, workspace_id: UUID) -> CallSession | None:
    """Find the call of this workspace that a message is about.

    It is begun here where the message overtook the 201, or where a lead calls.
    """
    call = message.get("call")
    call_id = outcomes.words(call.get("id"), limit=64) if isinstance(call, dict) else None
    if not isinstance(call, dict) or call_id is None:
        return None
    known = CallSession.objects.filter(vapi_call_id=call_id, lead__workspace_id=workspace_id)
    if session := known.first():
        return session
    dispatch_id = _dispatch_id(call)
    if dispatch_id is None:
        take_call(message, call, call_id, workspace_id=workspace_id, now=clock.now())
        return known.first()
    dispatch = find_dispatch(dispatch_id, workspace_id=workspace_id)
    if dispatch is not None:
        begin(lead_id=dispatch.lead_id, dispatch_id=dispatch.pk, vapi_call_id=call_id, now=clock.now())
    session = known.first()
    if session is None:
        _of_nobody(call_id, dispatch_id, workspace_id=workspace_id)
    return session


def find_dispatch(dispatch_id: UUID, *, workspace_id: UUID) -> Dispatch | None:
    """Find a dispatch of this workspace."""
    return Dispatch.objects.filter(pk=dispatch_id, workspace_id=workspace_id, channel="voice").first()


def error_answer(
    status: int, error: str, *, message: str | None = None, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Build an answer that is no success."""
    return JsonResponse(error_body(error, message=message), status=status, headers=headers or {})


def _read_body(request: HttpRequest) -> bytes:
    try:
        body = request.read(MAX_BODY_BYTES + 1)
    except RequestDataTooBig:
        body = None
    if body is None or len(body) > MAX_BODY_BYTES:
        raise Refused(error_answer(413, "payload_too_large"))
    return body


def _authenticate(request: HttpRequest, name: str) -> UUID | None:
    """Return the workspace whose secret was shown. Takes as long for an unknown one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    shown = request.headers.get("X-Vapi-Secret") or (token if scheme.lower() == "bearer" else "")
    return find_by_secret(_named(name), provider=Integration.Provider.VAPI, shown=shown, now=clock.now())


def _named(name: str) -> Q:
    """Match a workspace by its slug; by its id alone where it is one, so that nobody's slug can stand for it."""
    workspace_id = read_id(name)
    return Q(workspace__slug=name) if workspace_id is None else Q(workspace_id=workspace_id)


def _message(body: bytes) -> Message:
    """Read `{"message": {…}}`. Raises Refused for anything else."""
    try:
        payload = strict_json.read_tolerant(body)
    except strict_json.NotJson as error:
        raise Refused(error_answer(400, NOT_JSON, message=str(error))) from None
    message = payload.get("message") if isinstance(payload, dict) else None
    if not isinstance(message, dict):
        raise Refused(error_answer(400, NOT_JSON, message="The body must be an object whose `message` is an object."))
    return message


def _dispatch_id(call: Message) -> UUID | None:
    """Read the dispatch's id that we gave the call."""
    overrides = call.get("assistantOverrides")
    metadata = overrides.get("metadata") if isinstance(overrides, dict) else None
    told = metadata.get(DISPATCH_KEY) if isinstance(metadata, dict) else None
    try:
        return UUID(str(told or call.get("name") or "").removeprefix(NAME_PREFIX))
    except ValueError:
        return None


def _of_nobody(call_id: str, dispatch_id: UUID, *, workspace_id: UUID) -> None:
    """A call of ours whose lead was erased, or taken back, before its id was known: nothing of it may stay at Vapi.

    Not where the dispatch is somebody else's: then it is none of ours.
    """
    if Dispatch.objects.filter(pk=dispatch_id).exists():
        return
    logger.warning("Vapi tells of a call of dispatch %s, which is not there", dispatch_id)
    erasures.remember([Trace("vapi", call_id)], workspace_id=workspace_id, now=clock.now())
