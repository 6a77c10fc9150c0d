"""What the console's tables share."""

from typing import Any

from django import template

register = template.Library()


@register.inclusion_tag("console/_table_head.html")
def table_head(*names: str, first: str = "", last: str = "") -> dict[str, Any]:
    """Write a table's head; `first` (of a column of boxes) and `last` (of one of buttons) are read aloud alone."""
    return {"names": names, "first": first, "last": last}
