"""When a lead may be called, by the clock where the lead is."""

from datetime import UTC, datetime, time

import pytest

from leads.hours import Hours, hours_of, next_span, when_to_call
from workspaces.models import Workspace

LONDON, NEW_YORK, PERTH = "+442079460000", "+12125550123", "+61891234567"
TOLL_FREE, RUSSIAN_MOBILE, NOWHERE = "+18005550123", "+79161234567", "+99912345"
NEW_IN_HONG_KONG = "+85212345678"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(since: str = "08:00", until: str = "21:00", timezone: str = "UTC") -> Hours:
    return Hours(since=time.fromisoformat(since), until=time.fromisoformat(until), timezone=timezone)


def test_without_hours_any_moment_is_right() -> None:
    workspace = Workspace(calling_from=None, calling_until=None)
    assert hours_of(workspace) is None
    assert when_to_call(None, LONDON, at=at("2026-06-07T03:00")) == at("2026-06-07T03:00")


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(time(8), None, (time(8), time(0))), (None, time(20), (time(0), time(20)))],
)
def test_an_end_that_is_missing_is_midnight(since: time, until: time, expected: tuple[time, time]) -> None:
    found = hours_of(Workspace(calling_from=since, calling_until=until, timezone="UTC"))
    assert found is not None
    assert (found.since, found.until) == expected


@pytest.mark.parametrize(
    ("phone", "now", "expected"),
    [
        (LONDON, "2026-06-07T12:00", "2026-06-07T12:00"),
        # British summer time: eight o'clock is seven UTC.
        (LONDON, "2026-06-07T03:00", "2026-06-07T07:00"),
        (LONDON, "2026-01-07T03:00", "2026-01-07T08:00"),
        (LONDON, "2026-06-07T20:30", "2026-06-08T07:00"),
        (NEW_YORK, "2026-06-07T03:00", "2026-06-07T12:00"),
        (NEW_YORK, "2026-06-08T00:59:30", "2026-06-08T12:00"),
        (PERTH, "2026-06-07T13:00", "2026-06-08T00:00"),
        (PERTH, "2026-06-07T00:00", "2026-06-07T00:00"),
        # A range that our tables don't know yet is still its country's.
        (NEW_IN_HONG_KONG, "2026-06-07T14:00", "2026-06-08T00:00"),
    ],
)
def test_the_hours_are_those_of_the_lead(phone: str, now: str, expected: str) -> None:
    assert when_to_call(hours(timezone="Asia/Tokyo"), phone, at=at(now)) == at(expected)


@pytest.mark.parametrize("phone", [NOWHERE, "no phone"])
def test_of_a_phone_that_tells_nothing_the_workspace_s_zone_counts(phone: str) -> None:
    assert when_to_call(hours(timezone="Asia/Tokyo"), phone, at=at("2026-06-07T13:00")) == at("2026-06-07T23:00")


def test_a_phone_of_several_zones_is_called_when_the_hours_hold_in_all() -> None:
    """A Russian mobile may be in any zone from Kaliningrad's (UTC+2) to Kamchatka's (UTC+12)."""
    span = next_span(hours("08:00", "21:00"), RUSSIAN_MOBILE, at=at("2026-06-07T00:00"))
    assert span == (at("2026-06-07T06:00"), at("2026-06-07T09:00"))


def test_where_the_hours_never_hold_in_all_the_workspace_s_zone_counts() -> None:
    """+1 800 may be from Guam to Newfoundland."""
    found = when_to_call(hours("09:00", "17:00", "America/New_York"), TOLL_FREE, at=at("2026-06-07T04:00"))
    assert found == at("2026-06-07T13:00")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-06-07T22:00", "2026-06-07T22:00"),
        ("2026-06-07T00:30", "2026-06-07T00:30"),
        ("2026-06-07T12:00", "2026-06-07T19:00"),
    ],
)
def test_hours_may_go_over_midnight(now: str, expected: str) -> None:
    assert when_to_call(hours("20:00", "02:00"), LONDON, at=at(now)) == at(expected)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # The clocks go forward on 29 March at one, and back on 25 October at two.
        ("2026-03-28T22:00", ("2026-03-29T07:00", "2026-03-29T20:00")),
        ("2026-10-24T22:00", ("2026-10-25T08:00", "2026-10-25T21:00")),
    ],
)
def test_follows_the_clocks_when_they_change(now: str, expected: tuple[str, str]) -> None:
    assert next_span(hours(), LONDON, at=at(now)) == (at(expected[0]), at(expected[1]))


def test_hours_that_the_clocks_leave_out_are_those_of_the_next_day() -> None:
    found = next_span(hours("01:15", "01:45"), LONDON, at=at("2026-03-28T22:00"))
    assert found[0] >= at("2026-03-29T00:45")
    assert found[0] < found[1]


@pytest.mark.parametrize("timezone", ["Mars/Olympus", ""])
def test_a_zone_that_this_machine_does_not_know_is_utc(timezone: str) -> None:
    found = when_to_call(hours(timezone=timezone), NOWHERE, at=at("2026-06-07T03:00"))
    assert found == at("2026-06-07T08:00")


def test_hours_of_seconds_are_hours_too() -> None:
    found = next_span(hours("08:00:00", "08:00:30", "UTC"), NOWHERE, at=at("2026-06-07T08:00:10"))
    assert found == (at("2026-06-08T08:00:00"), at("2026-06-08T08:00:30"))
