"""All that is kept of a person, as plain values: for who asks what we know of them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from leads.models import Consent, Lead
from leads.read import describe_lead
from leads.timeline import read_timeline
from leads.wording import answers_in_words
from webapi.json_api import iso


def describe_whole(lead: Lead) -> dict[str, Any]:
    """Return the lead, its evidence of consent, its answers with their questions, and its timeline."""
    consent = Consent.objects.filter(lead=lead).first()
    return {
        "lead": describe_lead(lead) | {"source": lead.source, "isTest": lead.is_test, "profile": lead.profile},
        "consent": consent
        and {
            "text": consent.text,
            "version": consent.version,
            "textSha256": consent.text_sha256,
            "givenAt": iso(consent.given_at),
            "ip": consent.ip,
            "userAgent": consent.user_agent,
            "pageUrl": consent.page_url,
            "embeddedBy": consent.embedded_by,
        },
        "formAnswers": [{"question": question, "answer": answer} for question, answer in answers_in_words(lead)],
        "timeline": [
            {"at": iso(item.at), "kind": item.key.partition("-")[0]} | _plain_values(item.data)
            for item in read_timeline(lead)
        ],
    }


def _plain_values(data: dict[str, Any]) -> dict[str, Any]:
    """Keep what JSON can say; rows and the like are for templates."""
    found = ((name, _plain(value)) for name, value in data.items())
    return {name: value for name, value in found if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, dict):
        return _plain_values(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool) else None
