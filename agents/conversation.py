"""The agent's side of a written conversation: the model is asked, its tools are called, until it has words."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import uuid4

from agents.booking_claims import claims_booking
from agents.calendar import appointment_of
from agents.journal import WRITE_REPLY, journal_answer, journal_error
from agents.models import Booking, ToolCall
from agents.pricing import cost_usd
from agents.prompt import business_of, system_prompt
from agents.standing import State, check_appointment
from agents.tools import END, run_tool, schemas
from leads.models import Lead
from providers import openai
from providers.errors import ProviderError, Rejected
from providers.openai import Turn, Usage
from workspaces.connections import give_back
from workspaces.models import Channel

# Answers that call tools, before one without is asked for.
MAX_ROUNDS = 6
TOOL_DEADLINE_S = 25.0
CALL = "function_call"
# Somebody waits for the answer, and may not even ask about the appointment.
LOOK_TIMEOUT_S = 4.0
CALLED_OFF = "none any more: the one there was has been called off at Cal.com"
UNCERTAIN = ", as far as is known: the calendar can't be asked just now, so don't promise that it stands"

NOTHING_BOOKED = (
    "Your last message was not sent. It says that an appointment is booked, but none is: only a successful bookConsult "
    "books one. Call bookConsult now if the lead has chosen a time, or write your message again without that claim."
)

# Takes all items so far, to be handed in again should this run be interrupted, and what the latest of them cost.
Store = Callable[[list[dict[str, Any]], Usage], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The agent's message. `ended`: it was its last. `usage` and `cost_usd` are of this run alone."""

    text: str
    ended: bool
    usage: Usage
    cost_usd: Decimal


@dataclass(slots=True)
class _Talk:
    """One run of the loop."""

    lead: Lead
    model: str
    api_key: str
    channel: str
    now: datetime
    turns: Sequence[Turn]
    items: list[dict[str, Any]]
    store: Store
    instructions: str
    tools: list[openai.Tool]
    usage: Usage = Usage()


def converse(
    lead: Lead,
    *,
    turns: Sequence[Turn],
    items: Sequence[dict[str, Any]],
    store: Store,
    credentials: Mapping[str, str],
    model: str,
    now: datetime,
    channel: str = Channel.WHATSAPP,
) -> Said:
    """Write the agent's next message, calling tools on the way.

    `items` are what an interrupted run of the same exchange had stored: what is among them is neither asked for nor
    paid again, and a tool that was called then gives its stored result. `store` is called after every answer of the
    model, with its cost, and after every result of a tool, with a cost of nothing; the items are JSON.

    Calls out, journals each crossing, and is to be called outside of a transaction. Raises ProviderError as
    providers.openai.write_reply does; what was stored by then stays good.
    """
    talk = _Talk(
        lead=lead,
        model=model,
        api_key=credentials["api_key"],
        channel=channel,
        now=now,
        turns=turns,
        items=list(items),
        store=store,
        instructions=_instructions(lead, now=now),
        tools=schemas(lead.workspace),
    )
    return _talk_to_the_end(talk)


def _instructions(lead: Lead, *, now: datetime) -> str:
    """Write what the model is told, after a look at the appointment that it would otherwise speak of unasked."""
    appointment = _appointment(lead, now=now)
    return system_prompt(
        lead,
        business=business_of(lead.workspace),
        now=now,
        with_tools=True,
        profile=lead.profile,
        appointment=appointment,
    )


def _appointment(lead: Lead, *, now: datetime) -> str | None:
    if not lead.booking_uid or lead.booking_start is None or lead.booking_start <= now:
        return appointment_of(lead)
    state = check_appointment(lead, lead.booking_uid, now=now, timeout_s=LOOK_TIMEOUT_S)
    lead.refresh_from_db(fields=["status", "booking_uid", "booking_start"])
    if state is State.CALLED_OFF:
        return CALLED_OFF
    at = appointment_of(lead)
    return at if state is State.STANDS or at is None else f"{at}{UNCERTAIN}"


