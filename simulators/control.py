"""The control endpoints under /_sim: look at what happened, script what comes, start afresh."""

import io
import json
import wave
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from simulators.openai import checked_script
from simulators.replies import JsonDict, json_reply
from simulators.state import State
from simulators.twilio import Twilio
from simulators.vapi import Vapi

INBOUND_NEEDS = ("auth_token", "to")
DEFAULT_LIMIT = 1000


class Control:
    """Routes under /_sim, and /healthz."""

    def __init__(self, state: State, twilio: Twilio, vapi: Vapi) -> None:
        self._state = state
        self._vapi = vapi
        self._twilio = twilio

    def routes(self) -> list[web.RouteDef]:
        """All control routes."""
        return [
            web.get("/healthz", self.get_health),
            web.get("/_sim/requests", self.list_requests),
            web.get("/_sim/calls", self.list_calls),
            web.get("/_sim/messages", self.list_messages),
            web.get("/_sim/events", self.list_events),
            web.get("/_sim/webhooks", self.list_webhooks),
            web.get("/_sim/settings", self.get_settings),
            web.post("/_sim/settings", self.change_settings),
            web.post("/_sim/openai/script", self.extend_script),
            web.get("/_sim/openai/script", self.get_script),
            web.post("/_sim/vapi/begin", self.begin_scheduled),
            web.post("/_sim/vapi/inbound", self.call_in),
            web.post("/_sim/twilio/inbound", self.post_inbound),
            web.post("/_sim/twilio/window", self.set_window),
            web.get("/_sim/recordings/{name}", self.get_recording),
            web.delete("/_sim/state", self.reset),
        ]

    async def get_health(self, request: web.Request) -> web.Response:
        """GET /healthz."""
        return json_reply({"status": "ok"})

    async def list_requests(self, request: web.Request) -> web.Response:
        """GET /_sim/requests?provider=&method=&path=&since=&limit=: oldest first; `path` is part of the path."""
        query = request.query
        wanted = {name: query[name] for name in ("provider", "method") if name in query}
        part = query.get("path", "")
        since, limit = _whole(query, "since", 0), _whole(query, "limit", DEFAULT_LIMIT)
        found: list[JsonDict] = []
        for arrival in self._state.memory.arrivals:
            if len(found) >= limit:
                break
            if arrival.seq <= since or part not in arrival.path:
                continue
            if all(getattr(arrival, name) == value for name, value in wanted.items()):
                found.append(arrival.as_dict())
        return json_reply({"requests": found, "last_seq": self._state.seq})

    async def list_calls(self, request: web.Request) -> web.Response:
        """GET /_sim/calls?number=: oldest first, with how often each number rang."""
        number = _plus(request.query.get("number"))
        memory = self._state.memory
        calls = [call.as_dict() for call in memory.calls.values() if number in (None, call.number)]
        rings = {key: count for key, count in memory.rings.items() if number in (None, key)}
        return json_reply({"calls": calls, "total": len(calls), "rang": rings})

    async def list_messages(self, request: web.Request) -> web.Response:
        """GET /_sim/messages?to=: oldest first; `to` with or without `whatsapp:`."""
        to = _plus(request.query.get("to"))
        found = [
            message.as_dict()
            for message in self._state.memory.messages.values()
            if to is None or message.data["to"].removeprefix("whatsapp:") == to.removeprefix("whatsapp:")
        ]
        return json_reply({"messages": found, "total": len(found)})

    async def list_events(self, request: web.Request) -> web.Response:
        """GET /_sim/events?name=&since=: Inngest events, oldest first."""
        name, since = request.query.get("name"), _whole(request.query, "since", 0)
        found = [
            event
            for event in self._state.memory.events
            if event["seq"] > since and name in (None, event["event"]["name"])
        ]
        return json_reply({"events": found, "total": len(found)})

    async def list_webhooks(self, request: web.Request) -> web.Response:
        """GET /_sim/webhooks?provider=&about=&since=: what was posted, oldest first; `about` is a call id or sid."""
        query = request.query
        since = _whole(query, "since", 0)
        found = [
            delivery.as_dict()
            for delivery in self._state.memory.deliveries
            if delivery.seq > since
            and query.get("provider") in (None, delivery.provider)
            and query.get("about") in (None, delivery.about)
        ]
        return json_reply({"webhooks": found, "total": len(found)})

    async def get_settings(self, request: web.Request) -> web.Response:
        """GET /_sim/settings."""
        return json_reply(self._state.settings.as_dict())

    async def change_settings(self, request: web.Request) -> web.Response:
        """POST /_sim/settings: changes what the object names, answers all of it; 400 changes nothing."""
        self._state.settings.change(await _object(request))
        return await self.get_settings(request)

    async def extend_script(self, request: web.Request) -> web.Response:
        """POST /_sim/openai/script {"replies": […]}: appended to what is still waiting."""
        body = await _object(request)
        self._state.memory.script.extend(checked_script(body.get("replies")))
        return await self.get_script(request)

    async def get_script(self, request: web.Request) -> web.Response:
        """GET /_sim/openai/script: what no request has used yet."""
        return json_reply({"waiting": self._state.memory.script})

    async def begin_scheduled(self, request: web.Request) -> web.Response:
        """POST /_sim/vapi/begin {"id"?}: as if the hour of that call, or of all that wait, had come."""
        wanted = await _object(request)
        calls = [call for call in self._state.memory.calls.values() if wanted.get("id") in (None, call.data["id"])]
        return json_reply({"begun": [call.data["id"] for call in calls if self._vapi.begin_scheduled(call)]})

    async def call_in(self, request: web.Request) -> web.Response:
        """POST /_sim/vapi/inbound {"url", "secret", "from", "name"?}: somebody calls; the webhooks follow."""
        wanted = await _object(request)
        _need_texts(wanted, ("url", "secret", "from"))
        name = str(wanted.get("name") or "")
        call = self._vapi.call_in(number=wanted["from"], name=name, url=wanted["url"], secret=wanted["secret"])
        return json_reply({"id": call.data["id"]}, 201)

    async def post_inbound(self, request: web.Request) -> web.Response:
        """POST /_sim/twilio/inbound: posts a signed message and tells what the application answered."""
        wanted = await _object(request)
        _need_texts(wanted, ("url", "from"))
        wanted = self._twilio.pair_of(wanted["from"]) | wanted
        _need_texts(wanted, INBOUND_NEEDS)
        if not isinstance(wanted.get("params", {}), dict):
            raise ValueError("params must be an object")
        delivery = await self._twilio.receive(wanted)
        answer = {"status": delivery.status, "body": delivery.answer, "messageSid": delivery.about}
        return json_reply({**answer, "error": delivery.error})

    async def set_window(self, request: web.Request) -> web.Response:
        """POST /_sim/twilio/window {"from": lead, "to": sender, "age_hours": n}: as if the lead wrote n hours ago."""
        wanted = await _object(request)
        _need_texts(wanted, ("from", "to"))
        age = wanted.get("age_hours", 0)
        if not isinstance(age, int | float):
            raise ValueError("age_hours must be a number")
        lead, sender = (f"whatsapp:{wanted[key].removeprefix('whatsapp:')}" for key in ("from", "to"))
        self._state.memory.windows[sender, lead] = datetime.now(UTC) - timedelta(hours=age)
        return json_reply({"from": lead, "to": sender, "age_hours": age})

    async def get_recording(self, request: web.Request) -> web.Response:
        """GET /_sim/recordings/{call id}.wav: a second of silence."""
        return web.Response(body=_silence(), content_type="audio/wav")

    async def reset(self, request: web.Request) -> web.Response:
        """DELETE /_sim/state: forget everything, settings included."""
        self._state.reset()
        return json_reply({"status": "reset"})


async def _object(request: web.Request) -> JsonDict:
    body: Any = json.loads(await request.read() or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def _need_texts(wanted: JsonDict, names: Iterable[str]) -> None:
    for name in names:
        if not isinstance(wanted.get(name), str) or not wanted[name]:
            raise ValueError(f"{name} must be a non-empty string")


def _whole(query: Any, name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isdigit():
        raise ValueError(f"{name} must be a whole number")
    return int(text)


def _plus(text: str | None) -> str | None:
    """`?number=+1555…` arrives with a space where its plus was not escaped."""
    return None if text is None else text.replace(" ", "+", 1)


def _silence() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000))
    return buffer.getvalue()
