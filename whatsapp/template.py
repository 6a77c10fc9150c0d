"""An approved template: what goes into its variables."""

from collections.abc import Callable, Mapping
from typing import Any

from agents.prompt import first_name, one_line
from leads.models import Lead
from providers.errors import Rejected
from providers.twilio import MAX_TEMPLATE_CHARS

# Left for the template's own words, which we don't know.
OWN_WORDS_CHARS = 224
VALUE_CHARS = 200
SENTENCE = "sentence"
# Source name → value; the agent's sentence comes from the message. No value may be empty: WhatsApp refuses that.
SOURCES: dict[str, Callable[[Lead], str]] = {
    "first_name": lambda lead: first_name(lead.name) or "there",
    "name": lambda lead: one_line(lead.name) or "there",
    "business": lambda lead: one_line(lead.workspace.name) or "us",
    "agent": lambda lead: one_line(lead.workspace.agent_name) or one_line(lead.workspace.name) or "our assistant",
    "goal": lambda lead: one_line(lead.goal or "") or "your enquiry",
}


def content_variables(options: Mapping[str, Any], *, lead: Lead, sentence: str) -> dict[str, str]:
    """Return the values of a template's variables, single-line, all together short enough for WhatsApp.

    `options["content_variables"]` maps a variable's number to its source. Raises Rejected for an unknown source.
    """
    mapping: dict[str, str] = options.get("content_variables") or {}
    unknown = sorted({source for source in mapping.values() if source != SENTENCE and source not in SOURCES})
    if unknown:
        raise Rejected(f"The template's variables name unknown sources: {', '.join(unknown)}", code="bad_template")
    room = MAX_TEMPLATE_CHARS - OWN_WORDS_CHARS
    limit = min(VALUE_CHARS, room // max(len(mapping), 1))
    values = {number: shorten(SOURCES[source](lead), limit) for number, source in mapping.items() if source != SENTENCE}
    places = [number for number, source in mapping.items() if source == SENTENCE]
    if places:
        room -= sum(map(len, values.values()))
        values |= dict.fromkeys(places, shorten(one_line(sentence), max(room // len(places), 1)))
    return values


def has_sentence(options: Mapping[str, Any]) -> bool:
    """Tell whether the agent's own words have a place in the template."""
    return SENTENCE in (options.get("content_variables") or {}).values()


def shorten(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters, between words where there is a place for it."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    at_word = cut.rsplit(maxsplit=1)[0] if " " in cut[limit // 2 :] else cut
    return at_word.rstrip() + "…"
