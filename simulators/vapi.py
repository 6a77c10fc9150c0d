"""Vapi: calls, and enough of assistants and phone numbers to check an account."""

import asyncio
import operator
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from simulators.clock import iso_ms, parse_moment
from simulators.replies import JsonDict, bearer_of, cut, half_of, json_body, json_reply
from simulators.state import Call, State
from simulators.vapi_rules import UUID, message_of, problems_of
from simulators.vapi_story import INBOUND, NORMAL, STORIES, Story, Teller
from simulators.webhooks import Poster

ORG_ID = "be2f0000-1111-4222-8333-444455556666"
REASONS = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
INVALID_KEY = "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa."
DAILY_LIMIT = (
    "Couldn't Start Call. Numbers Bought On Vapi Have A Daily Outbound Call Limit. "
    "Import Your Own Twilio Numbers To Scale Without Limits."
)
BAD_GATEWAY_PAGE = (
    "<!DOCTYPE html><html><head><title>502 Bad gateway</title></head>"
    "<body><h1>Bad gateway · Fehlerhaftes Gateway – 不正なゲートウェイ</h1><p>Ray ID: 8f00ba5</p></body></html>"
)
COMPARISONS = {"Gt": operator.gt, "Ge": operator.ge, "Lt": operator.lt, "Le": operator.le}
LIST_MOMENTS = frozenset(f"{name}{suffix}" for name in ("createdAt", "updatedAt") for suffix in COMPARISONS)
LIST_KEYS = frozenset(("id", "assistantId", "phoneNumberId", "limit")) | LIST_MOMENTS


def nest(status: int, message: str | list[str]) -> web.Response:
    """An error in NestJS's envelope: `message` is a string or a list of strings."""
    return json_reply({"message": message, "error": REASONS.get(status, "Error"), "statusCode": status}, status)


