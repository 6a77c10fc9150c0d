"""Cal.com's wire, version 2: free times, and appointments.

Every function's `timeout_s` is all the time it may take: somebody is on the phone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.conf import settings

from providers import http
from providers.calcom_refusals import set_up_problem
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from webapi.strict_json import read_tolerant

SLOTS_VERSION = "2024-09-04"
BOOKINGS_VERSION = "2026-02-25"
EVENT_TYPES_VERSION = "2024-06-14"
# What every booking holds in its own places, by the slug that Cal.com gives it.
STANDARD_FIELDS = frozenset(
    {"name", "email", "attendeePhoneNumber", "smsReminderNumber", "location", "title", "notes", "guests"}
    | {"rescheduleReason"}
)
MAX_FIELD_CHARS = 200
MAX_OPTIONS = 30
LOAD = frozenset({408, 429})
# Who has these no longer holds the time.
GIVEN_UP = frozenset({"cancelled", "canceled", "rejected"})
MAX_LIST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """How an exchange looked on the wire, for the journal."""

    status_code: int
    request: Any
    response: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Free times, in order, in UTC."""

    starts: tuple[datetime, ...]
    wire: Crossing


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A booking that Cal.com has. `awaits_host`: the host has to confirm it first."""

    uid: str
    start: datetime
    end: datetime | None
    awaits_host: bool
    wire: Crossing


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an appointment stands that was made before. `moved_to`: the id of the one that took its place."""

    stands: bool
    appointment: Appointment | None
    moved_to: str = ""
    wire: Crossing


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A question of an event type's own that has to be answered: `kind` is Cal.com's type of it."""

    slug: str
    label: str
    kind: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The questions of an event type's own that have to be answered."""

    fields: tuple[Field, ...]
    wire: Crossing


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What Cal.com said when it was asked for an appointment: it, or None where there is none that counts."""

    found: Appointment | None
    wire: Crossing


def list_slots(*, api_key: str, event_type_id: str, first: date, last: date, timezone: str, timeout_s: float) -> Slots:
    """Ask which times of some days are free; the days are those of `timezone`.

    Raises Rejected, Unavailable, or OutcomeUnknown: asking changes nothing, so it may be repeated.
    """
    query = {
        "eventTypeId": event_type_id,
        "start": first.isoformat(),
        "end": last.isoformat(),
        "timeZone": timezone,
    }
    answer = _call("GET", "/v2/slots", api_key=api_key, version=SLOTS_VERSION, query=query, timeout_s=timeout_s)
    days = _data(answer, request=query)
    try:
        starts = {_moment(slot["start"]) for slots in days.values() for slot in slots}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OutcomeUnknown("Cal.com's slots could not be read", **_details(answer, request=query)) from error
    return Slots(starts=tuple(sorted(starts)), wire=_crossing(answer, request=query))


def book(
    *,
    api_key: str,
    event_type_id: str,
    start: datetime,
    name: str,
    email: str,
    timezone: str,
    phone: str = "",
    notes: str = "",
    responses: Mapping[str, Any] | None = None,
    timeout_s: float,
) -> Appointment:
    """Book a time for a person: one POST, never repeated in here.

    Raises Rejected (the time is taken, a value is refused, the account is not in order: the message says which),
    Unavailable (it never got there), OutcomeUnknown (it may be booked: ask `find_appointment` before anything else).
    """
    if not event_type_id.isdecimal():
        raise Rejected("Cal.com's event type id must be a number. Mend it under Integrations.", code="not_connected")
    attendee = {"name": name, "email": email, "timeZone": timezone}
    if phone:
        attendee["phoneNumber"] = phone
    request: dict[str, Any] = {
        "eventTypeId": int(event_type_id),
        "start": _iso(start),
        "attendee": attendee,
        "guests": [],
    }
    if answers := ({"notes": notes} if notes else {}) | dict(responses or {}):
        request["bookingFieldsResponses"] = answers
    answer = _call("POST", "/v2/bookings", api_key=api_key, version=BOOKINGS_VERSION, body=request, timeout_s=timeout_s)
    found = _data(answer, request=request)
    try:
        return _appointment(found, wire=_crossing(answer, request=request))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OutcomeUnknown("Cal.com's booking could not be read", **_details(answer, request=request)) from error


def find_appointment(*, api_key: str, email: str, start: datetime, timeout_s: float) -> Look:
    """Ask whether a person has an appointment at a time.

    Raises ProviderError where it can't be asked; being refused says nothing about the appointment.
    """
    query = {"attendeeEmail": email, "afterStart": _iso(start - timedelta(minutes=1))}
    answer = _call("GET", "/v2/bookings", api_key=api_key, version=BOOKINGS_VERSION, query=query, timeout_s=timeout_s)
    listed = _data(answer, request=query)
    wire = _crossing(answer, request=query)
    try:
        rows = listed["bookings"] if isinstance(listed, dict) else listed
        found = [_appointment(row, wire=wire) for row in rows if _counts(row, email=email, start=start)]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OutcomeUnknown("Cal.com's list could not be read", **_details(answer, request=query)) from error
    return Look(found=found[0] if found else None, wire=wire)


def read_appointment(*, api_key: str, uid: str, timeout_s: float) -> Standing:
    """Ask how an appointment stands. One that Cal.com doesn't know does not stand.

    Raises ProviderError where it can't be asked; being refused says nothing about the appointment.
    """
    path = f"/v2/bookings/{quote(uid, safe='')}"
    try:
        answer = _call("GET", path, api_key=api_key, version=BOOKINGS_VERSION, timeout_s=timeout_s)
    except Rejected as refusal:
        if refusal.status != 404:
            raise
        return Standing(stands=False, appointment=None, wire=_crossing_of(refusal))
    row, wire = _data(answer, request=path), _crossing(answer, request=path)
    try:
        moved_to = row.get("rescheduledToUid")
        stands = str(row.get("status", "")).lower() not in GIVEN_UP
        return Standing(
            stands=stands,
            appointment=_appointment(row, wire=wire),
            moved_to=moved_to if isinstance(moved_to, str) else "",
            wire=wire,
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OutcomeUnknown("Cal.com's booking could not be read", **_details(answer, request=path)) from error


def list_required_fields(*, api_key: str, event_type_id: str, timeout_s: float) -> Fields:
    """Ask what an event type wants to know of who books it, besides what every booking holds. Raises ProviderError."""
    path = f"/v2/event-types/{quote(event_type_id, safe='')}"
    answer = _call("GET", path, api_key=api_key, version=EVENT_TYPES_VERSION, timeout_s=timeout_s)
    row = _data(answer, request=path)
    fields = row.get("bookingFields") if isinstance(row, dict) else None
    asked = [_field(each) for each in fields if _is_asked_for(each)] if isinstance(fields, list) else []
    return Fields(fields=tuple(asked), wire=_crossing(answer, request=path))


def cancel(*, api_key: str, uid: str, reason: str, now: datetime, timeout_s: float) -> None:
    """Call an appointment off; Cal.com tells its attendee and its host. One that is over, or not there, needs nothing.

    Raises ProviderError: it may be asked for again, whatever came of it.
    """
    path = f"/v2/bookings/{quote(uid, safe='')}"
    body = {"cancellationReason": reason}
    try:
        _call(
            "POST",
            f"{path}/cancel",
            api_key=api_key,
            version=BOOKINGS_VERSION,
            body=body,
            timeout_s=timeout_s,
        )
    except Rejected as refusal:
        if refusal.status == 404:
            return
        answer = _call("GET", path, api_key=api_key, version=BOOKINGS_VERSION, timeout_s=timeout_s)
        if not _is_over(_data(answer, request=path), now=now):
            raise


def _is_asked_for(row: Any) -> bool:
    """Tell whether a booking field must be answered and is none of those that every booking has."""
    if not isinstance(row, dict) or not isinstance(row.get("slug"), str) or not row["slug"]:
        return False
    return row.get("required") is True and row.get("hidden") is not True and row["slug"] not in STANDARD_FIELDS


def _field(row: Mapping[str, Any]) -> Field:
    options = row.get("options")
    shown = [each.get("value") if isinstance(each, dict) else each for each in options or []]
    return Field(
        slug=row["slug"],
        label=str(row.get("label") or row["slug"])[:MAX_FIELD_CHARS],
        kind=str(row.get("type") or "text"),
        options=tuple(each[:MAX_FIELD_CHARS] for each in shown if isinstance(each, str))[:MAX_OPTIONS],
    )


def _crossing_of(refusal: ProviderError) -> Crossing:
    return Crossing(
        status_code=refusal.status or 0,
        request=refusal.request,
        response=refusal.body,
        duration_ms=refusal.duration_ms or 0,
    )


def _is_over(row: Any, *, now: datetime) -> bool:
    try:
        return str(row.get("status", "")).lower() in GIVEN_UP or _moment(row["start"]) <= now
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def _counts(row: Mapping[str, Any], *, email: str, start: datetime) -> bool:
    """Tell whether a listed booking is one of this person at this time, and has not been called off."""
    if str(row.get("status", "")).lower() in GIVEN_UP or _moment(row["start"]) != start:
        return False
    addresses = {str(each.get("email", "")).lower() for each in row.get("attendees") or []}
    return not addresses or email.lower() in addresses


def _appointment(row: Mapping[str, Any], *, wire: Crossing) -> Appointment:
    uid = row["uid"]
    if not isinstance(uid, str) or not 0 < len(uid) <= 128:
        raise ValueError("no uid")
    return Appointment(
        uid=uid,
        start=_moment(row["start"]),
        end=_moment(row["end"]) if row.get("end") else None,
        awaits_host=str(row.get("status", "")).lower() == "pending",
        wire=wire,
    )


def _call(
    method: str,
    path: str,
    *,
    api_key: str,
    version: str,
    timeout_s: float,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> http.Answer:
    request = query if body is None else body
    try:
        answer = http.send(
            method,
            settings.CALCOM_BASE_URL + path,
            timeout_s=timeout_s,
            total=True,
            headers={"Authorization": f"Bearer {api_key}", "cal-api-version": version},
            json=body,
            query=query,
            max_body_bytes=MAX_LIST_BYTES if method == "GET" else http.MAX_BODY_BYTES,
        )
    except ProviderError as error:
        error.message = f"Cal.com: {error.message}"
        error.request = request
        raise
    if not 200 <= answer.status < 300:
        raise _refusal(answer, request=request)
    return answer


def _data(answer: http.Answer, *, request: object) -> Any:
    try:
        body = read_tolerant(answer.body)
    except ValueError as error:
        raise OutcomeUnknown("Cal.com's answer could not be read", **_details(answer, request=request)) from error
    if not isinstance(body, dict) or body.get("status", "success") != "success" or "data" not in body:
        raise OutcomeUnknown("Cal.com's answer could not be read", **_details(answer, request=request))
    return body["data"]


def _refusal(answer: http.Answer, *, request: object) -> ProviderError:
    """Turn an answer that is no success into the error it is."""
    try:
        error = read_tolerant(answer.body)["error"]
        said, code = str(error["message"]), str(error.get("code") or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        said, code = "no reason given", ""
    details = _details(answer, request=request, code=code)
    if answer.status in LOAD:
        return Unavailable(f"Cal.com refused ({answer.status}): {said}", **details)
    if answer.status < 400 or answer.status >= 500:
        return OutcomeUnknown(f"Cal.com failed ({answer.status}): {said}", **details)
    return Rejected(f"Cal.com refused ({answer.status}): {said}", **details)


def _moment(text: Any) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _crossing(answer: http.Answer, *, request: object) -> Crossing:
    return Crossing(status_code=answer.status, request=request, response=answer.body, duration_ms=answer.duration_ms)


def _details(answer: http.Answer, *, request: object, code: str = "") -> dict[str, Any]:
    return {
        "status": answer.status,
        "body": answer.body,
        "code": code,
        "request": request,
        "duration_ms": answer.duration_ms,
    }


def is_about_account(error: ProviderError) -> bool:
    """Tell whether a refusal is about the key or the event type: no other time or name changes it."""
    return set_up_problem(error) is not None


def is_about_attendee(error: ProviderError) -> bool:
    """Tell whether a refusal is about what was said of the person, not about the time. Its words alone tell."""
    words = ("email", "phone", "attendee", "bookingfields", "required", "name must")
    return any(word in error.message.lower() for word in words)
