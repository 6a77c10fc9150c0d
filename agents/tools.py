"""The seven things an agent may do, the same for a voice assistant and for the one that writes.

A tool acts on one lead, which whoever runs it names; nothing in its arguments can choose another.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, IntegrityError

from agents import actions, bookings, slots
from agents.arguments import BadArguments, Parameter, read_arguments, schema_of, storable
from agents.models import ToolCall
from agents.prompt import one_line
from agents.qualification import own_fields
from agents.task import Result, Task, refused
from database import clock
from leads.models import Lead
from leads.takeover import is_taken_over
from providers.openai import Tool
from workspaces.connections import give_back
from workspaces.insert_once import insert_once
from workspaces.models import Channel, Workspace

logger = logging.getLogger(__name__)

END = "endConversation"
OPT_OUT = "optOut"
# After so long whoever was at a call is dead, and it is begun again: every tool may be.
LEASE = timedelta(seconds=60)
LOOK_EVERY_S = 0.1
# How long somebody who asks for the same call waits for the other one's result.
WAIT_AT_MOST_S = 3.0
MAX_ID_CHARS = 128
SHOWN_ID_CHARS = 60
MAX_NAME_CHARS = 64

GONE = "This lead is no longer known. End the conversation politely."
BROKEN = "Something went wrong on our side. Say that a person will take care of it, and call escalateToHuman."
STILL_AT_IT = "This is still being worked on. Say that it takes a moment, then try again."
TAKEN_OVER = "A person from the team has taken over this conversation. Do nothing more."


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told: `result` holds `ok`, and `error` in words where it is false. `ends`: the talk is over."""

    ok: bool
    result: dict[str, Any]
    ends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tool:
    description: str
    act: Callable[[Task], Result]
    parameters: Sequence[Parameter] = ()


_PROFILE = (
    Parameter(name="goal", description="What the lead wants to achieve, in a few words."),
    Parameter(name="budget", description="What the lead can spend, as they said it."),
    Parameter(name="schedulePref", description="When they have time, as they said it."),
    Parameter(name="notes", description="Anything else the team should know.", max_chars=2000),
)
_TOOLS: dict[str, _Tool] = {
    "updateLeadProfile": _Tool(
        description="Remember what the lead has told you, as soon as you learn something; leave out the rest.",
        act=actions.update_profile,
        parameters=_PROFILE,
    ),
    "listSlots": _Tool(
        description="Look up free times for a consultation, in the lead's own time zone. Never name a time without it.",
        act=slots.list_slots,
        parameters=(
            Parameter(name="daysAhead", description="How many days to look ahead, 1 to 30; 7 if left out.", whole=True),
        ),
    ),
    "bookConsult": _Tool(
        description=(
            "Book the consultation, after the lead has agreed to a time. Ask for their email address first if it is "
            "not known. Tell the lead it is booked only after this has answered ok."
        ),
        act=bookings.book_consult,
        parameters=(
            Parameter(
                name="start", description="`start` of a time from listSlots, unchanged.", max_chars=64, required=True
            ),
            Parameter(name="name", description="The lead's name, if it is not the one you know.", max_chars=120),
            Parameter(name="email", description="The lead's email address, if it is not known yet.", max_chars=254),
            Parameter(name="phone", description="Another number for the appointment, if they asked.", max_chars=40),
            Parameter(name="notes", description="What the consultant should know.", max_chars=1000),
            Parameter(
                name="answers",
                description=(
                    "Only when bookConsult has asked for more: what the lead said, one line each, as `name: answer`, "
                    "with the names that it gave."
                ),
                max_chars=2000,
            ),
        ),
    ),
    "markUnqualified": _Tool(
        description="Note that the lead is no fit by the qualification criteria, after asking what they require.",
        act=actions.mark_unqualified,
        parameters=(
            Parameter(name="reason", description="Which criterion is not met, and why.", max_chars=1000, required=True),
        ),
    ),
    "escalateToHuman": _Tool(
        description="Hand over to a person of the team: when asked for one, or when you can't help.",
        act=actions.escalate_to_human,
        parameters=(Parameter(name="reason", description="What the person should know.", max_chars=1000),),
    ),
    OPT_OUT: _Tool(
        description=(
            "End all contact with the lead, as soon as they ask not to be called or written to any more, in whatever "
            "words and language. Not for a lead who only has no time now or no interest in an offer."
        ),
        act=actions.opt_out,
        parameters=(Parameter(name="reason", description="What the lead said, in their words.", max_chars=1000),),
    ),
    END: _Tool(description="End the conversation, after a goodbye.", act=actions.end_conversation),
}
TOOL_NAMES = frozenset(_TOOLS)
# What is different each time it is asked for.
LOOK_UPS = frozenset({"listSlots"})


def schemas(workspace: Workspace, *, strict: bool = True) -> list[Tool]:
    """Return the seven tools with a JSON schema each; the workspace's own fields are part of the profile.

    `strict` is OpenAI's strict mode; without it they are as Vapi takes them.
    """
    return [
        {
            "name": name,
            "description": tool.description,
            "parameters": schema_of(_parameters(name, workspace), strict=strict),
        }
        for name, tool in _TOOLS.items()
    ]