class Vapi:
    """Routes under /vapi."""

    def __init__(self, state: State, poster: Poster) -> None:
        self._state = state
        self._teller = Teller(state, poster)
        self._tricks: dict[str, Callable[[web.Request, JsonDict], Awaitable[web.Response]]] = {
            "0429": self._rate_limited,
            "0504": self._late,
            "0505": self._never,
            "0506": self._cut_after,
            "0507": self._cut_before,
            "0508": self._not_json,
            "0509": self._no_id,
            "0600": self._blocked,
        }

    def routes(self) -> list[web.RouteDef]:
        """All routes of this provider."""
        return [
            web.post("/vapi/call", self.create_call),
            web.get("/vapi/call", self.list_calls, allow_head=False),
            web.get("/vapi/call/{id}", self.get_call, allow_head=False),
            web.patch("/vapi/call/{id}", self.rename_call),
            web.delete("/vapi/call/{id}", self.delete_call),
            web.get("/vapi/call/{id}/mono-recording", self.get_recording, allow_head=False),
            web.get("/vapi/assistant/{id}", self.get_assistant, allow_head=False),
            web.get("/vapi/phone-number/{id}", self.get_phone_number, allow_head=False),
        ]

    async def create_call(self, request: web.Request) -> web.Response:
        """POST /call: 201 with the call, or what the last four digits of the number ask for."""
        if (refusal := _refusal(request)) is not None:
            return refusal
        try:
            body = json_body(await request.read())
        except ValueError:
            return nest(400, "Unexpected token in JSON at position 0")
        if problems := problems_of(body):
            return nest(400, message_of(problems))
        digits = body["customer"]["number"][-4:] if self._state.settings.magic else ""
        if (answer := _canned(digits)) is not None:
            return answer
        if (trick := self._tricks.get(digits)) is not None:
            return await trick(request, body)
        return self._created(self._dial(body, STORIES.get(digits, NORMAL)))

    def _dial(self, body: JsonDict, story: Story = NORMAL) -> Call:
        now = datetime.now(UTC)
        created_at = iso_ms(now)
        call_id = str(uuid.uuid4())
        data = {
            "id": call_id,
            "orgId": ORG_ID,
            "type": "outboundPhoneCall",
            "status": "scheduled" if body.get("schedulePlan") else "queued",
            "createdAt": created_at,
            "updatedAt": created_at,
            **body,
            "cost": 0,
            "phoneCallProvider": "twilio",
            "phoneCallTransport": "pstn",
            "monitor": {
                "listenUrl": f"wss://monitor.vapi.invalid/{call_id}/listen",
                "controlUrl": f"https://monitor.vapi.invalid/{call_id}/control",
            },
            "transport": {"conversationType": "voice", "provider": "twilio", "accountSid": "ACxxxxxxxx"},
        }
        # Truncated to the milliseconds the client sees, so that createdAtLe=createdAt finds the call.
        created = now.replace(microsecond=now.microsecond // 1000 * 1000)
        call = Call(data=data, number=body["customer"]["number"], created=created)
        self._state.memory.calls[call_id] = call
        self._teller.start(call, story)
        return call

    def call_in(self, *, number: str, name: str, url: str, secret: str) -> Call:
        """Let somebody call a number whose server is `url`; nobody's phone rings by that."""
        server = {"url": url, "headers": {"X-Vapi-Secret": secret}}
        customer = {"number": number, **({"name": name} if name else {})}
        return self._dial({"type": INBOUND, "customer": customer, "assistantOverrides": {"server": server}})

    def begin_scheduled(self, call: Call) -> bool:
        """Let a scheduled call begin before its time. False: it doesn't wait."""
        story = STORIES.get(call.number[-4:], NORMAL) if self._state.settings.magic else NORMAL
        return self._teller.begin_scheduled(call, story)

    def _created(self, call: Call, *, blocked: bool = False) -> web.Response:
        limits = {
            "concurrencyBlocked": blocked,
            "concurrencyLimit": 10,
            "remainingConcurrentCalls": 0 if blocked else 9,
        }
        return json_reply({**call.data, "subscriptionLimits": limits}, 201)

    async def _rate_limited(self, request: web.Request, body: JsonDict) -> web.Response:
        if not self._state.still_limited("vapi", body["customer"]["number"]):
            return self._created(self._dial(body))
        return json_reply({"message": "Rate limit exceeded", "statusCode": 429}, 429, {"Retry-After": "1"})

    async def _late(self, request: web.Request, body: JsonDict) -> web.Response:
        call = self._dial(body)
        await asyncio.sleep(self._state.settings.timeout_sleep)
        return self._created(call)

    async def _never(self, request: web.Request, body: JsonDict) -> web.Response:
        await asyncio.sleep(self._state.settings.timeout_sleep)
        return web.Response(status=504, body=b"<html><h1>504 Gateway Time-out</h1></html>", content_type="text/html")

    async def _cut_after(self, request: web.Request, body: JsonDict) -> web.Response:
        return await cut(request, after=half_of(self._created(self._dial(body))))

    async def _cut_before(self, request: web.Request, body: JsonDict) -> web.Response:
        return await cut(request)

    async def _not_json(self, request: web.Request, body: JsonDict) -> web.Response:
        self._dial(body)
        return web.Response(status=201, body=b"OK, calling \xe2\x98\x8e", content_type="text/plain")

    async def _no_id(self, request: web.Request, body: JsonDict) -> web.Response:
        call = self._dial(body)
        return json_reply({name: value for name, value in call.data.items() if name != "id"}, 201)

    async def _blocked(self, request: web.Request, body: JsonDict) -> web.Response:
        story = STORIES["0600"]
        call = self._dial(body, story)
        answer = self._created(call, blocked=True)
        self._teller.advance(call, story, "ended")
        return answer

    async def list_calls(self, request: web.Request) -> web.Response:
        """GET /call: a JSON array, newest first; the only filters are ids and moments."""
        if (refusal := _refusal(request)) is not None:
            return refusal
        query = dict(request.query)
        if problems := _query_problems(query):
            return nest(400, problems)
        limit = int(query.get("limit", 100))
        found: list[JsonDict] = []
        for call in reversed(self._state.memory.calls.values()):
            if len(found) >= limit:
                break
            if not call.deleted and _matches(call, query):
                found.append(call.data)
        return json_reply(found)

    async def get_call(self, request: web.Request) -> web.Response:
        """GET /call/{id}: the call, or 404."""
        call = self._find(request)
        return call if isinstance(call, web.Response) else json_reply(call.data)

    async def rename_call(self, request: web.Request) -> web.Response:
        """PATCH /call/{id}: `name` is all that may change."""
        call = self._find(request)
        if isinstance(call, web.Response):
            return call
        body = json_body(await request.read())
        if unknown := [f"property {key} should not exist" for key in body if key != "name"]:
            return nest(400, unknown)
        call.data["name"] = body.get("name")
        return json_reply(call.data)

    async def delete_call(self, request: web.Request) -> web.Response:
        """DELETE /call/{id}: erased from the API; a scheduled call stays to be seen as `scheduled-call-deleted`.

        503 for a number that ends in 0903, which is told once: the recordings are not erased yet.
        """
        call = self._find(request)
        if isinstance(call, web.Response):
            return call
        if self._keeps_recordings(call):
            return json_reply({"statusCode": 503, "message": "Recordings could not be deleted. Retry."}, 503)
        if call.data["status"] == "scheduled":
            self._teller.drop_scheduled(call)
        else:
            call.deleted = True
        return json_reply(call.data)

    def _keeps_recordings(self, call: Call) -> bool:
        memory = self._state.memory
        memory.attempts["vapi-delete", call.data["id"]] += 1
        first = memory.attempts["vapi-delete", call.data["id"]] == 1
        return first and self._state.settings.magic and call.number.endswith("0903")

    async def get_recording(self, request: web.Request) -> web.Response:
        """GET /call/{id}/mono-recording: 302 to a file that needs no key."""
        call = self._find(request)
        if isinstance(call, web.Response):
            return call
        url = (call.report or {}).get("recordingUrl")
        if not url:
            return nest(404, "Recording not found.")
        return web.Response(status=302, headers={"Location": f"{url}?signature=sim"})

    async def get_assistant(self, request: web.Request) -> web.Response:
        """GET /assistant/{id}: any UUID is an assistant."""
        more: JsonDict = {"name": "Sim assistant", "firstMessage": "Hello!", "model": {"provider": "openai"}}
        return _existing(request, more)

    async def get_phone_number(self, request: web.Request) -> web.Response:
        """GET /phone-number/{id}: any UUID is an imported Twilio number."""
        more = {"name": "Sim number", "provider": "twilio", "number": "+15555550100", "status": "active"}
        return _existing(request, more)

    def _find(self, request: web.Request) -> Call | web.Response:
        if (refusal := _refusal(request)) is not None:
            return refusal
        call = self._state.memory.calls.get(request.match_info["id"])
        return nest(404, "Not Found") if call is None or call.deleted else call


def _refusal(request: web.Request) -> web.Response | None:
    token = bearer_of(request)
    return nest(401, INVALID_KEY) if token is None or token.startswith("bad") else None


def _canned(digits: str) -> web.Response | None:
    """Answers that make no call and need nothing but the number."""
    match digits:
        case "0400":
            return nest(400, ["customer.number is not reachable from this phone number.", "assistantId must be a UUID"])
        case "0401":
            return nest(401, INVALID_KEY)
        case "0402":
            return nest(400, DAILY_LIMIT)
        case "0403":
            return nest(400, "Couldn't Start Call. This Destination Is Blocked For Your Organization.")
        case "0500":
            return json_reply({"statusCode": 500, "message": "Internal server error"}, 500)
        case "0502":
            return web.Response(status=502, body=BAD_GATEWAY_PAGE.encode(), headers={"Content-Type": "text/html"})
        case "0503":
            return web.Response(status=500, body=b"x" * 8 * 1024 * 1024, headers={"Content-Type": "text/plain"})
    return None


def _query_problems(query: dict[str, str]) -> list[str]:
    problems = [f"property {key} should not exist" for key in query if key not in LIST_KEYS]
    limit = query.get("limit", "100")
    if not limit.isascii() or not limit.isdigit() or int(limit) > 1000:
        problems.append("limit must not be greater than 1000")
    for key in sorted(LIST_MOMENTS & query.keys()):
        if parse_moment(query[key]) is None:
            problems.append(f"{key} must be a valid ISO 8601 date string")
    return problems


def _matches(call: Call, query: dict[str, str]) -> bool:
    for key, value in query.items():
        if key in LIST_MOMENTS:
            moment = call.created if key.startswith("created") else parse_moment(call.data["updatedAt"])
            wanted = parse_moment(value)
            if moment is None or wanted is None or not COMPARISONS[key[-2:]](moment, wanted):
                return False
        elif key != "limit" and call.data.get(key) != value:
            return False
    return True


def _existing(request: web.Request, more: JsonDict) -> web.Response:
    if (refusal := _refusal(request)) is not None:
        return refusal
    resource_id = request.match_info["id"]
    if not UUID.fullmatch(resource_id):
        return nest(400, ["id must be a UUID"])
    created_at = "2026-01-05T09:00:00.000Z"
    return json_reply({"id": resource_id, "orgId": ORG_ID, "createdAt": created_at, "updatedAt": created_at, **more})
