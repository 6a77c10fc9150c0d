"""Inngest's wire: sending events. What it calls back is served by whatsapp.functions.

The SDK is imported at first use only: it costs half a second that a `manage.py` command need not pay.
"""

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings

from providers.errors import ENGINE_AWAY, Unavailable
from webapi.build_once import build_once

if TYPE_CHECKING:
    import inngest

logger = logging.getLogger(__name__)

APP_ID = "coachbot"
MAX_BATCH = 100
REQUEST_TIMEOUT_MS = 1000
# The SDK waits out five attempts (3 to 9 s) before it gives up. Who asks right after that is told at once.
AWAY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A wake-up. `id` deduplicates for 24 hours; `data` holds ids only, because Inngest stores and shows it."""

    id: str
    name: str
    data: Mapping[str, str]


@dataclass(slots=True)
class _Outage:
    """When Inngest was last found away; shared by all threads."""

    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_outage = _Outage()


def is_development() -> bool:
    """Tell whether a dev server is used, which signs nothing. Not set means production: it fails closed."""
    return settings.INNGEST_DEV.lower() not in {"", "0", "false"}


@build_once
def client() -> "inngest.Inngest":
    """Return the process' one client; making it takes a third of a second."""
    import inngest

    # httpx writes whole URLs at INFO, and Inngest's hold the event key.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    dev_url = settings.INNGEST_DEV if settings.INNGEST_DEV.startswith("http") else None
    base_url = settings.INNGEST_BASE_URL or dev_url
    return inngest.Inngest(
        app_id=APP_ID,
        api_base_url=base_url,
        event_api_base_url=base_url,
        # Never None in development: the SDK would take an empty variable for a key.
        event_key=settings.INNGEST_EVENT_KEY or ("dev" if is_development() else None),
        signing_key=settings.INNGEST_SIGNING_KEY or None,
        is_production=not is_development(),
        request_timeout=REQUEST_TIMEOUT_MS,
        logger=logging.getLogger("inngest"),
    )


def send_events(events: Sequence[Event]) -> list[str]:
    """Send at most MAX_BATCH events and return Inngest's own ids. An acknowledgement is no proof of a run.

    Raises Unavailable, whatever went wrong: the same event may always be sent again under the same id.
    """
    if time.monotonic() < _outage.until:
        raise Unavailable("Inngest is not reachable", retry_after_s=AWAY_S, code=ENGINE_AWAY)
    import inngest

    batch = [inngest.Event(id=event.id, name=event.name, data=dict(event.data)) for event in events]
    started = time.monotonic()
    try:
        ids = client().send_sync(batch)
    except Exception as error:
        # The SDK lets its own errors, httpx's, JSON's and pydantic's through; none of them is worth a lead.
        raise _away(type(error).__name__, started) from error
    if len(ids) != len(batch):
        # A refusal without a reason comes back as an empty success.
        raise _away(f"{len(ids)} of {len(batch)} events acknowledged", started)
    return ids


def forget() -> None:
    """Drop the client and what is known of an outage, as after a fork or a change of settings."""
    client.forget()
    _outage.until = 0.0
    _outage.lock = threading.Lock()


def _away(reason: str, started: float) -> Unavailable:
    with _outage.lock:
        _outage.until = time.monotonic() + AWAY_S
    logger.warning("inngest did not take the events: %s", reason)
    return Unavailable(
        f"Inngest did not take the event: {reason}",
        retry_after_s=AWAY_S,
        code=ENGINE_AWAY,
        duration_ms=round((time.monotonic() - started) * 1000),
    )


# A forked child must neither share its parent's connections nor wait for a lock that nobody holds.
os.register_at_fork(after_in_child=forget)
