"""What the pages of a workspace say about its channel, whichever that is."""

from collections.abc import Sequence

from django import template

from leads.channels import Address, get_channel
from workspaces.models import Workspace

register = template.Library()


@register.simple_tag
def channel_notices(workspace: Workspace) -> Sequence[str]:
    """List what keeps the channel from working as it should, and what to do about it."""
    return get_channel(workspace.channel).notices(workspace.pk)


@register.simple_tag
def channel_addresses(workspace: Workspace) -> Sequence[Address]:
    """List the addresses that are to be pasted at the channel's provider."""
    return get_channel(workspace.channel).addresses()
