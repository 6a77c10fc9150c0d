"""The secret that Vapi shows when it calls us: compared, and rolled so that for a day the old one is taken as well."""

import hmac
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from workspaces.models import Integration, new_webhook_secret

OVERLAP = timedelta(hours=24)
# Compared where there is no secret, so that an unknown workspace takes as long.
_NONE = "no secret, no entry"


def find_by_secret(named: Q, *, provider: str, shown: str, now: datetime) -> UUID | None:
    """Return the workspace matched by `named` whose secret was shown, the old one until its end included.

    Raises workspaces.secrets.SecretUnreadable when an encryption key is missing.
    """
    rows = Integration.objects.filter(named, provider=provider)
    if workspace_id := _compare(rows.values_list("workspace_id", "webhook_secret").first(), shown):
        return workspace_id
    old = rows.filter(old_secret_until__gt=now).values_list("workspace_id", "old_webhook_secret")
    return _compare(old.first(), shown)


def roll_secret(integration: Integration, *, by_id: Any, now: datetime) -> str | None:
    """Make a new secret, keep the last one for OVERLAP, and return the new one.

    None where somebody else rolled it since `integration` was read. A secret that was the old one ends at once.
    """
    secret = new_webhook_secret()
    as_read = Integration.objects.filter(pk=integration.pk, secret_rolled_at=integration.secret_rolled_at)
    if integration.secret_rolled_at is None:
        as_read = Integration.objects.filter(pk=integration.pk, secret_rolled_at__isnull=True)
    rolled = as_read.update(
        webhook_secret=secret,
        old_webhook_secret=integration.webhook_secret,
        old_secret_until=now + OVERLAP,
        secret_rolled_at=now,
        secret_rolled_by=by_id,
    )
    return secret if rolled else None


def end_old_secret(integration: Integration) -> bool:
    """Take the old secret no longer. False: there was none."""
    old = Integration.objects.filter(pk=integration.pk, old_secret_until__isnull=False)
    return old.update(old_webhook_secret="", old_secret_until=None) == 1


def _compare(row: tuple[UUID, str] | None, shown: str) -> UUID | None:
    workspace_id, secret = row or (None, "")
    same = hmac.compare_digest(shown.encode(), (secret or _NONE).encode())
    return workspace_id if same and secret else None
