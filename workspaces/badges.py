"""The numbers beside links of the navigation."""

from typing import Any

from django.db.models import QuerySet

# More than this are not counted on every page.
COUNT_AT_MOST = 99


def badge(rows: QuerySet[Any]) -> str:
    """Count as far as a badge has room; "" for none."""
    count = rows.order_by()[: COUNT_AT_MOST + 1].count()
    return f"{COUNT_AT_MOST}+" if count > COUNT_AT_MOST else str(count or "")
