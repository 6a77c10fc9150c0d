"""What the stand-ins remember: requests, calls, messages, events, and the settings of the moment."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from simulators.clock import iso_of
from simulators.replies import JsonDict

PROVIDERS = ("vapi", "twilio", "openai", "calcom", "inngest")
MODES = ("ok", "down", "hang")
RING_SIZE = 20_000


@dataclass(frozen=True, slots=True)
class StartOptions:
    """The command line's choices, all in seconds; `DELETE /_sim/state` returns to them."""

    latency: float = 0.05
    event_delay: float = 1.0
    timeout_sleep: float = 20.0


class Settings:
    """What `POST /_sim/settings` may change."""

    def __init__(self, options: StartOptions) -> None:
        self.latency: dict[str, float] = {"default": options.latency}
        self.event_delay = options.event_delay
        self.timeout_sleep = options.timeout_sleep
        self.mode: dict[str, str] = dict.fromkeys(PROVIDERS, "ok")
        self.record_bodies = True
        self.webhooks = True
        self.magic = True
        self.echo = False
        self.rate_limit_times: dict[str, int | None] = {"vapi": None, "twilio": 2}

    def latency_of(self, provider: str) -> float:
        """Seconds to wait before this provider answers."""
        return self.latency.get(provider, self.latency["default"])

    def as_dict(self) -> JsonDict:
        """The shape of `GET /_sim/settings`."""
        return dict(vars(self))

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Take over `wanted`, whole or not at all. Raises ValueError with words for the caller."""
        checked = {key: self._checked(key, value) for key, value in wanted.items()}
        for key, value in checked.items():
            setattr(self, key, value)

    def _checked(self, key: str, value: Any) -> Any:
        if key in ("event_delay", "timeout_sleep"):
            return _seconds(key, value)
        if key in ("record_bodies", "webhooks", "magic", "echo"):
            if not isinstance(value, bool):
                raise ValueError(f"{key} must be true or false")
            return value
        if key == "latency":
            return self._latency(value)
        if key == "mode":
            return self._mode(value)
        if key == "rate_limit_times":
            return self._rate_limit_times(value)
        raise ValueError(f"unknown setting {key!r}")

    def _latency(self, value: Any) -> dict[str, float]:
        if not isinstance(value, dict):
            return {"default": _seconds("latency", value)}
        _known_only("latency", value, ("default", *PROVIDERS))
        return {**self.latency, **{name: _seconds("latency", seconds) for name, seconds in value.items()}}

    def _mode(self, value: Any) -> dict[str, str]:
        if not isinstance(value, dict) or any(mode not in MODES for mode in value.values()):
            raise ValueError(f"mode must be an object of provider: one of {', '.join(MODES)}")
        _known_only("mode", value, PROVIDERS)
        return {**self.mode, **value}

    def _rate_limit_times(self, value: Any) -> dict[str, int | None]:
        if not isinstance(value, dict) or any(not (n is None or type(n) is int) for n in value.values()):
            raise ValueError("rate_limit_times must be an object of provider: a whole number, or null for always")
        _known_only("rate_limit_times", value, ("vapi", "twilio"))
        return {**self.rate_limit_times, **value}


def _seconds(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{key} must be seconds, 0 or more")
    return float(value)


def _known_only(key: str, value: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in value:
        if name not in names:
            raise ValueError(f"{key}: unknown provider {name!r}")


@dataclass(slots=True, eq=False)
class Arrival:
    """One request that came in; kept raw, because most are never looked at."""

    seq: int
    at: float
    provider: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None = None
    ms: float | None = None

    def as_dict(self) -> JsonDict:
        """The shape of one entry of `GET /_sim/requests`."""
        return {
            "seq": self.seq,
            "time": iso_of(self.at),
            "provider": self.provider,
            "method": self.method,
            "path": self.path,
            "query": dict(parse_qsl(self.query, keep_blank_values=True)),
            "headers": {name: _masked(name, value) for name, value in self.headers.items()},
            "body": parsed_body(self.body, self.headers.get("Content-Type", "")),
            "status": self.status,
            "ms": self.ms,
        }


def _masked(name: str, value: str) -> str:
    return f"…{value[-4:]}" if name.lower() == "authorization" else value


def parsed_body(raw: bytes, content_type: str) -> Any:
    """JSON as data, a form as an object, anything else as text, nothing as null."""
    if not raw:
        return None
    text = raw.decode("utf-8", "replace")
    if "x-www-form-urlencoded" in content_type:
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(slots=True, eq=False)
class Call:
    """A call at Vapi: `data` is what the API shows, the rest is only for the control endpoints."""

    data: JsonDict
    number: str
    created: datetime
    answered: datetime | None = None
    rang: bool = False
    deleted: bool = False
    report: JsonDict | None = None

    @property
    def has_server(self) -> bool:
        """Whether anyone wants to hear of it."""
        return bool((self.data.get("assistantOverrides") or {}).get("server"))

    def as_dict(self) -> JsonDict:
        """The shape of one entry of `GET /_sim/calls`."""
        overrides = self.data.get("assistantOverrides") or {}
        return {
            "id": self.data["id"],
            "number": self.number,
            "name": self.data.get("name"),
            "metadata": overrides.get("metadata"),
            "status": self.data["status"],
            "endedReason": self.data.get("endedReason"),
            "rang": self.rang,
            "deleted": self.deleted,
            "createdAt": self.data["createdAt"],
        }


@dataclass(slots=True, eq=False)
class Message:
    """A WhatsApp message at Twilio, either direction; `data` is what the API shows."""

    data: JsonDict
    created: datetime
    auth_token: str
    content_sid: str | None = None
    content_variables: str | None = None
    status_callback: str | None = None
    media: list[str] = field(default_factory=list)
    deleted: bool = False

    def as_dict(self) -> JsonDict:
        """The shape of one entry of `GET /_sim/messages`."""
        shown = ("sid", "account_sid", "direction", "from", "to", "body", "status", "error_code", "date_created")
        return {name: self.data[name] for name in shown} | {
            "content_sid": self.content_sid,
            "content_variables": self.content_variables,
            "status_callback": self.status_callback,
            "media": list(self.media),
            "deleted": self.deleted,
        }


@dataclass(slots=True)
class Memory:
    """Everything `DELETE /_sim/state` forgets."""

    arrivals: deque[Arrival] = field(default_factory=lambda: deque(maxlen=RING_SIZE))
    deliveries: deque[Any] = field(default_factory=lambda: deque(maxlen=RING_SIZE))
    events: deque[JsonDict] = field(default_factory=lambda: deque(maxlen=RING_SIZE))
    calls: dict[str, Call] = field(default_factory=dict)
    rings: Counter[str] = field(default_factory=Counter)
    messages: dict[str, Message] = field(default_factory=dict)
    windows: dict[tuple[str, str], datetime] = field(default_factory=dict)
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)
    script: list[JsonDict] = field(default_factory=list)
    bookings: list[JsonDict] = field(default_factory=list)


class State:
    """The process's one shared object: options, settings, memory and background tasks."""

    def __init__(self, options: StartOptions) -> None:
        self.options = options
        self.settings = Settings(options)
        self.memory = Memory()
        self.base_url = ""
        self.seq = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def note_arrival(self, request: web.Request, provider: str, body: bytes) -> Arrival:
        """Record a request before it is answered; the caller fills `status` and `ms`."""
        self.seq += 1
        arrival = Arrival(
            seq=self.seq,
            at=time.time(),
            provider=provider,
            method=request.method,
            path=request.path,
            query=request.rel_url.raw_query_string,
            headers=request.headers,
            body=body if self.settings.record_bodies else b"",
        )
        self.memory.arrivals.append(arrival)
        return arrival

    def next_seq(self) -> int:
        """The number of the next thing recorded; requests, webhooks and events share one count."""
        self.seq += 1
        return self.seq

    def still_limited(self, provider: str, key: str) -> bool:
        """Count one more try of `key`; True while the provider should answer 429."""
        self.memory.attempts[provider, key] += 1
        times = self.settings.rate_limit_times[provider]
        return times is None or self.memory.attempts[provider, key] <= times

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in the background until it ends, the state is reset or the process stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def reset(self) -> None:
        """Forget everything and return to the start options; sequence numbers go on."""
        self.cancel_tasks()
        self.settings = Settings(self.options)
        self.memory = Memory()

    def cancel_tasks(self) -> None:
        """Stop all background work at once."""
        for task in list(self._tasks):
            task.cancel()
