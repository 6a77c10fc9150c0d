"""The workspace's part of an address."""

from django.urls import register_converter

from workspaces.models import RESERVED_SLUGS


class WorkspaceSlug:
    """A slug in a path. Reserved ones don't match, so that /admin/leads/ stays Django admin's."""

    regex = r"[a-z0-9]+(?:-[a-z0-9]+)*"

    def to_python(self, value: str) -> str:
        """Refuse what belongs to Django admin; the resolver goes on to the next pattern."""
        if value in RESERVED_SLUGS:
            raise ValueError(value)
        return value

    def to_url(self, value: str) -> str:
        """Write the slug into an address."""
        return value


register_converter(WorkspaceSlug, "workspace")
