"""What a production server refuses to start with."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

PRODUCTION = {
    "COACHBOT_ENV": "production",
    "COACHBOT_SECRET_KEY": "a-secret-that-is-long-enough-for-a-test-0123456789",
    "COACHBOT_ENCRYPTION_KEYS": "v1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "PUBLIC_BASE_URL": "https://coachbot.example",
}


def start(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in production. What is named here keeps a .env out."""
    env = (
        {"PATH": os.environ["PATH"], "INNGEST_DEV": "", "DATABASE_URL": "sqlite:////nowhere/db"}
        | PRODUCTION
        | variables
    )
    return subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=env | {"COACHBOT_DATA_DIR": str(settings.DATA_DIR)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("value", ["1", "true", "http://127.0.0.1:8288"])
@pytest.mark.parametrize("command", [("manage.py", "check"), ("-c", "import coachbot.wsgi")])
def test_does_not_start_with_unsigned_inngest_calls(command: tuple[str, ...], value: str) -> None:
    done = start(*command, INNGEST_DEV=value)

    assert done.returncode != 0
    assert "INNGEST_DEV is set." in done.stderr


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_starts_where_inngest_calls_are_signed(value: str) -> None:
    done = start("manage.py", "check", INNGEST_DEV=value)

    assert (done.returncode, done.stderr) == (0, "")


def test_starts_in_development_with_unsigned_inngest_calls() -> None:
    done = start("manage.py", "check", INNGEST_DEV="1", COACHBOT_ENV="development")

    assert (done.returncode, done.stderr) == (0, "")
