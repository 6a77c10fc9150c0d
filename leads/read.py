"""GET and DELETE of leads in the Public API: framework-free endpoints behind `apikeys.gate.enter`."""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from apikeys.authentication import Caller
from leads import phone as phones
from leads.channels import get_channel
from leads.erasure import erase_leads
from leads.models import Lead, LeadQuerySet
from leads.search import matching
from webapi.calls import Answer, ApiCall, etag, matches
from webapi.errors import ApiError, Issue
from webapi.json_api import iso
from workspaces import prepared
from workspaces.connections import give_back
from workspaces.models import Channel

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
# The key is checked by the statement itself, so that the gate may go by what it remembers of it.
_ONE = f"""
SELECT {prepared.columns(Lead, "l")}
FROM apikeys_apikey k JOIN leads_lead l ON l.workspace_id = k.workspace_id
WHERE l.id = %s AND l.is_test = %s
  AND k.id = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %s)
"""  # noqa: S608 - our own column names


def leads_of(caller: Caller) -> LeadQuerySet:
    """Start every query here: the workspace of the key, and its own mode's leads."""
    return Lead.objects.filter(workspace_id=caller.workspace_id, is_test=caller.is_test)


def describe_lead(lead: Lead) -> dict[str, Any]:
    """Write a lead as the API does."""
    return {
        "id": str(lead.pk),
        "channel": lead.channel,
        "name": lead.name,
        "phone": lead.phone,
        "email": lead.email,
        "goal": lead.goal,
        "status": lead.status,
        "qualificationNotes": lead.qualification_notes,
        "bookingUid": lead.booking_uid,
        "bookingStart": iso(lead.booking_start),
        "metadata": lead.metadata,
        "createdAt": iso(lead.created_at),
        "updatedAt": iso(lead.updated_at),
    }


def show_lead(call: ApiCall, caller: Caller, *, lead_id: str) -> Answer:
    """Answer one lead with its latest call; 304 when the client has it already."""
    lead = _find(caller, lead_id, now=call.now)
    voice_call = get_channel(lead.channel).latest_call(lead.pk) if lead.channel == Channel.VOICE else None
    give_back()
    answer = Answer(200, {"ok": True, "lead": describe_lead(lead), "voiceCall": voice_call})
    tag = etag(answer.body)
    if matches(call.header("HTTP_IF_NONE_MATCH"), tag):
        answer = Answer(304)
    answer.headers |= {"ETag": tag, "Cache-Control": "private, no-cache"}
    return answer


def delete_lead(call: ApiCall, caller: Caller, *, lead_id: str) -> Answer:
    """Erase a lead; its phone may be sent again."""
    lead = _find(caller, lead_id, now=call.now)
    erase_leads(leads_of(caller).filter(pk=lead.pk), now=call.now)
    return Answer(204)


def list_leads(call: ApiCall, caller: Caller) -> Answer:
    """Answer a page of leads, newest first."""
    query = _Query(call, caller)
    page = query.page()
    rows = page[: query.limit]
    more = len(page) > query.limit
    next_cursor = encode_cursor(rows[-1]) if more else None
    return Answer(200, {"ok": True, "leads": [describe_lead(lead) for lead in rows], "nextCursor": next_cursor})


def encode_cursor(lead: Lead) -> str:
    """Make the place after a lead into an opaque word."""
    place = json.dumps([lead.created_at.astimezone(UTC).isoformat(), lead.pk.hex])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Read a cursor back. Raises ValueError for what is none of ours."""
    try:
        at, pk = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        created_at = datetime.fromisoformat(at)
        if created_at.tzinfo is None:
            raise ValueError("no zone")
        return created_at.astimezone(UTC), UUID(pk)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, RecursionError) as error:
        raise ValueError("not a cursor") from error


class _Query:
    """The parameters of a list, read with every problem named at once."""

    def __init__(self, call: ApiCall, caller: Caller) -> None:
        self._given = call.query
        self._region = caller.default_region
        self._issues: list[Issue] = []
        self.limit = DEFAULT_LIMIT
        self._leads = leads_of(caller)
        readers: dict[str, Callable[[str], LeadQuerySet]] = {
            "limit": self._limit,
            "status": self._status,
            "phone": self._phone,
            "email": lambda value: self._leads.filter(email=value.strip()),
            "createdAfter": lambda value: self._leads.filter(created_at__gt=_time(value)),
            "createdBefore": lambda value: self._leads.filter(created_at__lt=_time(value)),
            "q": lambda value: self._leads.filter(matching(value, region=self._region)),
            "cursor": self._after,
        }
        for name, reader in readers.items():
            if value := self._given.get(name):
                self._apply(name, value, reader)
        if self._issues:
            raise ApiError(400, "Validation failed.", issues=self._issues)

    def page(self) -> list[Lead]:
        """Read one lead more than the page holds."""
        return list(self._leads.order_by("-created_at", "-id")[: self.limit + 1])

    def _apply(self, name: str, value: str, reader: Callable[[str], LeadQuerySet]) -> None:
        try:
            if "\x00" in value:
                raise ValueError("Must not contain NUL characters.")
            self._leads = reader(value)
        except ValueError as error:
            self._issues.append({"path": [name], "message": str(error)})

    def _limit(self, value: str) -> LeadQuerySet:
        if not (value.isascii() and value.isdecimal() and len(value) <= 3 and 1 <= int(value) <= MAX_LIMIT):
            raise ValueError(f"Must be a whole number from 1 to {MAX_LIMIT}.")
        self.limit = int(value)
        return self._leads

    def _status(self, value: str) -> LeadQuerySet:
        if value not in Lead.Status.values:
            raise ValueError(f"Must be one of {', '.join(Lead.Status.values)}.")
        return self._leads.filter(status=value)

    def _phone(self, value: str) -> LeadQuerySet:
        # A plus that was not escaped arrives as a blank.
        value = f"+{value[1:]}" if value.startswith(" ") else value
        return self._leads.filter(phone=phones.normalise(value, region=self._region))

    def _after(self, value: str) -> LeadQuerySet:
        try:
            at, pk = decode_cursor(value)
        except ValueError:
            raise ValueError("Must be a nextCursor of an earlier answer.") from None
        # A row comparison by hand, its first half alone usable by the index.
        return self._leads.filter(created_at__lte=at).exclude(created_at=at, id__gte=pk)


def _time(value: str) -> datetime:
    try:
        at = parse_datetime(value.replace(" ", "+"))  # a + in a query that was not escaped
        if at is not None and at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("Must be an ISO 8601 time with its zone, like 2026-06-07T13:03:37Z.")


def _find(caller: Caller, lead_id: str, *, now: datetime) -> Lead:
    """Find a lead by a key that works. An id that is none, unknown, or another's: one answer, one query, one time."""
    try:
        # Python takes {…}, urn:uuid:… and bare hex as well.
        wanted = UUID(lead_id if len(lead_id) == 36 else "")
    except ValueError:
        wanted = UUID(int=0)
    lead = prepared.first(Lead, _ONE, [wanted, caller.is_test, caller.key_id, now])
    if lead is None:
        raise ApiError(404, "Lead not found.")
    return lead
