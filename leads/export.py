"""Leads as CSV: what is known of each, with its answers in words and the evidence of its consent."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet

from leads.models import Consent, Lead
from leads.names import without_marks
from leads.wording import answers_in_words
from webapi.json_api import iso
from workspaces.connections import give_back

BATCH = 500
COLUMNS = (
    *("id", "workspace", "created_at", "name", "phone", "email", "goal", "status", "source", "channel", "is_test"),
    *("qualification_notes", "booking_uid", "booking_start", "metadata", "answers"),
    *("consent_text", "consent_version", "consent_given_at", "consent_ip", "consent_user_agent", "consent_page_url"),
    "consent_embedded_by",
)
# What a spreadsheet may take for a formula: at the start of a cell, or behind what another one takes for a cell's end.
# https://owasp.org/www-community/attacks/CSV_Injection
_formula = re.compile(r"^(?=[\t\r])|(?:^|[;,|\t\r\n])\"*(?=[=+\-@＝＋－＠])")
_e164 = re.compile(r"\+[0-9]{5,15}").fullmatch


def stream_csv(leads: QuerySet[Lead]) -> Iterator[bytes]:
    """Yield the file piece by piece, newest lead first, a byte order mark before it: Excel takes it for Latin-1 else.

    Reads a batch at a time and holds no connection while the client takes what it was given.
    """
    writer = csv.writer(_Through(), quoting=csv.QUOTE_ALL)
    published: dict[UUID, UUID | None] = {}
    yield "\ufeff".encode() + writer.writerow(COLUMNS)
    for batch in _batches(leads.select_related("workspace", "consent")):
        rows = [[harmless(cell) for cell in _cells(lead, published)] for lead in batch]
        give_back()
        yield b"".join(writer.writerow(row) for row in rows)


class _Through:
    """A file whose `write` hands back what it was given, for csv.writer to hand on."""

    def write(self, line: str) -> bytes:
        return line.encode()


def _batches(leads: QuerySet[Lead]) -> Iterator[list[Lead]]:
    rest = leads.order_by("-created_at", "-id")
    batch = list(rest[:BATCH])
    while batch:
        yield batch
        last = batch[-1]
        # The first half alone is what an index can use.
        older = rest.filter(created_at__lte=last.created_at).exclude(created_at=last.created_at, id__gte=last.pk)
        batch = list(older[:BATCH]) if len(batch) == BATCH else []


def harmless(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run. A phone number stays as it is: it is digits."""
    return text if _e164(text) else _formula.sub(r"\g<0>'", text)


def _cells(lead: Lead, published: dict[UUID, UUID | None]) -> list[str]:
    values = (
        *(lead.pk, lead.workspace.slug, lead.created_at, lead.name, lead.phone, lead.email, lead.goal, lead.status),
        *(lead.source, lead.channel, lead.is_test, lead.qualification_notes, lead.booking_uid, lead.booking_start),
        lead.metadata and json.dumps(lead.metadata, ensure_ascii=False),
        "\n".join(f"{question}: {answer}" for question, answer in answers_in_words(lead, published=published)),
        *_evidence(find_consent(lead)),
    )
    return [_spelt(value) for value in values]


def find_consent(lead: Lead) -> Consent | None:
    """Return the evidence of a lead's consent; None where it is another system that vouches for it."""
    try:
        return lead.consent
    except ObjectDoesNotExist:
        return None


def _evidence(consent: Consent | None) -> tuple[Any, ...]:
    if consent is None:
        return (None,) * 7
    where = (consent.ip, consent.user_agent, consent.page_url, consent.embedded_by)
    return (consent.text, consent.version, consent.given_at, *where)


def _spelt(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value) or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else without_marks(str(value))
