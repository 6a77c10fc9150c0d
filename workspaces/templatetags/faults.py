"""The notices on every page of a workspace about accounts that are not in order."""

from django import template

from workspaces.faults import standing_faults
from workspaces.models import Fault, Workspace

register = template.Library()


@register.simple_tag
def faults_of(workspace: Workspace) -> list[Fault]:
    """List the faults that nothing has disproved."""
    return standing_faults(workspace.pk)
