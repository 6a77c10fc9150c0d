"""Moments in the spellings the providers use."""

from datetime import UTC, datetime
from email.utils import format_datetime


def iso_ms(moment: datetime) -> str:
    """`2026-11-22T04:00:00.145Z`: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_of(timestamp: float) -> str:
    """Spell a Unix timestamp (seconds) like `iso_ms`."""
    return iso_ms(datetime.fromtimestamp(timestamp, UTC))


def rfc2822(moment: datetime) -> str:
    """`Sun, 22 Nov 2026 04:00:00 +0000`: Twilio's dates, whole seconds."""
    return format_datetime(moment.astimezone(UTC))


def parse_moment(text: object) -> datetime | None:
    """Read an ISO 8601 date or date-time (UTC when it names no zone). None: it isn't one."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
