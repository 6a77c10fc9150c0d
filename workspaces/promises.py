"""What a database promises to do yet, for `manage.py after_restore`: each app lists its own in OPEN_PROMISES.

In a restored backup the promises that were kept since look unkept. Keeping them again would contact people twice.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

REASON = "restored from a backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPromise:
    """One kind of promise. `name` is how the command line calls it, `title` and `closing` are for people.

    `close` closes all of `rows`; it may be called any number of times. `harmless`: keeping it twice does no harm, so it
    is kept unless asked otherwise. `held`: those of `rows` that a running process has at this moment.
    """

    name: str
    title: str
    closing: str
    rows: QuerySet[Any]
    close: Callable[[datetime], object]
    harmless: bool = False
    held: QuerySet[Any] | None = None


def open_promises(now: datetime) -> list[OpenPromise]:
    """List every kind of promise that a row can make, whether there are some or not."""
    found: list[OpenPromise] = []
    for path in settings.OPEN_PROMISES:
        listed: Iterable[OpenPromise] = import_string(path)(now=now)
        found += listed
    return found
