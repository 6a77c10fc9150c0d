"""Inngest's event API: takes events and remembers them; it runs nothing."""

import secrets
import time

from aiohttp import web

from simulators.clock import iso_of
from simulators.replies import json_body, json_reply
from simulators.state import State

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid() -> str:
    """48 bits of milliseconds and 80 of chance, as 26 characters."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


class Inngest:
    """Routes under /inngest, and at the root, which is where Inngest's own SDK looks for them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """All routes of this provider."""
        return [web.post(f"{base}/e/{{key}}", self.receive_events) for base in ("/inngest", "")]

    async def receive_events(self, request: web.Request) -> web.Response:
        """POST /e/{event key}: one event or a list of them; a key starting with `bad` is refused."""
        if request.match_info["key"].startswith("bad"):
            return json_reply({"error": "Event key not found", "status": 401}, 401)
        try:
            body = json_body(await request.read())
        except ValueError:
            return json_reply({"error": "Unable to parse the events", "status": 400}, 400)
        events = body if isinstance(body, list) else [body]
        if any(not isinstance(event, dict) or not event.get("name") for event in events):
            return json_reply({"error": "Event name is empty", "status": 400}, 400)
        ids = [new_ulid() for _ in events]
        for event_id, event in zip(ids, events, strict=True):
            self._state.memory.events.append(
                {
                    "seq": self._state.next_seq(),
                    "received_at": iso_of(time.time()),
                    "key": request.match_info["key"],
                    "internal_id": event_id,
                    "event": event,
                }
            )
        return json_reply({"ids": ids, "status": 200})
