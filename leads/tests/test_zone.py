"""A lead's time zone, from its phone number."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from leads.hours import Hours, next_span
from leads.zone import _zones_by_country, zone_of, zones_of

DECEMBER = datetime(2026, 12, 15, 12, tzinfo=UTC)
# Ascension and Kosovo have no line in zone.tab, 7840 is Abkhazia's old code.
NOT_IN_ZONE_TAB = {"247", "383", "7840"}


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        ("+12025550123", "America/New_York"),
        ("+447123456789", "Europe/London"),
        ("+4915112345678", "Europe/Berlin"),
        ("+61412345678", "Asia/Tokyo"),
        ("+18005550123", "Asia/Tokyo"),
        ("+15555550123", "Asia/Tokyo"),
        ("+999", "Asia/Tokyo"),
        ("nobody", "Asia/Tokyo"),
    ],
)
def test_one_zone_is_believed_and_several_are_the_workspaces(phone: str, zone: str) -> None:
    assert zone_of(phone, fallback="Asia/Tokyo") == zone


def test_the_workspaces_own_zone_wins_where_it_is_among_them() -> None:
    assert zone_of("+61412345678", fallback="Australia/Perth") == "Australia/Perth"
    assert zone_of("+447123456789", fallback="Europe/Jersey") == "Europe/Jersey"


@pytest.mark.parametrize(
    ("phone", "hours_from_utc"),
    [
        ("+16042345678", -7),  # British Columbia
        ("+14032345678", -6),  # Alberta
        ("+12042345678", -5),  # Manitoba
        ("+5352345678", -4),  # Havana
        ("+212522123456", 0),  # Casablanca
        ("+213551234567", 1),
        ("+212612345678", 0),
        ("+218912345678", 2),
        ("+50581234567", -6),
        ("+211977123456", 2),
    ],
)
def test_clocks_are_those_of_the_pinned_tables(phone: str, hours_from_utc: int) -> None:
    """December 2026 by tzdata 2026f: the tables of older systems are an hour off for the first five."""
    zone = zone_of(phone, fallback="Asia/Tokyo")
    assert DECEMBER.astimezone(ZoneInfo(zone)).utcoffset() == timedelta(hours=hours_from_utc)


@pytest.mark.parametrize(
    ("phone", "first_call"),
    [("+16042345678", "16:00"), ("+12042345678", "14:00"), ("+218912345678", "07:00"), ("+50581234567", "15:00")],
)
def test_calling_hours_begin_by_those_clocks(phone: str, first_call: str) -> None:
    nine_to_eight = Hours(
        since=datetime.min.time().replace(hour=9), until=datetime.min.time().replace(hour=20), timezone="UTC"
    )
    at = datetime(2026, 12, 15, 0, tzinfo=UTC)
    since, _until = next_span(nine_to_eight, phone, at=at + timedelta(hours=4))
    assert f"{since:%H:%M}" == first_call


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        ("+213551234567", "Africa/Algiers"),
        ("+212612345678", "Africa/Casablanca"),
        ("+218912345678", "Africa/Tripoli"),
        ("+50581234567", "America/Managua"),
        ("+211977123456", "Africa/Juba"),
        ("+74012345678", "Europe/Kaliningrad"),
    ],
)
def test_corrects_what_the_table_has_wrong(phone: str, zone: str) -> None:
    assert zones_of(phone, own="Asia/Tokyo") == (zone,)


def test_every_prefix_tells_a_clock_of_its_country() -> None:
    """Compare the whole table with the tz database's own list of countries, so that a new mistake is noticed."""
    from phonenumbers.tzdata import TIMEZONE_DATA

    wrong = {}
    for prefix in TIMEZONE_DATA:
        code, number = _split(prefix)
        countries = phonenumbers.region_codes_for_country_code(code)
        own = {_clock(zone) for country in countries for zone in _zones_by_country().get(country, ())}
        if prefix in NOT_IN_ZONE_TAB or not own:
            continue
        told = zones_of(f"+{code}{number}".ljust(6, "0"), own="UTC")
        off = [zone for zone in told if _clock(zone) not in own]
        if off:
            wrong[prefix] = off
    assert wrong == {}


@pytest.mark.parametrize(
    ("phone", "own", "zones"),
    [
        # One clock in the whole country: nobody knows it better than the business that is there.
        ("+213551234567", "Africa/Algiers", ("Africa/Algiers",)),
        ("+447123456789", "Europe/London", ("Europe/London",)),
        ("+4915112345678", "Europe/Busingen", ("Europe/Busingen",)),
        # Several: a business in New York must not ring Los Angeles by its own clock.
        ("+12135550123", "America/New_York", ("America/Los_Angeles",)),
        # Another country's number.
        ("+213551234567", "Europe/Paris", ("Africa/Algiers",)),
    ],
)
def test_the_workspaces_zone_wins_in_its_own_country(phone: str, own: str, zones: tuple[str, ...]) -> None:
    assert zones_of(phone, own=own) == zones


def _split(prefix: str) -> tuple[int, str]:
    for length in (1, 2, 3):
        if int(prefix[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return int(prefix[:length]), prefix[length:]
    raise AssertionError(prefix)


@cache
def _clock(zone: str) -> tuple[timedelta | None, ...]:
    return tuple(datetime(2026, month, 15, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() for month in range(1, 13))
