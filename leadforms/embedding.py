"""What is pasted into another site so that the form shows there."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.html import escape
from django.utils.translation import gettext as _

from workspaces.models import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippets:
    """The form's address, and the two ways to embed it."""

    address: str
    script: str
    iframe: str


def snippets_for(workspace: Workspace) -> Snippets:
    """Write the snippets of a workspace's form."""
    base = f"{settings.PUBLIC_BASE_URL.rstrip('/')}/forms"
    address = f"{base}/{workspace.slug}"
    title = escape(_("Enquiry: %(name)s") % {"name": workspace.name})
    return Snippets(
        address=address,
        script=f'<script async src="{base}/embed.js" data-form="{workspace.slug}"></script>',
        iframe=(
            f'<iframe src="{address}?embed=1" title="{title}" style="width: 100%; height: 45rem; border: 0"></iframe>'
        ),
    )
