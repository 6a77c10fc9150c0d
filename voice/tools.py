"""What the assistant asks for in the middle of a call: one of the seven tools, answered in time whatever happens."""

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from agents.tools import TOOL_NAMES, run_tool
from database import clock
from leads.models import Lead
from leads.status import OPEN, change_status
from voice.incoming import Message, Refused, error_answer, find_session, read_request
from voice.models import CallSession
from webapi import request_id
from workspaces.connections import give_back, log_failure
from workspaces.journal import Crossing, record
from workspaces.models import Channel, LogEntry

logger = logging.getLogger(__name__)

# The answer is out within 5 s: what the tools may take together, then what is waited for them.
TOOLS_WITHIN_S = 3.8
ANSWER_WITHIN_S = 4.3
# What is said to the lead is written down by then, or a moment later.
PROMISED_WITHIN_S = 4.7
# With less left than this nothing new is begun.
LEAST_LEFT_S = 0.2
MAX_CALLS = 16

TAKES_LONG = "This takes longer than it should. Say that a person from the team will confirm it, and go on."
BROKEN = "Something went wrong on our side. Say that a person from the team will take care of it, and go on."
UNKNOWN_CALL = (
    "This call is not known here, so nothing can be looked up, booked or noted. Say so, promise no call, and ask the "
    "caller to use the contact form or to write."
)
# Who was told that a person will see to it is waiting for one.
PROMISES = frozenset({TAKES_LONG, BROKEN})

_pool = ThreadPoolExecutor(max_workers=64, thread_name_prefix="tool")


@dataclass(frozen=True, slots=True)
class _Wish:
    """One tool call of a request."""

    call_id: str
    name: str
    arguments: Any


@csrf_exempt
def answer_tools(request: HttpRequest, slug: str, tool: str) -> HttpResponse:
    """POST /api/vapi/<slug or id>/tools/<tool>: do what the assistant asks for, on the lead of its call.

    200 with a result for each tool call, which is always something the assistant can go on with. What isn't finished
    in time goes on and is stored; asked for again in the same call, with the same id and arguments, that is the answer.
    """
    began = time.monotonic()
    try:
        workspace_id, message = read_request(request, slug)
    except Refused as refusal:
        return refusal.answer
    except DatabaseError as error:
        log_failure(logger, error, "tool call of a workspace")
        return error_answer(503, "unavailable", headers={"Retry-After": "5"})
    wishes = _wishes(message, tool=tool)
    results: dict[str, dict[str, Any]] = {}
    give_back()
    job = _pool.submit(_run, message, wishes, results, workspace_id, began + TOOLS_WITHIN_S, request_id.current())
    wait_for([job], timeout=max(0.0, began + ANSWER_WITHIN_S - time.monotonic()))
    answers = {wish.call_id: results.get(wish.call_id) or _no(TAKES_LONG) for wish in wishes}
    promised = [wish.name for wish in wishes if answers[wish.call_id].get("error") in PROMISES]
    if promised:
        keep = _pool.submit(_keep_promise, message, promised, workspace_id)
        wait_for([keep], timeout=max(0.0, began + PROMISED_WITHIN_S - time.monotonic()))
    return JsonResponse(
        {"results": [{"toolCallId": call_id, "result": _text(result)} for call_id, result in answers.items()]}
    )


def _run(
    message: Message,
    wishes: list[_Wish],
    results: dict[str, dict[str, Any]],
    workspace_id: UUID,
    deadline: float,
    asked_by: str,
) -> None:
    """Run the tools one after the other, in a thread of its own, and put down each result as it is there."""
    try:
        session = find_session(message, workspace_id=workspace_id)
        for wish in wishes:
            left_s = deadline - time.monotonic()
            if session is None:
                results[wish.call_id] = _no(UNKNOWN_CALL)
            elif left_s > LEAST_LEFT_S:
                results[wish.call_id] = _act(wish, session, left_s=left_s)
        lead_id = session.lead_id if session else None
        _journal(wishes, results, workspace_id=workspace_id, lead_id=lead_id, asked_by=asked_by)
    except Exception as error:  # noqa: BLE001 - logged by log_failure
        log_failure(logger, error, "tools of a call in workspace %s", workspace_id)
        for wish in wishes:
            results.setdefault(wish.call_id, _no(BROKEN))
    finally:
        connection.close()


