"""Bring every stored secret under the newest encryption key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db.models import ExpressionWrapper, F, Model, TextField

from workspaces.secrets import EncryptedTextField, SecretUnreadable, decrypt, newest_version

BATCH = 500


@dataclass
class Tally:
    """What became of the secrets of one column."""

    rotated: int = 0
    current: int = 0
    unreadable: int = 0


class Command(BaseCommand):
    """Re-encrypt what isn't under the newest key. Safe to stop and to repeat, and while the server runs."""

    help = "Re-encrypt every stored secret that isn't under the newest key in COACHBOT_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through every encrypted column. Ends with an error when a secret could not be read."""
        try:
            newest = newest_version()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        unreadable = 0
        for model, field in encrypted_columns():
            tally = self.rotate(model, field, newest=newest)
            unreadable += tally.unreadable
            self.stdout.write(
                f"{model._meta.label}.{field}: {tally.rotated} re-encrypted with {newest}, "
                f"{tally.current} already were, {tally.unreadable} unreadable"
            )
        if unreadable:
            raise CommandError(
                f"{unreadable} secrets could not be read and were left as they are. Add the missing keys to "
                "COACHBOT_ENCRYPTION_KEYS and run this again; remove no key before."
            )

    def rotate(self, model: type[Model], field: str, *, newest: str) -> Tally:
        """Rotate one column; a secret that can't be read is named on stderr and skipped."""
        tally = Tally()
        for pk, stored in stored_values(model, field):
            try:
                plain = decrypt(stored)
            except SecretUnreadable as error:
                tally.unreadable += 1
                self.stderr.write(f"{model._meta.label} {pk} {field}: {error}")
                continue
            if stored.startswith(f"{newest}:"):
                tally.current += 1
            else:
                tally.rotated += replace(model, field, pk=pk, stored=stored, plain=plain)
        return tally


def encrypted_columns() -> Iterator[tuple[type[Model], str]]:
    """Find every encrypted column of every model."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.name


def stored_values(model: type[Model], field: str) -> Iterator[tuple[Any, str]]:
    """Read a column as it is stored, in batches by primary key, so that any size fits and any interruption is fine."""
    rows = _as_stored(model, field).exclude(stored="").exclude(stored=None).order_by("pk")
    batch = list(rows.values_list("pk", "stored")[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0]).values_list("pk", "stored")[:BATCH])


def replace(model: type[Model], field: str, *, pk: Any, stored: str, plain: str) -> int:
    """Write a secret again, unless somebody changed it meanwhile: then it is under the newest key already."""
    changed: int = _as_stored(model, field).filter(pk=pk, stored=stored).update(**{field: plain})
    return changed


def _as_stored(model: type[Model], field: str) -> Any:
    # Seen as plain text the column is not decrypted on its way out and may be compared.
    return model._base_manager.annotate(stored=ExpressionWrapper(F(field), output_field=TextField()))
