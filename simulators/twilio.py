"""Twilio's Programmable Messaging, WhatsApp only."""

import asyncio
import base64
import binascii
import operator
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from simulators.clock import parse_moment, rfc2822
from simulators.replies import JsonDict, cut, half_of, json_reply
from simulators.state import Message, State
from simulators.twilio_rules import MESSAGES, form_problem, problem
from simulators.twilio_shapes import SANDBOX, callback_params, inbound_params, new_message
from simulators.webhooks import Delivery, Poster

WINDOW = timedelta(hours=24)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"": operator.eq, ">": operator.ge, "<": operator.le}


class Twilio:
    """Routes under /twilio."""

    def __init__(self, state: State, poster: Poster) -> None:
        self._state = state
        self._poster = poster
        self._tricks: dict[str, Callable[[web.Request, str, dict[str, str]], Awaitable[web.Response]]] = {
            "1610": self._unsubscribed,
            "0429": self._rate_limited,
            "0500": self._broken,
            "0504": self._late,
            "0505": self._never,
            "0506": self._cut_after,
        }

    def routes(self) -> list[web.RouteDef]:
        """All routes of this provider."""
        account = "/twilio/2010-04-01/Accounts/{account}"
        return [
            web.post(f"{account}/Messages.json", self.create_message),
            web.get(f"{account}/Messages.json", self.list_messages, allow_head=False),
            web.get(f"{account}/Messages/{{sid}}.json", self.get_message, allow_head=False),
            web.delete(f"{account}/Messages/{{sid}}.json", self.delete_message),
            web.get(f"{account}/Messages/{{sid}}/Media.json", self.list_media, allow_head=False),
            web.delete(f"{account}/Messages/{{sid}}/Media/{{media}}.json", self.delete_media),
            web.get(f"{account}.json", self.get_account, allow_head=False),
        ]

    async def create_message(self, request: web.Request) -> web.Response:
        """POST Messages.json: 201, a 400 of the rules, or what the last four digits of `To` ask for."""
        token = _auth_token(request)
        if isinstance(token, web.Response):
            return token
        form = dict(parse_qsl((await request.read()).decode("utf-8", "replace"), keep_blank_values=True))
        if (refusal := form_problem(form)) is not None:
            return refusal
        trick = self._tricks.get(form["To"][-4:]) if self._state.settings.magic else None
        if trick is not None:
            return await trick(request, token, form)
        return self._created(self._send(request, token, form))

    def _created(self, message: Message) -> web.Response:
        return json_reply(message.data, 201)

    def _send(self, request: web.Request, token: str, form: dict[str, str]) -> Message:
        message = new_message(
            account_sid=request.match_info["account"],
            auth_token=token,
            direction="outbound-api",
            sender=form.get("From"),
            to=form["To"],
            body=form.get("Body"),
        )
        message.data["messaging_service_sid"] = form.get("MessagingServiceSid")
        message.content_sid = form.get("ContentSid")
        message.content_variables = form.get("ContentVariables")
        message.status_callback = form.get("StatusCallback") or None
        self._state.memory.messages[message.data["sid"]] = message
        self._state.spawn(self._deliver(message, self._failure_of(message)))
        return message

    def _failure_of(self, message: Message) -> int | None:
        """The error code the status callback will bring, or None when the message gets through."""
        to, sender = message.data["to"], message.data["from"]
        digits = to[-4:] if self._state.settings.magic else ""
        if digits == "3014":
            return 63014
        if message.content_sid:
            return None
        if sender == SANDBOX and digits == "3015":
            return 63015
        if digits == "3016":
            return 63016
        opened = self._state.memory.windows.get((sender or "", to))
        open_now = opened is not None and datetime.now(UTC) - opened < WINDOW
        return None if open_now or sender == SANDBOX else 63016

    async def _deliver(self, message: Message, error_code: int | None) -> None:
        steps = ("sent", "delivered", "read") if error_code is None else ("failed",)
        for status in steps:
            await asyncio.sleep(self._state.settings.event_delay)
            now = rfc2822(datetime.now(UTC))
            message.data |= {"status": status, "date_updated": now}
            if status == "sent":
                message.data["date_sent"] = now
            if error_code is not None:
                message.data |= {"error_code": error_code, "error_message": MESSAGES[error_code]}
            if message.status_callback and self._state.settings.webhooks:
                await self._poster.post_form(
                    kind=f"status {status}",
                    about=message.data["sid"],
                    url=message.status_callback,
                    params=callback_params(message, status),
                    auth_token=message.auth_token,
                )

    async def _unsubscribed(self, request: web.Request, token: str, form: dict[str, str]) -> web.Response:
        return problem(21610)

    async def _rate_limited(self, request: web.Request, token: str, form: dict[str, str]) -> web.Response:
        if self._state.still_limited("twilio", form["To"]):
            return problem(20429, 429)
        return self._created(self._send(request, token, form))

    async def _broken(self, request: web.Request, token: str, form: dict[str, str]) -> web.Response:
        return problem(20500, 500)

    async def _late(self, request: web.Request, token: str, form: dict[str, str]) -> web.Response:
        message = self._send(request, token, form)
        await asyncio.sleep(self._state.settings.timeout_sleep)
        return self._created(message)

    async def _never(self, request: web.Request, token: str, form: dict[str, str]) -> web.Response:
        await asyncio.sleep(self._state.settings.timeout_sleep)
        return web.Response(status=504, body=b"<html><h1>504 Gateway Time-out</h1></html>", content_type="text/html")

    async def _cut_after(self, request: web.Request, token: str, form: dict[str, str]) -> web.Response:
        return await cut(request, after=half_of(self._created(self._send(request, token, form))))

    async def list_messages(self, request: web.Request) -> web.Response:
        """GET Messages.json?To=&From=&DateSent>=&PageSize=: newest first, both directions."""
        token = _auth_token(request)
        if isinstance(token, web.Response):
            return token
        size = request.query.get("PageSize", "50")
        limit = min(int(size), 1000) if size.isdigit() else 50
        page = int(request.query.get("Page", "0"))
        found = [
            message.data
            for message in reversed(self._state.memory.messages.values())
            if not message.deleted and _matches(message, request)
        ]
        begin, end = page * limit, (page + 1) * limit
        onwards = str(request.rel_url.update_query(Page=page + 1)).removeprefix("/twilio") if found[end:] else None
        uri = request.path_qs.removeprefix("/twilio")
        paging = {"page": page, "page_size": limit, "next_page_uri": onwards, "uri": uri}
        return json_reply({"messages": found[begin:end], **paging})

    async def get_message(self, request: web.Request) -> web.Response:
        """GET Messages/{sid}.json: the message, or 404 with code 20404."""
        message = self._find(request)
        return message if isinstance(message, web.Response) else json_reply(message.data)

    async def delete_message(self, request: web.Request) -> web.Response:
        """DELETE Messages/{sid}.json: 204."""
        message = self._find(request)
        if isinstance(message, web.Response):
            return message
        message.deleted = True
        return web.Response(status=204)

    async def list_media(self, request: web.Request) -> web.Response:
        """GET Messages/{sid}/Media.json: what came with a message."""
        message = self._find(request)
        if isinstance(message, web.Response):
            return message
        return json_reply({"media_list": [{"sid": sid, "parent_sid": message.data["sid"]} for sid in message.media]})

    async def delete_media(self, request: web.Request) -> web.Response:
        """DELETE Messages/{sid}/Media/{sid}.json: 204."""
        message = self._find(request)
        if isinstance(message, web.Response):
            return message
        if request.match_info["media"] not in message.media:
            return problem(20404, 404)
        message.media.remove(request.match_info["media"])
        return web.Response(status=204)

    async def get_account(self, request: web.Request) -> web.Response:
        """GET Accounts/{sid}.json: every well-formed account is active."""
        token = _auth_token(request)
        if isinstance(token, web.Response):
            return token
        sid = request.match_info["account"]
        return json_reply({"sid": sid, "status": "active", "friendly_name": "Sim account", "type": "Full"})

    def _find(self, request: web.Request) -> Message | web.Response:
        token = _auth_token(request)
        if isinstance(token, web.Response):
            return token
        message = self._state.memory.messages.get(request.match_info["sid"])
        return problem(20404, 404) if message is None or message.deleted else message

    def pair_of(self, lead: str) -> JsonDict:
        """Who wrote to a lead last, as what `receive` wants to know of that side; {} where nobody did."""
        for message in reversed(self._state.memory.messages.values()):
            if message.data["to"] == _as_address(lead):
                data = message.data
                return {"to": data["from"], "account_sid": data["account_sid"], "auth_token": message.auth_token}
        return {}

    async def receive(self, wanted: JsonDict) -> Delivery:
        """Post an inbound WhatsApp message to the application, opening the 24-hour window of the pair."""
        message = new_message(
            account_sid=wanted.get("account_sid") or "AC" + "0" * 32,
            auth_token=wanted["auth_token"],
            direction="inbound",
            sender=_as_address(wanted["from"]),
            to=_as_address(wanted["to"]),
            body=wanted.get("body", ""),
            sid=wanted.get("message_sid"),
        )
        data = message.data
        params = {key: str(value) for key, value in wanted.get("params", {}).items()}
        count = params.get("NumMedia", "0")
        message.media = [f"ME{uuid.uuid4().hex}" for _ in range(int(count) if count.isdigit() else 0)]
        data |= {"status": "received", "date_sent": data["date_created"], "num_media": str(len(message.media))}
        self._state.memory.messages[data["sid"]] = message
        self._state.memory.windows[data["to"], data["from"]] = message.created
        return await self._poster.post_form(
            kind="inbound",
            about=data["sid"],
            url=wanted["url"],
            params=inbound_params(data) | params,
            auth_token=wanted["auth_token"],
            signature_url=wanted.get("signature_url"),
        )


def _as_address(number: str) -> str:
    return number if number.startswith("whatsapp:") else f"whatsapp:{number}"


def _auth_token(request: web.Request) -> str | web.Response:
    """The password of Basic authentication, or the error to answer."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return problem(20003, 401)
    if scheme.lower() != "basic" or not user or not password or password.startswith("bad"):
        return problem(20003, 401)
    return password if request.match_info["account"].startswith("AC") else problem(20404, 404)


def _matches(message: Message, request: web.Request) -> bool:
    query = request.query
    data = message.data
    if data["account_sid"] != request.match_info["account"]:
        return False
    if any(query.get(key) not in (None, data[key.lower()]) for key in ("To", "From")):
        return False
    return all(
        _in_range(message.created, query[f"DateSent{sign}"], compare)
        for sign, compare in COMPARISONS.items()
        if f"DateSent{sign}" in query
    )


def _in_range(created: datetime, text: str, compare: Callable[[Any, Any], bool]) -> bool:
    wanted = parse_moment(text)
    if wanted is None:
        return False
    if len(text) == len("2026-11-22"):
        return compare(created.date(), wanted.date())
    return compare(created, wanted.replace(microsecond=0))
