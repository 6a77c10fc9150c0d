"""What the navigation says about leads that wait for a person."""

from django import template

from leads.models import Lead
from workspaces.models import Workspace

# More than this are not counted on every page.
COUNT_AT_MOST = 99

register = template.Library()


@register.simple_tag
def needing_a_human(workspace: Workspace) -> str:
    """Count a workspace's leads that need a person, as far as a badge has room; "" for none. Test leads need nobody."""
    waiting = Lead.objects.filter(workspace=workspace, status=Lead.Status.NEEDS_HUMAN, is_test=False)
    count = waiting.order_by()[: COUNT_AT_MOST + 1].count()
    return f"{COUNT_AT_MOST}+" if count > COUNT_AT_MOST else str(count or "")
