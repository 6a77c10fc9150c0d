"""Typed readers of the environment. The only module that looks at it; settings.py asks here.

A value that can't be read stops the start with a sentence that names the variable and what it should look like.
"""

import os
import re
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coachbot.settings")

_reader = environ.Env()
_PRICED = re.compile(r"([^=\s]+)\s*=\s*(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)", re.ASCII)


def read_dotenv(path: Path) -> None:
    """Load KEY=value lines of a file that may be absent; what the process already has wins. Tests go without."""
    if path.is_file() and text("COACHBOT_ENV") != "test":
        environ.Env.read_env(str(path), overwrite=False)


def text(name: str, default: str = "") -> str:
    """Read a string, trimmed."""
    return str(_reader.str(name, default=default)).strip()


def integer(name: str, default: int) -> int:
    """Read a whole number of zero or more."""
    raw = text(name, str(default))
    if not raw.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number of 0 or more, not {raw!r}.")
    return int(raw)


def seconds(name: str, default: float) -> float:
    """Read a duration in seconds."""
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number of seconds, not {raw!r}.")
    return value


def hours(name: str, default: str) -> tuple[time, time]:
    """Read two times of day, such as 08:00-21:00. Two equal ones mean any hour."""
    raw = text(name, default)
    try:
        since, until = (time.fromisoformat(part.strip()) for part in raw.split("-"))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be two times of day such as 08:00-21:00, not {raw!r}.") from None
    return since, until


def flag(name: str, *, default: bool = False) -> bool:
    """Read a switch: 1/true/yes/on or 0/false/no/off."""
    raw = text(name, "1" if default else "0").lower()
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off", ""}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {raw!r}.")


def choice(name: str, *, options: tuple[str, ...], default: str) -> str:
    """Read one word out of a few."""
    raw = text(name, default)
    if raw not in options:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(options)}, not {raw!r}.")
    return raw


def words(name: str, default: str = "") -> list[str]:
    """Read a comma-separated list; empty items are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def prices(name: str, default: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Read what models cost: `model=in/out`, in US dollars per million tokens, separated by commas."""
    found = {}
    for each in words(name, default):
        priced = _PRICED.fullmatch(each)
        if priced is None:
            raise ImproperlyConfigured(f"{name} must be like gpt-5.4-mini=0.75/4.5, not {each!r}.")
        found[priced[1]] = (Decimal(priced[2]), Decimal(priced[3]))
    return found


def url(name: str, default: str = "") -> str:
    """Read an http(s) URL without its trailing slash."""
    raw = text(name, default).rstrip("/")
    if raw and not raw.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"{name} must begin with http:// or https://, not {raw!r}.")
    return raw


def email(name: str) -> dict[str, Any]:
    """Read a mail server's URL (smtp://…, smtps://…, smtp+tls://…) into Django's settings; {} where there is none."""
    raw = text(name)
    if not raw:
        return {}
    if not raw.startswith(("smtp://", "smtps://", "smtp+tls://")):
        raise ImproperlyConfigured(f"{name} must be like smtp+tls://user:password@mail.example.com:587.")
    # The reader takes smtps for STARTTLS; everybody else takes it for TLS from the first byte.
    return dict(_reader.email_url_config(re.sub(r"^smtps:", "smtp+ssl:", raw)))


def database(name: str, default: str) -> dict[str, Any]:
    """Read a database URL (postgres://… or sqlite:///…) into Django's dictionary."""
    raw = text(name, default)
    if not raw.startswith(("postgres://", "postgresql://", "sqlite:///")):
        raise ImproperlyConfigured(f"{name} must be like postgres://user@host/name or sqlite:////absolute/path.")
    return dict(_reader.db_url_config(raw))
