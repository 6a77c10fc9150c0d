"""Cal.com v2: free slots, bookings made and called off, event types."""

import asyncio
import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from simulators.clock import iso_ms, parse_moment
from simulators.replies import JsonDict, bearer_of, cut, half_of, json_body, json_reply
from simulators.state import State

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
HOURS = range(9, 17)
LENGTH = timedelta(hours=1)
LONGEST_RANGE = timedelta(days=62)
MISSING_EVENT_TYPE = 404
CANCELLED = "cancelled"
CONFIRMED_BY_HOST = 7777
# Event types that are not set up to be booked, and one that asks for more.
NO_HOSTS, MANAGED, LIMIT_REACHED, ASKS_MORE = 6001, 6002, 6003, 6004
DEFAULT_FIELDS: list[JsonDict] = [
    {"isDefault": True, "type": "name", "slug": "name", "required": True},
    {"isDefault": True, "type": "email", "slug": "email", "required": True},
    {"isDefault": True, "type": "textarea", "slug": "notes", "required": False},
]
MORE_FIELDS: list[JsonDict] = [
    {"isDefault": False, "type": "text", "slug": "company", "label": "Company", "required": True},
    {
        "isDefault": False,
        "type": "select",
        "slug": "team-size",
        "label": "Team size",
        "required": True,
        "options": ["1-10", "11-50", "more"],
    },
    {"isDefault": False, "type": "text", "slug": "website", "label": "Website", "required": False},
]
SLOTS_FAIL = 500
SLOTS_LATE = 504
# An attendee's address chooses what happens to the booking: what stands before its @.
FAULTS = {f"sim-{fault}": fault for fault in ("taken", "error", "busy", "late", "lost", "cut")}
REFUSALS = {
    "taken": (409, "ConflictException", "no_available_users_found_error"),
    "error": (500, "InternalServerErrorException", "Internal server error."),
    "busy": (429, "ThrottlerException", "Too Many Requests"),
}


def error_reply(status: int, code: str, message: str) -> web.Response:
    """An error in Cal.com's envelope."""
    return json_reply({"status": "error", "error": {"code": code, "message": message}}, status)


def success(data: object, status: int = 200) -> web.Response:
    """An answer in Cal.com's envelope."""
    return json_reply({"status": "success", "data": data}, status)


