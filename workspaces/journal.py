"""The journal: what crossed the border with a provider, readable afterwards, without its secrets."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from webapi.strict_json import NotJson, read_tolerant
from workspaces.models import LogEntry

MAX_PAYLOAD_CHARS = 16_384
MASK = "•••"
_SECRET_KEY = re.compile(
    r"authorization|api.?key|token|secret|password|credential|controlurl|listenurl|signature", re.I
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
_KEYISH = re.compile(r"\b(?:ck_(?:live|test)_|sk-|cal_live_|signkey-)[A-Za-z0-9_-]{6,}")
_KEY_PREFIXES = ("ck_live_", "ck_test_", "sk-", "cal_live_", "signkey-")
# 13–19 digits, alone or in groups, as cards begin: a phone stands behind a plus, a time in milliseconds begins with 1.
_MANY_DIGITS = re.compile(r"\d[\d -]{11,}\d")
_CARDISH = re.compile(r"(?<![\d+])[2-6](?:[ -]?\d){12,18}(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """One request to or from a provider, and how it ended. Payloads as they were: `entry` masks them."""

    provider: str
    operation: str
    outcome: LogEntry.Outcome
    direction: LogEntry.Direction = LogEntry.Direction.OUT
    status_code: int | None = None
    duration_ms: int | None = None
    request: Any = ""
    response: Any = ""
    submission: dict[str, Any] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


def entry(
    crossing: Crossing, *, workspace_id: UUID, now: datetime, lead_id: UUID | None = None, request_id: str = ""
) -> LogEntry:
    """Build the row, masked and cut, without saving it."""
    return LogEntry(
        workspace_id=workspace_id,
        lead_id=lead_id,
        request_id=request_id,
        direction=crossing.direction,
        provider=crossing.provider,
        operation=crossing.operation,
        outcome=crossing.outcome,
        status_code=crossing.status_code,
        duration_ms=crossing.duration_ms,
        request=masked_text(crossing.request, crossing.secrets),
        response=masked_text(crossing.response, crossing.secrets),
        submission=crossing.submission,
        created_at=now,
    )


def record(
    crossing: Crossing, *, workspace_id: UUID, now: datetime, lead_id: UUID | None = None, request_id: str = ""
) -> LogEntry:
    """Write a crossing down."""
    row = entry(crossing, workspace_id=workspace_id, now=now, lead_id=lead_id, request_id=request_id)
    row.save(force_insert=True)
    return row


def masked_text(payload: Any, secrets: tuple[str, ...] = ()) -> str:
    """Render a payload as text with secrets, keys and card-like numbers masked, cut to MAX_PAYLOAD_CHARS."""
    text = _masked_keys(payload)
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    # Looking for a plain word first costs a hundredth of a pattern; most payloads hold none of these.
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered:
        text = _BEARER.sub(rf"\1 {MASK}", text)
    if any(prefix in text for prefix in _KEY_PREFIXES):
        text = _KEYISH.sub(MASK, text)
    if _MANY_DIGITS.search(text):
        text = _CARDISH.sub(MASK, text)
    # Neither NUL nor half a surrogate pair can be stored.
    text = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_PAYLOAD_CHARS else text[:MAX_PAYLOAD_CHARS] + "…"


def _masked_keys(payload: Any) -> str:
    """Write a payload with what its keys name as secret masked, also where it is JSON in a text."""
    value = payload
    if isinstance(payload, str):
        if not payload.lstrip().startswith(("{", "[")) or not _SECRET_KEY.search(payload):
            return payload
        try:
            value = read_tolerant(payload)
        except NotJson:
            return payload
    return json.dumps(masked(value), ensure_ascii=False, default=str)


def masked(payload: Any) -> Any:
    """Replace the values of keys that name a secret, at any depth."""
    if isinstance(payload, dict):
        return {key: MASK if _names_secret(str(key)) else masked(value) for key, value in payload.items()}
    if isinstance(payload, list | tuple):
        return [masked(value) for value in payload]
    return payload


@lru_cache(maxsize=2048)
def _names_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None