def _talk_to_the_end(talk: _Talk) -> Said:
    while True:
        ended = _call_tools(talk)
        text = _words(talk.items, ended=ended)
        if text and _is_false_promise(talk, text):
            _correct(talk)
        elif text:
            return Said(text=text, ended=ended, usage=talk.usage, cost_usd=cost_usd(talk.model, talk.usage))
        _ask(talk, may_call=not ended and _rounds(talk.items) < MAX_ROUNDS)


def _is_false_promise(talk: _Talk, text: str) -> bool:
    """Tell whether the text says that something is booked which isn't."""
    if not claims_booking(text):
        return False
    booked = Lead.objects.filter(pk=talk.lead.pk, booking_uid__isnull=False)
    under_way = Booking.objects.filter(lead_id=talk.lead.pk, status__in=Booking.ACTIVE)
    return not (booked.exists() or under_way.exists())


def _correct(talk: _Talk) -> None:
    """Have the model say it again, once. Raises Rejected where it insists."""
    if any(item.get("type") == openai.NOTE for item in talk.items):
        raise Rejected("The model said that an appointment was booked, and none was.", code="false_booking")
    talk.items.append(openai.note(NOTHING_BOOKED))
    talk.store(talk.items, Usage())


def _ask(talk: _Talk, *, may_call: bool) -> None:
    give_back()
    try:
        reply = openai.write_reply(
            api_key=talk.api_key,
            model=talk.model,
            instructions=talk.instructions,
            turns=talk.turns,
            items=talk.items,
            tools=talk.tools,
            may_call=may_call,
            safety_identifier=talk.lead.pk.hex,
        )
    except ProviderError as error:
        journal_error(talk.lead, WRITE_REPLY, error, now=talk.now)
        if error.usage is not None:
            talk.store(talk.items, error.usage)
        raise
    # Stored first: it is paid for.
    talk.items += _own_calls(talk, reply.items) if may_call else _without_calls(reply.items)
    talk.usage += reply.usage
    talk.store(talk.items, reply.usage)
    journal_answer(talk.lead, WRITE_REPLY, reply, now=talk.now)
    if not may_call and not reply.text:
        raise Rejected("The model went on calling tools instead of answering.", code="empty")


def _without_calls(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item.get("type") != CALL]


def _own_calls(talk: _Talk, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give calls whose id was there before one of their own: some servers count from nought in every answer."""
    ids = {str(item["call_id"]) for item in items if item.get("type") == CALL}
    known = {str(item["call_id"]) for item in talk.items if item.get("type") == CALL}
    known |= set(ToolCall.objects.filter(lead_id=talk.lead.pk, call_id__in=ids).values_list("call_id", flat=True))
    own: list[dict[str, Any]] = []
    for item in items:
        if item.get("type") == CALL and (not item["call_id"] or item["call_id"] in known):
            item = {**item, "call_id": f"call_{uuid4().hex}"}
        known.add(str(item.get("call_id")))
        own.append(item)
    return own


def _call_tools(talk: _Talk) -> bool:
    """Call what the model has asked for and has no result of, in its order. True: the conversation is at its end."""
    for call in openai.unanswered(talk.items):
        answered = run_tool(
            talk.lead.pk,
            name=call.name,
            arguments=call.arguments,
            call_id=call.call_id,
            channel=talk.channel,
            now=talk.now,
            deadline_s=TOOL_DEADLINE_S,
        )
        talk.items.append(openai.tool_result(call.call_id, answered.result))
        talk.store(talk.items, Usage())
    return _is_ended(talk.items)


def _is_ended(items: Sequence[dict[str, Any]]) -> bool:
    """Tell whether endConversation was called and answered ok."""
    ends = {item["call_id"] for item in items if item.get("type") == CALL and item.get("name") == END}
    results = [
        item["output"] for item in items if item.get("type") == "function_call_output" and item["call_id"] in ends
    ]
    return any(json.loads(output).get("ok") for output in results)


def _words(items: Sequence[dict[str, Any]], *, ended: bool) -> str:
    """Return the message, once there is one: words after the last tool, or the goodbye beside endConversation."""
    if text := openai.last_text(items):
        return text
    return openai.text_beside(items, END) if ended else ""


def _rounds(items: Sequence[dict[str, Any]]) -> int:
    """Count the answers that called tools: each run of results ends one."""
    return sum(is_result for is_result, _ in groupby(item.get("type") == "function_call_output" for item in items))
