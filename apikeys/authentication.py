"""Which key calls: `Authorization: Bearer ck_…` → Caller, by one indexed query."""

import hmac
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apikeys.models import LAST_USED_EVERY, ApiKey, parse_token
from webapi.errors import ApiError
from workspaces import prepared

MISSING = "Missing Authorization header."
WRONG_SCHEME = "Authorization header must use the `Bearer <api key>` scheme."
INVALID = "API key is invalid or revoked."

# How long a process may go by what it last read of a key. Nothing is let through on it alone: the statement that
# inserts a lead checks the key again, and every refusal reads it anew before it is answered.
REMEMBER_S = 5.0
MAX_REMEMBERED = 10_000

_SELECT = """
SELECT k.token_hash, k.id, k.name, k.mode, k.limit_per_minute, k.limit_per_hour,
       w.id, w.channel, w.default_region
FROM apikeys_apikey k JOIN workspaces_workspace w ON w.id = k.workspace_id
WHERE k.prefix = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The key that calls and the workspace it opens."""

    key_id: UUID
    key_name: str
    is_test: bool
    limit_per_minute: int | None
    limit_per_hour: int | None
    workspace_id: UUID
    channel: str
    default_region: str


_remembered: dict[str, tuple[float, Caller]] = {}
_stamped: dict[UUID, float] = {}


def forget() -> None:
    """Forget what this process remembers of keys."""
    _remembered.clear()
    _stamped.clear()


def identify(authorization: str | None, *, now: datetime) -> Caller:
    """Read the key that calls from the database. Raises ApiError (401)."""
    token = _bearer_token(authorization)
    parsed = parse_token(token)
    caller = _look_up(*parsed, now=now) if parsed else None
    if caller is None:
        _remembered.pop(token, None)
        raise unauthorized(INVALID)
    if len(_remembered) >= MAX_REMEMBERED:
        _remembered.clear()
    _remembered[token] = (time.monotonic(), caller)
    _stamp(caller.key_id, now=now)
    return caller


def recall(authorization: str | None, *, now: datetime) -> Caller:
    """Name the caller by what was read up to REMEMBER_S ago, else by `identify`. Raises ApiError (401)."""
    token = _bearer_token(authorization)
    found = _remembered.get(token)
    if found is None:
        return identify(authorization, now=now)
    if time.monotonic() - found[0] > REMEMBER_S:
        # One reads anew; who comes meanwhile goes by the old for a moment more, instead of all reading at once.
        _remembered[token] = (time.monotonic(), found[1])
        return identify(authorization, now=now)
    _stamp(found[1].key_id, now=now)
    return found[1]


def unauthorized(error: str) -> ApiError:
    """Build a 401."""
    return ApiError(401, error, headers={"WWW-Authenticate": "Bearer"})


def _bearer_token(authorization: str | None) -> str:
    if authorization is None:
        raise unauthorized(MISSING)
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthorized(WRONG_SCHEME)
    return token


def _look_up(prefix: str, token_hash: str, *, now: datetime) -> Caller | None:
    for row in prepared.fetch(_SELECT, [prefix, now]):
        if hmac.compare_digest(row[0], token_hash):
            return Caller(
                key_id=_uuid(row[1]),
                key_name=row[2],
                is_test=row[3] == "test",
                limit_per_minute=row[4],
                limit_per_hour=row[5],
                workspace_id=_uuid(row[6]),
                channel=row[7],
                default_region=row[8],
            )
    return None


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _stamp(key_id: UUID, *, now: datetime) -> None:
    """Write last_used_at at most once a minute; the row itself settles it between processes."""
    moment = time.monotonic()
    if moment - _stamped.get(key_id, -1e9) > LAST_USED_EVERY.total_seconds():
        _stamped[key_id] = moment
        ApiKey.objects.stamp_used(key_id, at=now)
