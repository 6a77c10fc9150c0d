"""Give workspaces whose slug could be an id another one; links to their form are led on for 30 days."""

import uuid
from datetime import timedelta
from itertools import chain, count
from typing import Any

from django.db import migrations
from django.utils import timezone


def rename(apps: Any, schema_editor: Any) -> None:
    """Rename them: w- and the id's digits, with a number where somebody has that already."""
    workspaces, past_slugs = apps.get_model("workspaces", "Workspace"), apps.get_model("workspaces", "PastSlug")
    slugs = workspaces.objects.values_list("pk", "slug")
    for pk, old in [(pk, slug) for pk, slug in slugs if _is_like_an_id(slug)]:
        base = f"w-{old.replace('-', '')}"
        new = next(name for name in _numbered(base) if not workspaces.objects.filter(slug=name).exists())
        workspaces.objects.filter(pk=pk).update(slug=new)
        until = timezone.now() + timedelta(days=30)
        past_slugs.objects.update_or_create(slug=old, defaults={"workspace_id": pk, "until": until})


def _numbered(base: str) -> Any:
    return chain([base], (f"{base}-{n}" for n in count(2)))


def _is_like_an_id(slug: str) -> bool:
    try:
        uuid.UUID(slug)
    except ValueError:
        return False
    return True


class Migration(migrations.Migration):
    """Data alone."""

    dependencies = [
        ("workspaces", "0008_email_alerts"),
    ]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
