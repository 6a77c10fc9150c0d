"""What happened to a lead, from all who know a part of it, as one list in the order of time.

Who knows a part is named by a dotted path in settings.LEAD_TIMELINES: a function of a lead that returns items.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from leads.models import Lead


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that happened. `template` renders it, with the item as `item` and its data as `data`."""

    at: datetime
    # Unique within the lead, and the same at every look.
    key: str
    template: str
    data: dict[str, Any] = field(default_factory=dict)
    # Among what happened in the same moment: a cause before what came of it.
    order: tuple[int, ...] = (1,)


Source = Callable[[Lead], Iterable[Item]]


def read_timeline(lead: Lead) -> list[Item]:
    """Return everything, oldest first."""
    items = [item for path in settings.LEAD_TIMELINES for item in _source(path)(lead)]
    return sorted(items, key=lambda item: (item.at, item.order, item.key))


def _source(path: str) -> Source:
    source: Source = import_string(path)
    return source
