"""Recordings: a link of ours that leads to Vapi's short-lived one. Vapi's own are private."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing

from database import clock
from voice.models import CallSession

# A link works for one to two of these. It stays the same for a whole one, so that answers holding it can be cached.
PERIOD = timedelta(days=7)
_signer = signing.Signer(sep=".", salt="voice.recordings")


def public_url(session: CallSession) -> str:
    """Return the link to a session's recording: unguessable, for whoever has it, for at least a week."""
    return f"{settings.PUBLIC_BASE_URL}{path(session)}"


def path(session: CallSession) -> str:
    """Return the same without the host, for a page of ours."""
    token = _signer.sign(f"{session.pk.hex}-{_period(clock.now()) + 1:x}")
    return f"/api/vapi/recordings/{token}"


def session_of(token: str, *, now: datetime) -> UUID | None:
    """Return whose recording a link is for; None when it is forged or too old."""
    try:
        session_id, _, last_period = _signer.unsign(token).partition("-")
        if _period(now) > int(last_period, 16):
            return None
        return UUID(session_id)
    except (signing.BadSignature, ValueError):
        return None


def _period(at: datetime) -> int:
    return int(at.timestamp() // PERIOD.total_seconds())
