"""Secrets are ciphertext in the database and plain in Python, or an error; never ciphertext in Python."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from pytest_django import Settings

from conftest import make_workspace
from workspaces.models import Integration
from workspaces.secrets import SecretUnreadable, decrypt, encrypt

KEYS = [f"v{n}:{Fernet.generate_key().decode()}" for n in range(3)]


@pytest.mark.django_db
def test_stores_no_credential_in_the_clear(settings: Settings) -> None:
    """Neither the credentials nor the webhook secret can be read from the table."""
    settings.ENCRYPTION_KEYS = [KEYS[0]]
    integration = make_workspace().integrations.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials, webhook_secret FROM workspaces_integration")
        credentials, secret = cursor.fetchone()
    assert credentials.startswith("v0:")
    assert "vapi-private" not in credentials
    assert integration.webhook_secret not in secret
    assert Integration.objects.get().read_credentials()["api_key"] == "vapi-private-0123456789"


def test_an_older_key_still_reads(settings: Settings) -> None:
    """Rotation: the newest writes, all read."""
    settings.ENCRYPTION_KEYS = [KEYS[0]]
    stored = encrypt("hush")
    settings.ENCRYPTION_KEYS = [KEYS[1], KEYS[0]]
    assert decrypt(stored) == "hush"
    assert encrypt("hush").startswith("v1:")


def test_a_missing_key_is_a_loud_error(settings: Settings) -> None:
    """The message names the version that is missing."""
    settings.ENCRYPTION_KEYS = [KEYS[0]]
    stored = encrypt("hush")
    settings.ENCRYPTION_KEYS = [KEYS[1]]
    with pytest.raises(SecretUnreadable, match="'v0' is not in COACHBOT_ENCRYPTION_KEYS"):
        decrypt(stored)


def test_a_wrong_key_of_the_same_name_is_a_loud_error(settings: Settings) -> None:
    """Never ciphertext, never an empty secret."""
    settings.ENCRYPTION_KEYS = [KEYS[0]]
    stored = encrypt("hush")
    settings.ENCRYPTION_KEYS = ["v0:" + KEYS[1].partition(":")[2]]
    with pytest.raises(SecretUnreadable, match="not the one this secret was stored with"):
        decrypt(stored)


@pytest.mark.parametrize("keys", [[], ["nonsense"], ["v1:short"], [":" + KEYS[0].partition(":")[2]]])
def test_refuses_keys_that_are_none(settings: Settings, keys: list[str]) -> None:
    """A misconfiguration stops at once and says how a key is made."""
    settings.ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="COACHBOT_ENCRYPTION_KEYS"):
        encrypt("hush")


@pytest.mark.django_db
def test_a_secret_cannot_be_filtered_by() -> None:
    """Equal secrets have different ciphertexts; a filter would find nothing and say nothing."""
    with pytest.raises(TypeError, match="encrypted"):
        Integration.objects.filter(credentials="x").exists()
