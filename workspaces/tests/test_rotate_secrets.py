"""`manage.py rotate_secrets`: every secret comes under the newest key, or is named loudly."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from conftest import make_integration, make_workspace
from workspaces.management.commands import rotate_secrets
from workspaces.models import Integration
from workspaces.secrets import SecretUnreadable

pytestmark = pytest.mark.django_db

OLD, NEW, LOST = (f"{version}:{Fernet.generate_key().decode()}" for version in ("v1", "v2", "v0"))


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_secrets", stdout=out, stderr=out)
    return out.getvalue()


def stored(integration: Integration) -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials, webhook_secret FROM workspaces_integration WHERE id = %s", [integration.pk])
        row: tuple[str, str] = cursor.fetchone()
    return row


def test_brings_old_secrets_under_the_newest_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    integration = make_integration(make_workspace(connected=False), "vapi", webhook_secret="hook")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    said = rotate()
    assert "workspaces.Integration.credentials: 1 re-encrypted with v2, 0 already were, 0 unreadable" in said
    assert all(value.startswith("v2:") for value in stored(integration))
    settings.ENCRYPTION_KEYS = [NEW]
    assert Integration.objects.get().read_credentials()["api_key"] == "vapi-private-0123456789"
    assert Integration.objects.get().webhook_secret == "hook"


def test_brings_a_rolled_secret_and_the_one_before_it(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    make_integration(make_workspace(connected=False), "vapi", old_webhook_secret="before")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert "workspaces.Integration.old_webhook_secret: 1 re-encrypted with v2" in rotate()
    settings.ENCRYPTION_KEYS = [NEW]
    assert Integration.objects.get().old_webhook_secret == "before"


def test_second_run_changes_nothing(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    integration = make_integration(make_workspace(connected=False), "vapi")
    before = stored(integration)
    assert "0 re-encrypted with v2, 1 already were, 0 unreadable" in rotate()
    assert stored(integration) == before


def test_goes_through_more_rows_than_a_batch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotate_secrets, "BATCH", 2)
    settings.ENCRYPTION_KEYS = [OLD]
    for _ in range(5):
        make_integration(make_workspace(connected=False), "vapi")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert "workspaces.Integration.credentials: 5 re-encrypted" in rotate()


def test_names_a_secret_whose_key_is_missing_and_does_the_others(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [LOST]
    lost = make_integration(make_workspace(connected=False), "vapi")
    settings.ENCRYPTION_KEYS = [OLD]
    fine = make_integration(make_workspace(connected=False), "vapi")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    before, out = stored(lost), io.StringIO()
    with pytest.raises(CommandError, match="2 secrets could not be read"):
        call_command("rotate_secrets", stdout=out, stderr=out)
    said = out.getvalue()
    assert f"workspaces.Integration {lost.pk} credentials: Encryption key version 'v0' is not in" in said
    assert "1 re-encrypted with v2, 0 already were, 1 unreadable" in said
    assert stored(lost) == before
    assert all(value.startswith("v2:") for value in stored(fine))
    assert before[0] not in said


def test_a_wrong_key_is_an_error_and_never_ciphertext(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    integration = make_integration(make_workspace(connected=False), "vapi")
    settings.ENCRYPTION_KEYS = ["v1:" + Fernet.generate_key().decode()]
    before = stored(integration)
    with pytest.raises(CommandError):
        rotate()
    assert stored(integration) == before
    with pytest.raises(SecretUnreadable):
        Integration.objects.get(pk=integration.pk)


def test_says_what_to_do_where_no_key_is_configured(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = []
    with pytest.raises(CommandError, match="COACHBOT_ENCRYPTION_KEYS is not set"):
        rotate()
