"""A workspace stays on the channel it was made with."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from conftest import make_workspace
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


def test_the_form_refuses_another_channel() -> None:
    """The admin's form says so at the field."""
    workspace = make_workspace(channel="voice")
    workspace.channel = "whatsapp"
    with pytest.raises(ValidationError, match="stays on its channel for life"):
        workspace.full_clean()


def test_the_database_refuses_another_channel() -> None:
    """Also where no form is asked."""
    workspace = make_workspace(channel="voice")
    with pytest.raises(IntegrityError), transaction.atomic():
        Workspace.objects.filter(pk=workspace.pk).update(channel="whatsapp")
    assert Workspace.objects.get(pk=workspace.pk).channel == "voice"


def test_other_columns_may_change() -> None:
    """The trigger minds the channel alone, also when an UPDATE names it unchanged."""
    workspace = make_workspace(channel="voice")
    workspace.name = "New name"
    workspace.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM workspaces_workspace")
        assert cursor.fetchone() == ("New name",)


@pytest.mark.parametrize("slug", ["leads", "admin", "login", "a--b", "-a", "Ab", "ä", ""])
def test_refuses_a_slug_that_cannot_be_an_address(slug: str) -> None:
    """Reserved words and odd spellings are named at the field."""
    workspace = make_workspace()
    workspace.slug = slug
    with pytest.raises(ValidationError) as caught:
        workspace.full_clean()
    assert set(caught.value.message_dict) == {"slug"}