class CalCom:
    """Routes under /calcom/v2."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """All routes of this provider."""
        return [
            web.get("/calcom/v2/slots", self.list_slots, allow_head=False),
            web.post("/calcom/v2/bookings", self.create_booking),
            web.get("/calcom/v2/bookings", self.list_bookings, allow_head=False),
            web.get("/calcom/v2/bookings/{uid}", self.get_booking, allow_head=False),
            web.post("/calcom/v2/bookings/{uid}/cancel", self.cancel_booking),
            web.get("/calcom/v2/event-types/{id}", self.get_event_type, allow_head=False),
        ]

    async def list_slots(self, request: web.Request) -> web.Response:
        """GET /slots: weekdays 09:00-17:00 hourly in `timeZone`, without booked ones and what of today is over."""
        query = request.query
        zone = _zone(query.get("timeZone", "UTC"))
        first, last = parse_moment(query.get("start")), parse_moment(query.get("end"))
        event_type_id = _whole(query.get("eventTypeId"))
        if (refusal := _refusal(request, event_type_id)) is not None:
            return refusal
        if zone is None or first is None or last is None or event_type_id is None:
            return error_reply(400, "BadRequestException", "eventTypeId, start, end and timeZone must be valid.")
        if (fault := await self._slots_fault(event_type_id)) is not None:
            return fault
        if event_type_id == NO_HOSTS and self._state.settings.magic:
            return success({})
        if last - first > LONGEST_RANGE:
            return error_reply(400, "BadRequestException", "The range is too long.")
        taken = {booking["start"] for booking in self._standing(event_type_id)}
        days: JsonDict = {}
        day = first.date()
        while day <= last.date():
            if slots := _slots_of(day, zone, taken):
                days[day.isoformat()] = slots
            day += timedelta(days=1)
        return success(days)

    async def create_booking(self, request: web.Request) -> web.Response:
        """POST /bookings: 201, or 400 for a taken slot or a missing email."""
        try:
            body = json_body(await request.read())
        except ValueError:
            return error_reply(400, "BadRequestException", "The body is not JSON.")
        body = body if isinstance(body, dict) else {}
        event_type_id = _whole(body.get("eventTypeId"))
        if (refusal := _refusal(request, event_type_id)) is not None:
            return refusal
        start = parse_moment(body.get("start"))
        attendee = body.get("attendee")
        if event_type_id is None or start is None or not isinstance(attendee, dict):
            return error_reply(400, "BadRequestException", "eventTypeId, start and attendee are required.")
        if (message := _attendee_problem(attendee)) is not None:
            return error_reply(400, "BadRequestException", message)
        if self._state.settings.magic and (problem := _set_up_problem(event_type_id, body)) is not None:
            return error_reply(*problem)
        return await self._answer_booking(request, event_type_id, start, body)

    async def _answer_booking(
        self, request: web.Request, event_type_id: int, start: datetime, body: JsonDict
    ) -> web.Response:
        local_part = str(body["attendee"]["email"]).partition("@")[0]
        fault = FAULTS.get(local_part) if self._state.settings.magic else None
        if fault in REFUSALS:
            return error_reply(*REFUSALS[fault])
        if fault == "lost":
            await asyncio.sleep(self._state.settings.timeout_sleep)
            return web.Response(status=504, text="<html>Gateway time-out</html>", content_type="text/html")
        if self._is_taken(event_type_id, iso_ms(start)):
            return error_reply(400, "BadRequestException", "User either already has booking at this time.")
        answer = success(self._book(event_type_id, start, body), 201)
        if fault == "late":
            await asyncio.sleep(self._state.settings.timeout_sleep)
        return await cut(request, after=half_of(answer)) if fault == "cut" else answer

    async def _slots_fault(self, event_type_id: int) -> web.Response | None:
        if not self._state.settings.magic or event_type_id not in (SLOTS_FAIL, SLOTS_LATE):
            return None
        if event_type_id == SLOTS_LATE:
            await asyncio.sleep(self._state.settings.timeout_sleep)
        return error_reply(500, "InternalServerErrorException", "Internal server error.")

    def _is_taken(self, event_type_id: int, start: str) -> bool:
        return any(booking["start"] == start for booking in self._standing(event_type_id))

    def _standing(self, event_type_id: int) -> list[JsonDict]:
        """The bookings of an event type that hold their time."""
        made = (each for each in self._state.memory.bookings if each["eventTypeId"] == event_type_id)
        return [each for each in made if each["status"] != CANCELLED]

    def _book(self, event_type_id: int, start: datetime, body: JsonDict) -> JsonDict:
        booking = {
            "id": len(self._state.memory.bookings) + 1,
            "uid": uuid.uuid4().hex[:22],
            "title": "Introduction",
            "status": "pending" if event_type_id == CONFIRMED_BY_HOST else "accepted",
            "start": iso_ms(start),
            "end": iso_ms(start + LENGTH),
            "duration": int(LENGTH.total_seconds() // 60),
            "eventTypeId": event_type_id,
            "attendees": [body["attendee"]],
            "guests": body.get("guests", []),
            "bookingFieldsResponses": body.get("bookingFieldsResponses", {}),
            "metadata": body.get("metadata", {}),
            "createdAt": iso_ms(datetime.now(UTC)),
        }
        self._state.memory.bookings.append(booking)
        return booking

    async def list_bookings(self, request: web.Request) -> web.Response:
        """GET /bookings?attendeeEmail=&afterStart=: oldest first."""
        if (refusal := _refusal(request, None)) is not None:
            return refusal
        email = request.query.get("attendeeEmail", "").lower()
        after = parse_moment(request.query.get("afterStart"))
        found = [
            booking
            for booking in self._state.memory.bookings
            if (not email or booking["attendees"][0]["email"].lower() == email)
            and (after is None or datetime.fromisoformat(booking["start"]) > after)
        ]
        return success(found)

    async def get_booking(self, request: web.Request) -> web.Response:
        """GET /bookings/{uid}."""
        if (refusal := _refusal(request, None)) is not None:
            return refusal
        booking = self._find(request)
        return success(booking) if booking else _no_booking(request)

    async def cancel_booking(self, request: web.Request) -> web.Response:
        """POST /bookings/{uid}/cancel: frees its time; 400 for one that is cancelled already or over."""
        if (refusal := _refusal(request, None)) is not None:
            return refusal
        booking = self._find(request)
        if booking is None:
            return _no_booking(request)
        if booking["status"] == CANCELLED:
            return error_reply(400, "BadRequestException", "Can't cancel booking: it has been cancelled already.")
        if datetime.fromisoformat(booking["end"]) <= datetime.now(UTC):
            return error_reply(400, "BadRequestException", "Cannot cancel a booking that has already ended")
        body = json_body(await request.read() or b"{}")
        reason = body.get("cancellationReason", "") if isinstance(body, dict) else ""
        booking |= {"status": CANCELLED, "cancellationReason": reason}
        return success(booking)

    def _find(self, request: web.Request) -> JsonDict | None:
        uid = request.match_info["uid"]
        return next((each for each in self._state.memory.bookings if each["uid"] == uid), None)

    async def get_event_type(self, request: web.Request) -> web.Response:
        """GET /event-types/{id}: any number but 404 exists."""
        event_type_id = _whole(request.match_info["id"])
        if (refusal := _refusal(request, event_type_id)) is not None:
            return refusal
        if event_type_id is None:
            return error_reply(400, "BadRequestException", "The event type id must be a number.")
        minutes = int(LENGTH.total_seconds() // 60)
        asks_more = event_type_id == ASKS_MORE and self._state.settings.magic
        return success(
            {
                "id": event_type_id,
                "title": "Introduction",
                "slug": "introduction",
                "lengthInMinutes": minutes,
                "bookingFields": DEFAULT_FIELDS + (MORE_FIELDS if asks_more else []),
            }
        )


def _no_booking(request: web.Request) -> web.Response:
    return error_reply(404, "NotFoundException", f"Booking with uid={request.match_info['uid']} was not found.")


def _refusal(request: web.Request, event_type_id: int | None) -> web.Response | None:
    token = bearer_of(request)
    if token is None or token.startswith("bad") or token.startswith("cal_bad"):
        return error_reply(401, "UnauthorizedException", "Invalid API key.")
    if not request.headers.get("cal-api-version"):
        return error_reply(400, "BadRequestException", "The header cal-api-version is required.")
    if event_type_id == MISSING_EVENT_TYPE:
        return error_reply(404, "NotFoundException", "Event type not found.")
    return None


def _set_up_problem(event_type_id: int, body: JsonDict) -> tuple[int, str, str] | None:
    """Say why an event type can't be booked at all, or which answer it misses."""
    if event_type_id == NO_HOSTS:
        words = "Can't book this team event type because it has no hosts. Please, add at least 1 host."
        return 422, "UnprocessableEntityException", words
    if event_type_id == MANAGED:
        words = f"Event type with id={event_type_id} is the parent managed event type that can't be booked."
        return 400, "BadRequestException", words
    if event_type_id == LIMIT_REACHED:
        return 403, "ForbiddenException", "booking_limit_reached"
    return _field_problem(body.get("bookingFieldsResponses")) if event_type_id == ASKS_MORE else None


