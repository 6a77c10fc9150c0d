"""A slug never looks like an id: where a path takes either, the id of one workspace must not lead to another."""

import uuid
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils import timezone

from conftest import NOW, make_user, make_workspace
from workspaces.models import PastSlug, Workspace
from workspaces.slugs import SlugTaken, change_slug, claim_slug
from workspaces.tests.test_slugs import post

pytestmark = pytest.mark.django_db

LIKE_IDS = [
    "0b3f7a52-6a1d-4c43-9a0e-5f2f6a3c9d10",
    "0b3f7a526a1d4c439a0e5f2f6a3c9d10",
    "0b-3f-7a-52-6a-1d-4c-43-9a-0e-5f-2f-6a-3c-9d-10",
    "00000000-0000-0000-0000-000000000000",
    # What Python's own reader of ids takes as well.
    "0x3f7a526a1d4c439a0e5f2f6a3c9d10",
]
NOT_LIKE_IDS = ["acme", "0b3f7a526a1d4c439a0e5f2f6a3c9d1", "0b3f7a526a1d4c439a0e5f2f6a3c9d101", "g" * 32]


@pytest.mark.parametrize("slug", LIKE_IDS)
def test_is_refused_wherever_a_slug_is_made(slug: str) -> None:
    workspace = make_workspace(slug="acme")

    with pytest.raises(ValidationError, match="looks like an id"):
        Workspace(name="Acme", slug=slug, channel="voice").full_clean()
    with pytest.raises(SlugTaken, match="looks like an id"):
        change_slug(workspace_id=workspace.pk, old="acme", new=slug, now=NOW)
    with pytest.raises(SlugTaken, match="looks like an id"):
        claim_slug(slug, workspace_id=workspace.pk, now=NOW)
    answer = post(workspace, make_user(is_superuser=True), slug=slug)
    assert "looks like an id" in answer.content.decode()

    assert Workspace.objects.get().slug == "acme"


@pytest.mark.parametrize("slug", NOT_LIKE_IDS)
def test_any_other_is_taken(slug: str) -> None:
    Workspace(name="Acme", slug=slug, channel="voice").full_clean()


def test_workspaces_from_before_get_another_and_their_links_go_on() -> None:
    taken = make_workspace(slug="w-" + "0b3f7a526a1d4c439a0e5f2f6a3c9d10")
    other = make_workspace(slug="acme")
    old = make_workspace(slug="0b3f7a52-6a1d-4c43-9a0e-5f2f6a3c9d10")
    long = make_workspace(slug="-".join(uuid.UUID(int=7).hex))

    import_module("workspaces.migrations.0009_no_slug_like_an_id").rename(apps, None)

    for workspace in (taken, other, old, long):
        workspace.refresh_from_db()
    assert (taken.slug, other.slug) == ("w-0b3f7a526a1d4c439a0e5f2f6a3c9d10", "acme")
    assert (old.slug, long.slug) == ("w-0b3f7a526a1d4c439a0e5f2f6a3c9d10-2", "w-00000000000000000000000000000007")
    past = PastSlug.objects.get(workspace=old)
    assert past.slug == "0b3f7a52-6a1d-4c43-9a0e-5f2f6a3c9d10"
    assert timedelta(days=29) < past.until - timezone.now() <= timedelta(days=30)
    old.full_clean()
    long.full_clean()
