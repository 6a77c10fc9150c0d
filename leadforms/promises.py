"""Mails about submissions that wait in review."""

from collections.abc import Iterable
from datetime import datetime

from leadforms.models import ContactsOfDay
from workspaces.promises import OpenPromise


def open_promises(*, now: datetime) -> Iterable[OpenPromise]:
    """List days whose mail has not gone out."""
    rows = ContactsOfDay.objects.filter(tell_at__isnull=False)
    yield OpenPromise(
        name="form-mails",
        title="Mails about submissions held back",
        closing="not sent",
        rows=rows,
        close=lambda at: rows.update(tell_at=None, told=True),
    )
