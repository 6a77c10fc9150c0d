"""Encryption of what must never stand in the database in the clear.

Keys come from COACHBOT_ENCRYPTION_KEYS as `version:key` pairs, newest first. A stored value is `version:token`, so
a value whose key is missing is told apart from one that was tampered with, and both are errors: ciphertext is never
handed out as if it were the secret.
"""

import base64
import binascii
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class SecretUnreadable(Exception):
    """A stored secret can't be decrypted with the keys at hand; the message says which key is missing."""


@lru_cache(maxsize=8)
def _ring(pairs: tuple[str, ...]) -> dict[str, Fernet]:
    ring: dict[str, Fernet] = {}
    for pair in pairs:
        version, separator, key = pair.partition(":")
        try:
            if not (separator and version) or len(base64.urlsafe_b64decode(key)) != 32:
                raise ValueError("not a pair")
        except (ValueError, binascii.Error):
            # Nothing of the pair and no cause: both would show the key in a log.
            raise ImproperlyConfigured(
                "COACHBOT_ENCRYPTION_KEYS must be version:key pairs, newest first, separated by commas; "
                "make one with: python manage.py encryption_key --new"
            ) from None
        ring[version] = Fernet(key)
    if not ring:
        raise ImproperlyConfigured("COACHBOT_ENCRYPTION_KEYS is not set: secrets can be neither stored nor read.")
    return ring


def encrypt(plain: str) -> str:
    """Encrypt with the newest key."""
    version, key = next(iter(_ring(tuple(settings.ENCRYPTION_KEYS)).items()))
    return f"{version}:{key.encrypt(plain.encode()).decode()}"


def decrypt(stored: str) -> str:
    """Decrypt with the key the value names.

    Raises SecretUnreadable when that key is not configured or does not fit.
    """
    version, _, token = stored.partition(":")
    ring = _ring(tuple(settings.ENCRYPTION_KEYS))
    if version not in ring:
        raise SecretUnreadable(f"Encryption key version {version!r} is not in COACHBOT_ENCRYPTION_KEYS.")
    try:
        return ring[version].decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable(
            f"Encryption key version {version!r} is not the one this secret was stored with."
        ) from error


def newest_version() -> str:
    """Name the key that new secrets are encrypted with."""
    return next(iter(_ring(tuple(settings.ENCRYPTION_KEYS))))


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted in the database and plain in Python. It can't be searched or filtered by."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in; empty stays empty."""
        prepared = super().get_prep_value(value)
        return encrypt(prepared) if prepared else prepared

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        """Decrypt on the way out."""
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse to compare: equal secrets have different ciphertexts."""
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise TypeError(f"{self.name} is encrypted and can't be filtered by.")
