"""What the navigation says about leads that somebody has to look after."""

from django import template

from leads.models import Lead
from workspaces.badges import badge
from workspaces.models import Workspace

register = template.Library()


@register.simple_tag
def needing_human(workspace: Workspace) -> str:
    """Count a workspace's real leads that need a human: those whose contact failed among them."""
    return badge(Lead.objects.filter(workspace=workspace, status=Lead.Status.NEEDS_HUMAN, is_test=False))
