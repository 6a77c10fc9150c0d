"""`manage.py encryption_key`."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from workspaces.secrets import decrypt, encrypt


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("encryption_key", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_first_key_is_v1_and_works_as_printed(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = []
    line, instructions = run("--new")
    settings.ENCRYPTION_KEYS = [line.strip()]
    assert line.startswith("v1:")
    assert decrypt(encrypt("secret")) == "secret"
    assert "COACHBOT_ENCRYPTION_KEYS=v1:…" in instructions


def test_next_key_counts_on_and_shows_no_key_in_use(settings: Settings) -> None:
    old = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [f"v2:{old}", f"v1:{old}"]
    line, instructions = run("--new")
    assert line.startswith("v3:")
    assert "COACHBOT_ENCRYPTION_KEYS=v3:…,v2:…,v1:…" in instructions
    assert old not in line + instructions


def test_every_key_is_another() -> None:
    assert run("--new") != run("--new")


def test_without_new_names_the_versions_alone(settings: Settings) -> None:
    key = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [f"v2:{key}", f"v1:{key}"]
    assert run()[0] == "New secrets are encrypted with v2. Configured: v2, v1.\n"


def test_says_what_to_do_where_no_key_is_configured(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = []
    with pytest.raises(CommandError, match="COACHBOT_ENCRYPTION_KEYS is not set"):
        run()
