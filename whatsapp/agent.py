"""What the agent writes: the first message, and its replies to what the lead has written."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from agents.calendar import appointment_of
from agents.conversation import Said, converse
from agents.pricing import cost_usd
from agents.prompt import business_of, system_prompt
from leads.models import Lead
from providers import openai
from providers.errors import OutcomeUnknown, ProviderError, Unavailable
from providers.twilio import MAX_BODY_CHARS
from whatsapp.accounts import connected_account, journal_error
from whatsapp.models import AgentTurn, Message
from whatsapp.template import content_variables, has_sentence, shorten
from workspaces.connections import give_back
from workspaces.integrations import Account

# Enough for any conversation that is still one; what is older the agent has noted in the lead's profile.
HISTORY_MESSAGES = 80
COLLEAGUE = "[written by a human colleague from the team]"
OPENING = (
    "The lead has just asked to be contacted and has not written yet. Write your first WhatsApp message to them now: "
    "greet them by their first name, say in whose name you write and refer to what they asked for, and end with one "
    "easy question. At most 60 words, plain text, no links, no placeholders. Answer with the message alone."
)
OPENING_IN_TEMPLATE = (
    "The lead has just asked to be contacted and has not written yet. A greeting that names the business is already "
    "there; write the sentence that follows it: refer to what they asked for and end with one easy question. At most "
    "40 words in one paragraph, plain text, no greeting, no links, no placeholders. Answer with the sentence alone."
)
AGAIN = (
    "That was the conversation so far. A colleague wants you to write to the lead once more: pick up where it ended, "
    "without introducing yourself anew or repeating what was said, and end with one easy question. At most 60 words, "
    "plain text, no links, no placeholders. Answer with the message alone."
)
AGAIN_IN_TEMPLATE = (
    "That was the conversation so far. A colleague wants you to write to the lead once more. A greeting that names the "
    "business is already there; write the sentence that follows it: pick up where the conversation ended, without "
    "repeating what was said, and end with one easy question. At most 40 words in one paragraph, plain text, no "
    "greeting, no links, no placeholders. Answer with the sentence alone."
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that is paid for and not yet sent."""

    text: str
    # What the model answered, where it was asked.
    reply: openai.Reply | None = None
    cost_usd: Decimal = Decimal(0)


def write_first_message(lead: Lead, *, now: datetime) -> Draft:
    """Let the model write to a lead of its own accord: for the first time, or once more after what was said.

    For a test lead nobody is asked.

    Raises Rejected, or Unavailable: asking reaches nobody, so it may be repeated whatever came of it.
    """
    if lead.is_test:
        return Draft(f"Hi! This is a test message from {lead.workspace.name}. Nothing was sent.")
    options = connected_account(lead, "twilio").options
    if options.get("content_sid") and not has_sentence(options):
        return Draft(" · ".join(content_variables(options, lead=lead, sentence="").values()) or "(template)")
    before = [_as_turn(message) for message in _latest(_heard(lead.pk))]
    first, again = (OPENING_IN_TEMPLATE, AGAIN_IN_TEMPLATE) if options.get("content_sid") else (OPENING, AGAIN)
    opening = again if before else first
    return _ask(lead, [*before, {"role": "user", "content": opening}], now=now)


def write_reply(turn: AgentTurn, *, store: Callable[[list[dict[str, Any]], openai.Usage], None], now: datetime) -> Said:
    """Let the model answer what the turn has taken, calling tools on the way; `store` keeps what is paid for.

    Raises Rejected, or Unavailable: asking reaches nobody, so it may be repeated whatever came of it.
    """
    lead = turn.lead
    account = connected_account(lead, "openai")
    try:
        said = converse(
            lead,
            turns=history(turn),
            items=list(turn.items),
            store=store,
            credentials=account.credentials,
            model=model_of(account),
            now=now,
        )
    except OutcomeUnknown as error:
        raise Unavailable(error.message, status=error.status, body=error.body, request=error.request) from error
    return replace(said, text=said.text.removeprefix(COLLEAGUE).strip())


def model_of(account: Account) -> str:
    """Name the model that writes for a workspace."""
    return str(account.options.get("model") or settings.OPENAI_MODEL)


def history(turn: AgentTurn) -> list[openai.Turn]:
    """Return the conversation as the turn found it: what came after its claim is the next one's.

    A message of the agent's that nobody got is left out. What a colleague wrote stands on the agent's side, marked.
    What the turn is to answer stands at the end, though the answer to what was before may have come after it.
    """
    unclaimed = Q(role=Message.Role.USER, turn=None)
    own = Q(role=Message.Role.ASSISTANT, turn=turn)
    rows = _latest(_heard(turn.lead_id).exclude(unclaimed).exclude(own))
    # A colleague who wrote after it has answered it.
    answered_at = max((row.created_at for row in rows if row.role == Message.Role.OPERATOR), default=None)
    return [_as_turn(row) for row in sorted(rows, key=lambda row: _is_to_be_answered(row, turn, answered_at))]


def _heard(lead_id: UUID) -> QuerySet[Message]:
    """Return what was said, without what nobody got and what was no part of the conversation."""
    messages = Message.objects.filter(lead_id=lead_id).exclude(kind=Message.Kind.CONFIRMATION)
    unheard = ~Q(role=Message.Role.USER) & Q(status__in=[Message.Status.FAILED, Message.Status.WRITTEN])
    return messages.exclude(unheard)


def _latest(messages: QuerySet[Message]) -> list[Message]:
    return list(reversed(messages.order_by("-created_at")[:HISTORY_MESSAGES]))


def _is_to_be_answered(message: Message, turn: AgentTurn, answered_at: datetime | None) -> bool:
    own = message.turn_id == turn.pk and message.role == Message.Role.USER
    return own and (answered_at is None or message.created_at > answered_at)


def _as_turn(message: Message) -> openai.Turn:
    if message.role == Message.Role.USER:
        return {"role": "user", "content": message.text}
    mark = f"{COLLEAGUE} " if message.role == Message.Role.OPERATOR else ""
    return {"role": "assistant", "content": f"{mark}{message.text}"}


def _ask(lead: Lead, turns: list[openai.Turn], *, now: datetime) -> Draft:
    openai_account = connected_account(lead, "openai")
    business, appointment = business_of(lead.workspace), appointment_of(lead)
    instructions = system_prompt(lead, business=business, now=now, profile=lead.profile, appointment=appointment)
    give_back()
    try:
        reply = openai.write_reply(
            api_key=openai_account.credentials["api_key"],
            model=model_of(openai_account),
            instructions=instructions,
            turns=turns,
            safety_identifier=lead.pk.hex,
        )
    except OutcomeUnknown as error:
        journal_error(lead, "openai", error, now=now)
        raise Unavailable(error.message, status=error.status, body=error.body, request=error.request) from error
    except ProviderError as error:
        journal_error(lead, "openai", error, now=now)
        raise
    cost = cost_usd(model_of(openai_account), reply.usage)
    return Draft(shorten(reply.text, MAX_BODY_CHARS), reply, cost)
