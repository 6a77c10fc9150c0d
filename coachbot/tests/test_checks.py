"""A misconfiguration is named at start."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from coachbot import checks

GOOD: dict[str, Any] = {
    "ENCRYPTION_KEYS": ["a:key"],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
    "REDIS_URL": "redis://127.0.0.1",
    "INNGEST_DEV": "",
    "INNGEST_EVENT_KEY": "",
    "INNGEST_SIGNING_KEY": "",
    "DISPATCH_LEASE_S": 60.0,
    "PROVIDER_CONNECT_TIMEOUT_S": 3.05,
    "VAPI_TIMEOUT_S": 15.0,
    "HTTPS": True,
    "SECURE_SSL_REDIRECT": True,
    "TRUSTED_PROXIES": 1,
}


def ours(*, deploy: bool = False) -> dict[str | None, str]:
    found = run_checks(include_deployment_checks=deploy)
    return {message.id: message.hint or "" for message in found if str(message.id).startswith("coachbot.")}


@pytest.mark.django_db
def test_finds_nothing_in_a_fresh_checkout() -> None:
    assert ours() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["LEAD_TIMELINES", "LEAD_SWEEPS", "MAIL_SWEEPS"])
def test_names_a_function_that_cannot_be_imported(name: str, settings: Settings) -> None:
    setattr(settings, name, ("nowhere.items",))
    assert "nowhere.items" in ours()["coachbot.E006"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["nowhere.Channel", "voice.channel.Nothing", "voice"])
def test_names_a_channel_that_cant_be_imported(settings: Settings, path: str) -> None:
    settings.LEAD_CHANNELS = {"sms": path}

    ((found, hint),) = ours().items()

    assert found == "coachbot.E001"
    assert repr(path) in hint


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"ENCRYPTION_KEYS": []}, "coachbot.E002"),
        ({"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}}, "coachbot.W001"),
        ({"REDIS_URL": ""}, "coachbot.W002"),
        ({"INNGEST_DEV": "1"}, "coachbot.E003"),
        ({"INNGEST_EVENT_KEY": "key"}, "coachbot.E004"),
        ({"VAPI_TIMEOUT_S": 30.0}, "coachbot.E005"),
        ({"INNGEST_EVENT_KEY": "key", "INNGEST_SIGNING_KEY": "key"}, None),
        ({"HTTPS": False}, "coachbot.W003"),
        ({"TRUSTED_PROXIES": 0}, "coachbot.W004"),
        ({"TRUSTED_PROXIES": 0, "SECURE_SSL_REDIRECT": False}, None),
        ({"STATIC_ROOT": Path("/nowhere")}, "coachbot.W005"),
    ],
)
def test_names_what_production_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, Any], expected: str | None
) -> None:
    (tmp_path / "staticfiles.json").touch()
    monkeypatch.setattr(checks, "settings", SimpleNamespace(**(GOOD | {"STATIC_ROOT": tmp_path} | change)))

    found = checks.check_production(None)

    assert [message.id for message in found] == ([expected] if expected else [])
    assert all(message.hint for message in found)
