"""An approved template: what goes into its variables."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from agents.prompt import first_name, one_line
from leads.links import without_links
from leads.models import Lead
from leads.names import is_placeholder
from providers.errors import Rejected
from providers.twilio import MAX_TEMPLATE_CHARS

# Left for the template's own words, which we don't know.
OWN_WORDS_CHARS = 224
VALUE_CHARS = 200
SENTENCE = "sentence"
_is_content_sid = re.compile(r"HX[0-9a-fA-F]{32}").fullmatch
# Source name → value; the agent's sentence comes from the message. No value may be empty: WhatsApp refuses that.
SOURCES: dict[str, Callable[[Lead], str]] = {
    "first_name": lambda lead: first_name(_own_words(lead.name)) or "there",
    "name": lambda lead: ("" if is_placeholder(lead.name) else _own_words(lead.name)) or "there",
    "business": lambda lead: one_line(lead.workspace.name) or "us",
    "agent": lambda lead: one_line(lead.workspace.agent_name) or one_line(lead.workspace.name) or "our assistant",
    "goal": lambda lead: _own_words(lead.goal or "") or "your enquiry",
}


def _own_words(text: str) -> str:
    """Return what a lead wrote on one line. A form must not carry a stranger's link to another person's phone."""
    return without_links(one_line(text))


def check_options(options: Mapping[str, Any]) -> None:
    """Look at what staff entered for a Twilio account. Raises ValueError with words for them."""
    content_sid = options.get("content_sid") or ""
    if content_sid and not _is_content_sid(str(content_sid)):
        raise ValueError("content_sid must be HX and 32 hex digits, as Twilio shows it.")
    mapping = options.get("content_variables") or {}
    if not isinstance(mapping, dict):
        raise ValueError('content_variables must be an object, like {"1": "first_name", "2": "sentence"}.')
    if unknown := _unknown(mapping):
        known = ", ".join((*SOURCES, SENTENCE))
        raise ValueError(f"content_variables: {', '.join(unknown)} is no source. There are {known}.")


def content_variables(options: Mapping[str, Any], *, lead: Lead, sentence: str) -> dict[str, str]:
    """Return the values of a template's variables, single-line, all together short enough for WhatsApp.

    `options["content_variables"]` maps a variable's number to its source. Raises Rejected for an unknown source.
    """
    mapping = _mapping(options)
    if unknown := _unknown(mapping):
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
    return SENTENCE in _mapping(options).values()


def _mapping(options: Mapping[str, Any]) -> dict[str, str]:
    mapping = options.get("content_variables") or {}
    return mapping if isinstance(mapping, dict) else {"": str(mapping)}


def _unknown(mapping: Mapping[str, Any]) -> list[str]:
    sources = {str(source) for source in mapping.values()}
    return sorted(sources - {SENTENCE, *SOURCES})


def shorten(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters, between words where there is a place for it."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    at_word = cut.rsplit(maxsplit=1)[0] if " " in cut[limit // 2 :] else cut
    return at_word.rstrip() + "…"
