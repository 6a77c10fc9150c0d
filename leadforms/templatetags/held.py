"""What the navigation says about submissions that were kept back."""

from dataclasses import dataclass

from django import template

from leadforms.models import HeldSubmission, LeadForm
from workspaces.badges import badge
from workspaces.models import Workspace

register = template.Library()


@dataclass(frozen=True, slots=True)
class HeldBack:
    """`shown`: how many wait, "" for none. There is nothing to link to before there is a form."""

    has_form: bool = False
    shown: str = ""


@register.simple_tag
def held_back(workspace: Workspace) -> HeldBack:
    """Count a workspace's waiting submissions, as far as a badge has room."""
    if not LeadForm.objects.filter(workspace=workspace).exists():
        return HeldBack()
    return HeldBack(has_form=True, shown=badge(HeldSubmission.objects.waiting().filter(workspace=workspace)))
