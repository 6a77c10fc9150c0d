"""In which time zone a lead is, as far as its phone number tells."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

UNKNOWN = "Etc/Unknown"


def zone_of(phone: str, *, fallback: str) -> str:
    """Return the zone of a number (E.164); `fallback`, the workspace's, where it may be several or is unknown.

    Places that keep the same time all year are one zone here, by the name that is shortest and so best known.
    """
    # Its table is big; who never asks for a zone never loads it.
    from phonenumbers.timezone import time_zones_for_number

    try:
        zones = time_zones_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return fallback
    if fallback in zones or UNKNOWN in zones or not _are_the_same(zones):
        return fallback
    return str(max(zones, key=lambda zone: (-len(zone), zone)))


def _are_the_same(zones: tuple[str, ...]) -> bool:
    """Tell whether clocks agree in winter and in summer; no zones, or unknown ones, agree on nothing."""
    try:
        clocks = {tuple(_offset(zone, month) for month in (1, 7)) for zone in zones}
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return len(clocks) == 1


def _offset(zone: str, month: int) -> object:
    return datetime(2026, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