def _field_problem(responses: Any) -> tuple[int, str, str] | None:
    given = responses if isinstance(responses, dict) else {}
    for field in MORE_FIELDS:
        slug, value = field["slug"], given.get(field["slug"])
        if value is None and field["required"]:
            words = (
                f"Missing required booking field response: {slug} - it is required by the event type booking fields."
            )
            return 400, "BadRequestException", words
        options = field.get("options")
        if value is not None and options and value not in options:
            words = f"Invalid option '{value}' for booking field '{slug}'. Allowed options are: {', '.join(options)}."
            return 400, "BadRequestException", words
    return None


def _whole(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def _zone(name: Any) -> ZoneInfo | None:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _attendee_problem(attendee: JsonDict) -> str | None:
    if not EMAIL.fullmatch(str(attendee.get("email") or "")):
        return "attendee.email must be an email address."
    if not attendee.get("name"):
        return "attendee.name must be a string."
    return None if _zone(attendee.get("timeZone") or "") else "attendee.timeZone must be an IANA time zone."


def _slots_of(day: date, zone: ZoneInfo, taken: set[str]) -> list[dict[str, str]]:
    if day.weekday() >= 5:
        return []
    now = datetime.now(zone)
    starts = [datetime.combine(day, time(hour), zone) for hour in HOURS]
    return [
        {"start": start.isoformat(timespec="milliseconds")}
        for start in starts
        if iso_ms(start) not in taken and not (start.date() == now.date() and start <= now)
    ]
