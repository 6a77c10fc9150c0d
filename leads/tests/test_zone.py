"""A lead's time zone, from its phone number."""

import pytest

from leads.zone import zone_of


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
