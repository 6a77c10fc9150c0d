"""E-mail addresses by RFC 5322, 5321 and 6531, without asking the network; by the library email-validator."""

import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

MAX_CHARS = 254
# What comes along when an address is copied and shows nothing. Not the soft hyphen: it may stand for a real one.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# What every calendar and form on the way takes.
_plain = re.compile(r"[A-Za-z0-9._%+'-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}").fullmatch


class NotAnEmail(ValueError):
    """The text is no address that a mail server would take."""


def normalise(text: str) -> str:
    """Return an address as it is stored: composed letters, the domain in lower case, nothing invisible.

    Raises NotAnEmail.
    """
    address = _INVISIBLE.sub("", text).strip()
    if len(address) > MAX_CHARS or any(unicodedata.east_asian_width(mark) == "F" for mark in address):
        raise NotAnEmail
    try:
        # Domains under .test are nobody's; those who try the API out use them.
        found = validate_email(address, check_deliverability=False, allow_quoted_local=True, test_environment=True)
    except EmailNotValidError:
        raise NotAnEmail from None
    if "." not in found.domain or len(found.normalized) > MAX_CHARS:
        raise NotAnEmail
    return str(found.normalized)


def is_plain(address: str) -> bool:
    """Tell whether an address is of the kind that calendars take: ASCII, nothing quoted."""
    return _plain(address) is not None
