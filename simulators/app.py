"""The application: all providers behind one middleware that records, delays and breaks."""

import asyncio
import time
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from simulators.calcom import CalCom
from simulators.control import Control
from simulators.inngest import Inngest
from simulators.openai import OpenAI
from simulators.replies import Dropped, cut, json_reply
from simulators.state import PROVIDERS, State
from simulators.twilio import Twilio
from simulators.vapi import Vapi
from simulators.webhooks import Poster

BODY_LIMIT = 16 * 1024 * 1024
HANG_CHECK_S = 1.0


def build_app(state: State) -> web.Application:
    """Wire the stand-ins together around one state."""
    poster = Poster(state)
    twilio = Twilio(state, poster)
    vapi = Vapi(state, poster)
    app = web.Application(middlewares=[_front(state)], client_max_size=BODY_LIMIT)
    for part in (vapi, twilio, OpenAI(state), CalCom(state), Inngest(state), Control(state, twilio, vapi)):
        app.add_routes(part.routes())

    async def run_poster(_: web.Application) -> AsyncIterator[None]:
        async with poster:
            yield
            state.cancel_tasks()

    app.cleanup_ctx.append(run_poster)
    return app


def _front(state: State) -> Middleware:
    providers = frozenset(PROVIDERS)

    @web.middleware
    async def front(request: web.Request, handler: Handler) -> web.StreamResponse:
        provider = _provider_of(request.path)
        if provider not in providers:
            return await _control(request, handler)
        begun = time.perf_counter()
        arrival = state.note_arrival(request, provider, await request.read())
        response: web.StreamResponse
        if state.settings.mode[provider] != "ok":
            response = await _broken(request, state.settings.mode[provider])
        else:
            latency = state.settings.latency_of(provider)
            if latency:
                await asyncio.sleep(latency)
            response = await _answer(request, handler)
        if not isinstance(response, Dropped):
            arrival.status = response.status
        arrival.ms = round((time.perf_counter() - begun) * 1000, 2)
        return response

    return front


def _provider_of(path: str) -> str:
    first = path.split("/", 2)[1]
    # Inngest's SDK drops the path of its base URL.
    return "inngest" if first == "e" else first


async def _control(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await _answer(request, handler)
    except ValueError as error:
        return json_reply({"error": str(error)}, 400)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        message = f"Cannot {request.method} {request.path}"
        return json_reply({"message": message, "error": refusal.reason, "statusCode": refusal.status}, refusal.status)


async def _broken(request: web.Request, mode: str) -> Dropped:
    """`down` resets the connection at once, `hang` never answers."""
    while mode == "hang" and request.transport is not None:
        await asyncio.sleep(HANG_CHECK_S)
    return await cut(request)