def _keep_promise(message: Message, tools: list[str], workspace_id: UUID) -> None:
    """Hand the lead over to whom it was promised."""
    try:
        session = find_session(message, workspace_id=workspace_id)
        if session is not None:
            reason = (
                f"The agent said that a person of the team will see to it: {', '.join(tools)} took too long or failed."
            )
            frm = (*OPEN, Lead.Status.BOOKED)
            change_status(session.lead_id, Lead.Status.NEEDS_HUMAN, now=clock.now(), frm=frm, reason=reason)
    except Exception:
        logger.exception("promise of a call in workspace %s", workspace_id)
    finally:
        connection.close()


def _act(wish: _Wish, session: CallSession, *, left_s: float) -> dict[str, Any]:
    try:
        told = run_tool(
            session.lead_id,
            name=wish.name,
            arguments=wish.arguments,
            call_id=wish.call_id,
            channel=Channel.VOICE,
            now=clock.now(),
            deadline_s=left_s,
            session=session.pk.hex,
        )
    except Exception as error:  # noqa: BLE001 - logged by log_failure
        log_failure(logger, error, "tool %s of lead %s", wish.name, session.lead_id)
        return _no(BROKEN)
    return told.result


def _wishes(message: Message, *, tool: str) -> list[_Wish]:
    """Read the tool calls, in either spelling; each id once, and none that has no id to answer to."""
    found: dict[str, _Wish] = {}
    for item in _items(message):
        function = item.get("function")
        inner = function if isinstance(function, dict) else item
        call_id, name = item.get("id"), inner.get("name") or item.get("name")
        if not isinstance(call_id, str) or not call_id:
            continue
        arguments: Any = next((inner[key] for key in ("arguments", "parameters") if inner.get(key) is not None), {})
        known = name if isinstance(name, str) and name in TOOL_NAMES else tool
        found.setdefault(call_id, _Wish(call_id=call_id, name=known, arguments=arguments))
    return list(found.values())[:MAX_CALLS]


def _items(message: Message) -> list[dict[str, Any]]:
    """List the tool calls of a message: under one of three names, in the last one together with its tool."""
    for key in ("toolCallList", "toolCalls", "toolWithToolCallList"):
        items = message.get(key)
        if isinstance(items, list) and items:
            return [_unwrapped(item) for item in items if isinstance(item, dict)]
    return []


def _unwrapped(item: dict[str, Any]) -> dict[str, Any]:
    inner = item.get("toolCall")
    if not isinstance(inner, dict):
        return item
    function = item.get("function")
    name = item.get("name") or (function.get("name") if isinstance(function, dict) else None)
    return {"name": name} | inner


def _no(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error}


def _text(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False, default=str)


def _journal(
    wishes: list[_Wish],
    results: dict[str, dict[str, Any]],
    *,
    workspace_id: UUID,
    lead_id: UUID | None,
    asked_by: str,
) -> None:
    """Write down what was asked for and answered; of a call that is nobody's, nothing that was said in it."""
    asked = [
        {"id": wish.call_id, "tool": wish.name} | ({"arguments": wish.arguments} if lead_id else {}) for wish in wishes
    ]
    crossing = Crossing(
        provider="vapi",
        operation="tools",
        direction=LogEntry.Direction.IN,
        outcome=LogEntry.Outcome.OK,
        status_code=HTTPStatus.OK,
        request={"toolCalls": asked},
        response={"results": results},
    )
    record(crossing, workspace_id=workspace_id, lead_id=lead_id, request_id=asked_by, now=clock.now())
