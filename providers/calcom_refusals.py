"""Tell by its words what a refusal of Cal.com is about.

Source: the errors that Cal.com's API v2 raises (calcom/cal.com, apps/api/v2, bookings; packages/lib/errorCodes.ts).
"""

import re
from dataclasses import dataclass

from providers.errors import ProviderError


@dataclass(frozen=True, slots=True)
class SetUp:
    """Something that is wrong with the account or the event type: no other time or name changes it."""

    code: str
    advice: str


KEY = SetUp("key", "Cal.com refuses the API key: enter a new one under Integrations.")
ACCESS = SetUp("access", "Cal.com refuses access to the event type: use the key of its owner or of one of its hosts.")
EVENT_TYPE = SetUp("event_type", "Cal.com doesn't know the event type: check its number under Integrations.")
# The first whose pattern is found in the words counts.
_SET_UP: tuple[tuple[str, SetUp], ...] = (
    (r"no hosts|event_type_no_hosts", SetUp("no_hosts", "The event type has no hosts: add at least one in Cal.com.")),
    (
        r"managed event type",
        SetUp(
            "managed",
            "The event type is a managed parent, which can't be booked: enter the number of the child event type that "
            "is assigned to a person.",
        ),
    ),
    (
        r"(booking|duration)[_ ]limit",
        SetUp(
            "limit", "The event type has reached its booking limit: raise the limit in Cal.com, or arrange the time."
        ),
    ),
    (
        r"payment|charge_card",
        SetUp("payment", "The event type wants to be paid for: choose one without payment, or switch payment off."),
    ),
    (
        r"restriction_schedule|availability_not_found",
        SetUp("schedule", "The event type has no working schedule: choose one for it in Cal.com."),
    ),
    (
        r"requires_?authentication|requires_login",
        SetUp("access", "The event type wants its visitors to be signed in: switch that off in Cal.com."),
    ),
)
_missing = re.compile(
    r"missing required booking field response: (?P<slug>[\w.-]+)|\{(?P<older>[\w.-]+)\}error_required_field",
    re.IGNORECASE,
)
_wrong = re.compile(r"booking field '(?P<slug>[\w.-]+)'", re.IGNORECASE)
_about_time = re.compile(
    r"already (has|have) (a )?booking|not available|no_available_users|hosts?_unavailable|host_unavailable|conflict"
    r"|time_out_of_bounds|at the .?start.? time|in the past|seats|slot",
    re.IGNORECASE,
)
_about_booker = re.compile(
    r"booker_limit|maximum number of active bookings|booker_email_blocked|already_signed_up", re.IGNORECASE
)


def set_up_problem(error: ProviderError) -> SetUp | None:
    """Say what is wrong with the account or the event type; None where a refusal is about something else."""
    words = f"{error.code} {error.message}".lower()
    if found := next((problem for pattern, problem in _SET_UP if re.search(pattern, words)), None):
        return found
    if error.status == 401:
        return KEY
    if error.status == 403:
        return ACCESS
    return EVENT_TYPE if error.status == 404 or error.code == "not_connected" else None


def refused_field(error: ProviderError) -> str:
    """Return the slug of the booking field that is missing or has a wrong value, "" where it is about none."""
    found = _missing.search(error.message) or _wrong.search(error.message)
    return "" if found is None else next((slug for slug in found.groupdict().values() if slug), "")


def is_about_booker(error: ProviderError) -> bool:
    """Tell whether it is this person who can't book, whatever time or name is chosen."""
    return _about_booker.search(error.message) is not None


def is_about_time(error: ProviderError) -> bool:
    """Tell whether another time may be booked."""
    return error.status == 409 or _about_time.search(f"{error.code} {error.message}") is not None
