"""Changing a workspace's slug: links to its form go on for a while, and nobody else takes the old one meanwhile."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from workspaces.models import LIKE_AN_ID, PastSlug, Workspace, read_id

KEPT = timedelta(days=30)


class SlugTaken(Exception):
    """The slug can't be had; `str` is why, in words for an operator."""


def check_free(slug: str, *, workspace_id: UUID, now: datetime) -> None:
    """Raise SlugTaken for a slug under which the links of another workspace still arrive. One's own past ones are free.

    Also for one that could be an id. Whether it is another workspace's present slug is not asked here.
    """
    if read_id(slug) is not None:
        raise SlugTaken(str(LIKE_AN_ID))
    if PastSlug.objects.filter(slug=slug, until__gt=now).exclude(workspace_id=workspace_id).exists():
        raise SlugTaken(
            _("Another workspace gave this address up lately and its links still lead there. Please choose another.")
        )


def claim_slug(slug: str, *, workspace_id: UUID, now: datetime) -> None:
    """Make sure of a slug that the caller's transaction has just given a workspace. Raises SlugTaken: roll it back.

    Only after that statement it is certain: it waited for whoever was giving the slug up.
    """
    check_free(slug, workspace_id=workspace_id, now=now)
    PastSlug.objects.filter(slug=slug).delete()


def change_slug(*, workspace_id: UUID, old: str, new: str, now: datetime) -> datetime:
    """Rename a workspace. Returns until when links under the old slug are led on.

    Raises SlugTaken, also where `old` is its slug no longer because somebody else renamed it meanwhile.
    """
    until = now + KEPT
    try:
        with transaction.atomic():
            if not Workspace.objects.filter(pk=workspace_id, slug=old).update(slug=new, updated_at=now):
                raise SlugTaken(_("The address was changed by somebody else meanwhile. Please look at it again."))
            claim_slug(new, workspace_id=workspace_id, now=now)
            PastSlug.objects.update_or_create(slug=old, defaults={"workspace_id": workspace_id, "until": until})
    except IntegrityError as error:
        raise SlugTaken(_("Another workspace has this address. Please choose another.")) from error
    return until


def find_expired(*, now: datetime) -> list[QuerySet[PastSlug]]:
    """Return the rows that have served their time."""
    return [PastSlug.objects.filter(until__lte=now)]
