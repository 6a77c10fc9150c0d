"""In which time zone a lead is, as far as its phone number tells."""

import importlib.resources
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

UNKNOWN = "Etc/Unknown"
# What phonenumbers' table of zones has wrong: prefix → (the zone it names, the zone it is). All five countries and
# Kaliningrad stopped changing their clocks, or change them on other days, and the table still names a zone that had
# the same clock once. Longest prefix first. Source: the tz database, zone.tab and the files africa, europe and
# northamerica; a test compares the whole table with it.
_CORRECTED = (
    ("740", "Europe/Bucharest", "Europe/Kaliningrad"),
    ("211", "Africa/Nairobi", "Africa/Juba"),
    ("212", "Atlantic/Canary", "Africa/Casablanca"),
    ("213", "Europe/Paris", "Africa/Algiers"),
    ("218", "Europe/Bucharest", "Africa/Tripoli"),
    ("505", "America/Chicago", "America/Managua"),
    ("52", "America/New_York", "America/Cancun"),
    ("7", "Europe/Bucharest", "Europe/Kaliningrad"),
)
# Whether two zones have the same clock is looked at in winter and in summer of these years.
_YEARS = range(2026, 2036)


def zone_of(phone: str, *, fallback: str) -> str:
    """Return the zone of a number (E.164); `fallback`, the workspace's, where it may be several or is unknown.

    Places that keep the same time all year are one zone here, by the name that is shortest and so best known.
    """
    zones = zones_of(phone, own=fallback)
    if not zones or fallback in zones or not _are_the_same(zones):
        return fallback
    return max(zones, key=lambda zone: (-len(zone), zone))


def zones_of(phone: str, *, own: str) -> tuple[str, ...]:
    """Return the zones that a number (E.164) may be in, () if it tells nothing.

    `own` is the workspace's zone. It wins for numbers of its own country, because the tables are known to be wrong
    now and then, unless that country has several clocks: Los Angeles must not be rung by New York's.
    """
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return ()
    if _is_of_one_clock(_country_of(number), own):
        return (own,)
    return _told_by(number)


def _told_by(number: phonenumbers.PhoneNumber) -> tuple[str, ...]:
    """Look a number up in the table of zones, as corrected."""
    # The table is big; a process that never asks for a zone never loads it.
    from phonenumbers.timezone import time_zones_for_geographical_number, time_zones_for_number

    zones = time_zones_for_number(number)
    if UNKNOWN in zones:
        # Ranges change faster than our tables; the beginning of a number still says where it is.
        zones = time_zones_for_geographical_number(number)
    if UNKNOWN in zones:
        return ()
    digits = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    for prefix, wrong, right in _CORRECTED:
        if wrong in zones and digits.startswith(prefix):
            return tuple(dict.fromkeys(right if zone == wrong else zone for zone in zones))
    return tuple(zones)


def _country_of(number: phonenumbers.PhoneNumber) -> str:
    found = phonenumbers.region_code_for_number(number)
    return str(found or phonenumbers.region_code_for_country_code(number.country_code or 0))


@cache
def _is_of_one_clock(country: str, zone: str) -> bool:
    """Tell whether a zone is of a country that has the same time everywhere."""
    zones = _zones_by_country().get(country, ())
    return zone in zones and _are_the_same(zones)


@cache
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    """Read the tz database's own list, from the tzdata package."""
    found: dict[str, tuple[str, ...]] = {}
    table = importlib.resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _place, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found


@cache
def _are_the_same(zones: tuple[str, ...]) -> bool:
    """Tell whether clocks agree in winter and in summer; no zones, or unknown ones, agree on nothing."""
    try:
        clocks = {tuple(_offset(zone, year, month) for year in _YEARS for month in (1, 7)) for zone in zones}
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return len(clocks) == 1


def _offset(zone: str, year: int, month: int) -> object:
    return datetime(year, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