def run_tool(
    lead_id: UUID,
    *,
    name: str,
    arguments: Any,
    call_id: str,
    channel: str,
    now: datetime,
    deadline_s: float,
    session: str = "",
) -> ToolResult:
    """Do what a model asked for, on this lead, once: the same `call_id` again gets the stored result.

    With `session`, the talk in which it was asked, the same wish is told by id, name and arguments together, because
    some models number their calls from nought in every turn. Then a refusal and a look-up are not kept: asked for
    again, they are tried again.

    `arguments` may be JSON text or an object, and anything else a model comes up with: what is wrong is answered in
    words, never raised. Calls out for listSlots and bookConsult, and takes no longer than `deadline_s` whatever
    Cal.com does. Call it outside of a transaction.
    """
    deadline = time.monotonic() + deadline_s
    lead = Lead.objects.select_related("workspace").filter(pk=lead_id).first()
    if lead is None:
        return ToolResult(False, refused(GONE), ends=True)
    key = _key(call_id, session=session, name=name, arguments=arguments)
    call, is_mine = _begin(lead, name=name, arguments=arguments, key=key, channel=channel, now=now)
    if session and call is not None and not is_mine and _set_aside(call):
        call, is_mine = _begin(lead, name=name, arguments=arguments, key=key, channel=channel, now=now)
    if call is None:
        return ToolResult(False, refused(GONE), ends=True)
    if not is_mine:
        return _result_of_another(call, deadline=min(deadline, time.monotonic() + WAIT_AT_MOST_S))
    result = _act(lead, call, arguments, now=now, deadline=deadline)
    ToolCall.objects.filter(pk=call.pk).update(result=result, ok=result["ok"], finished_at=clock.now())
    return _told(call.name, result)


def _parameters(name: str, workspace: Workspace) -> Sequence[Parameter]:
    tool = _TOOLS[name]
    if tool.act is not actions.update_profile:
        return tool.parameters
    own = (Parameter(name=each.name, description=each.label) for each in own_fields(workspace))
    return (*tool.parameters, *own)


def _begin(
    lead: Lead, *, name: str, arguments: Any, key: str, channel: str, now: datetime
) -> tuple[ToolCall | None, bool]:
    """Write the call down, or find it. The second value: it is ours to do. No call: the lead is gone."""
    call = ToolCall(
        lead=lead,
        channel=channel,
        call_id=key,
        name=one_line(str(name))[:MAX_NAME_CHARS],
        arguments=storable(arguments),
        created_at=now,
        started_at=now,
    )
    try:
        if insert_once(call):
            return call, True
    except IntegrityError:
        # The lead was erased in this very moment.
        return None, False
    known = ToolCall.objects.filter(lead_id=lead.pk, call_id=key).first()
    if known is None or known.finished_at is not None or known.started_at > now - LEASE:
        return known, False
    silent = ToolCall.objects.filter(pk=known.pk, finished_at=None, started_at=known.started_at)
    return known, silent.update(started_at=now) == 1


def _act(lead: Lead, call: ToolCall, arguments: Any, *, now: datetime, deadline: float) -> Result:
    tool = _TOOLS.get(call.name)
    if tool is None:
        return refused(f"There is no tool of that name. There are {', '.join(_TOOLS)}.")
    # Voice goes on: a call that is under way can't be taken out of the assistant's mouth.
    if call.channel == Channel.WHATSAPP and call.name != OPT_OUT and is_taken_over(lead.pk):
        return refused(TAKEN_OVER)
    try:
        values = read_arguments(arguments, _parameters(call.name, lead.workspace))
        return tool.act(Task(lead=lead, values=values, channel=call.channel, now=now, deadline=deadline))
    except BadArguments as error:
        return refused(str(error))
    except DatabaseError:
        raise
    except Exception:
        # Whoever talks to the lead must have something to say.
        logger.exception("tool %s of lead %s", call.name, lead.pk)
        return refused(BROKEN)


def _result_of_another(call: ToolCall, *, deadline: float) -> ToolResult:
    """Wait for who is at the same call, but not for long."""
    while call.finished_at is None and time.monotonic() < deadline:
        give_back()
        time.sleep(LOOK_EVERY_S)
        call.refresh_from_db(fields=["result", "finished_at"])
    if call.finished_at is None or call.result is None:
        return ToolResult(False, refused(STILL_AT_IT))
    return _told(call.name, call.result)


def _told(name: str, result: Result) -> ToolResult:
    return ToolResult(result["ok"], result, ends=name == END and result["ok"])


def _set_aside(call: ToolCall) -> bool:
    """Free the id of a finished call for the same wish. False: its result stands, or it is still under way."""
    if call.finished_at is None or (call.ok and call.name not in LOOK_UPS):
        return False
    ToolCall.objects.filter(pk=call.pk, call_id=call.call_id).update(call_id=_unnamed())
    return True


def _key(call_id: str, *, session: str, name: str, arguments: Any) -> str:
    """Make an id that a row can hold; without one nothing can be said to be asked twice."""
    text = one_line(str(call_id or ""))
    if not text:
        return _unnamed()
    if session:
        wish = json.dumps([session, text, str(name), storable(arguments)], ensure_ascii=False, sort_keys=True)
        # What the model called it stands first, for who looks for it.
        return f"{text[:SHOWN_ID_CHARS]}:{hashlib.sha256(wish.encode('utf-8', 'replace')).hexdigest()}"
    return text if len(text) <= MAX_ID_CHARS else hashlib.sha256(text.encode()).hexdigest()


def _unnamed() -> str:
    return f"none-{uuid4().hex}"
