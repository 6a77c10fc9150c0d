"""What the agent writes. So far the first message; the conversation's turns come in here as well."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from agents.prompt import Business, system_prompt
from leads.models import Lead
from leads.wording import answers_in_words
from providers import openai
from providers.errors import OutcomeUnknown, ProviderError, Unavailable
from providers.twilio import MAX_BODY_CHARS
from whatsapp.accounts import connected_account, journal_error
from whatsapp.template import content_variables, has_sentence, shorten
from workspaces.connections import give_back
from workspaces.models import Workspace

OPENING = (
    "The lead has just asked to be contacted and has not written yet. Write your first WhatsApp message to them now: "
    "greet them by their first name, say in whose name you write and refer to what they asked for, and end with one "
    "easy question. At most 60 words, plain text, no placeholders. Answer with the message alone."
)
OPENING_IN_TEMPLATE = (
    "The lead has just asked to be contacted and has not written yet. A greeting that names the business is already "
    "there; write the sentence that follows it: refer to what they asked for and end with one easy question. At most "
    "40 words in one paragraph, plain text, no greeting, no placeholders. Answer with the sentence alone."
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that is paid for and not yet sent."""

    text: str
    # What the model answered, where it was asked.
    reply: openai.Reply | None = None


def write_first_message(lead: Lead, *, now: datetime) -> Draft:
    """Let the model write to a lead that has not written yet; for a test lead nobody is asked.

    Raises Rejected, or Unavailable: asking reaches nobody, so it may be repeated whatever came of it.
    """
    if lead.is_test:
        return Draft(f"Hi! This is a test message from {lead.workspace.name}. Nothing was sent.")
    options = connected_account(lead, "twilio").options
    if options.get("content_sid") and not has_sentence(options):
        return Draft(" · ".join(content_variables(options, lead=lead, sentence="").values()) or "(template)")
    opening = OPENING_IN_TEMPLATE if options.get("content_sid") else OPENING
    return _ask(lead, [{"role": "user", "content": opening}], now=now)


def _ask(lead: Lead, turns: list[openai.Turn], *, now: datetime) -> Draft:
    openai_account = connected_account(lead, "openai")
    answers = answers_in_words(lead)
    instructions = system_prompt(lead, answers=answers, business=business_of(lead.workspace), now=now)
    give_back()
    try:
        reply = openai.write_reply(
            api_key=openai_account.credentials["api_key"],
            model=openai_account.options.get("model") or settings.OPENAI_MODEL,
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
    return Draft(shorten(reply.text, MAX_BODY_CHARS), reply)


def business_of(workspace: Workspace) -> Business:
    """Tell the agent on whose behalf it writes."""
    return Business(
        name=workspace.name,
        agent_name=workspace.agent_name,
        timezone=workspace.timezone,
        persona=workspace.persona,
        offer=workspace.offer,
        pricing=workspace.pricing,
        qualification_criteria=workspace.qualification_criteria,
    )
