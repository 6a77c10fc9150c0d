"""A workspace changes its slug: nobody else gets the old one while links under it are led on."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from conftest import NOW, make_member, make_user, make_workspace
from leads import sweep
from workspaces.models import PastSlug, Workspace
from workspaces.slugs import SlugTaken, change_slug
from workspaces.tests.test_admin import WORKSPACES, workspace_form

pytestmark = pytest.mark.django_db


def rename(workspace: Workspace, new: str, *, now: Any = NOW) -> None:
    workspace.refresh_from_db()
    change_slug(workspace_id=workspace.pk, old=workspace.slug, new=new, now=now)
    workspace.refresh_from_db()


def post(workspace: Workspace, user: Any, **changes: Any) -> Any:
    client = Client()
    client.force_login(user)
    data = workspace_form(workspace, **changes)
    return client.post(f"{WORKSPACES}{workspace.pk}/change/", data, follow=True)


def test_keeps_the_old_slug_for_thirty_days() -> None:
    workspace = make_workspace(slug="old")

    until = change_slug(workspace_id=workspace.pk, old="old", new="fresh", now=NOW)

    workspace.refresh_from_db()
    past = PastSlug.objects.get()
    assert workspace.slug == "fresh"
    assert (past.slug, past.workspace, past.until) == ("old", workspace, NOW + timedelta(days=30))
    assert until == past.until


def test_may_go_back_to_its_own_past() -> None:
    workspace = make_workspace(slug="one")
    rename(workspace, "two")

    rename(workspace, "one")

    assert workspace.slug == "one"
    assert [past.slug for past in PastSlug.objects.all()] == ["two"]


def test_keeps_every_slug_of_many_changes() -> None:
    workspace = make_workspace(slug="one")
    for n, new in enumerate(("two", "three", "two", "four")):
        rename(workspace, new, now=NOW + timedelta(days=n))

    assert {past.slug: (past.until - NOW).days for past in PastSlug.objects.all()} == {
        "one": 30,
        "three": 32,
        "two": 33,
    }


def test_refuses_another_workspaces_past_slug_until_its_time_is_over() -> None:
    owner, other = make_workspace(slug="good-name"), make_workspace(slug="other")
    rename(owner, "better-name")

    with pytest.raises(SlugTaken, match="links still lead there"):
        rename(other, "good-name", now=NOW + timedelta(days=30) - timedelta(seconds=1))
    other.refresh_from_db()
    assert other.slug == "other"
    rename(other, "good-name", now=NOW + timedelta(days=30))

    assert other.slug == "good-name"
    assert {past.slug: past.workspace for past in PastSlug.objects.all()} == {"other": other}


def test_refuses_another_workspaces_present_slug() -> None:
    make_workspace(slug="taken")
    other = make_workspace(slug="other")

    with pytest.raises(SlugTaken, match="Another workspace has this address"):
        rename(other, "taken")

    other.refresh_from_db()
    assert other.slug == "other"
    assert not PastSlug.objects.exists()


def test_refuses_a_change_that_is_based_on_an_older_one() -> None:
    workspace = make_workspace(slug="one")
    change_slug(workspace_id=workspace.pk, old="one", new="two", now=NOW)

    with pytest.raises(SlugTaken, match="changed by somebody else"):
        change_slug(workspace_id=workspace.pk, old="one", new="three", now=NOW)

    workspace.refresh_from_db()
    assert workspace.slug == "two"


def test_django_admin_keeps_the_old_slug_and_says_until_when() -> None:
    workspace = make_workspace(slug="old")

    answer = post(workspace, make_member(workspace), slug="fresh", persona="Kind.")

    workspace.refresh_from_db()
    assert (workspace.slug, workspace.persona) == ("fresh", "Kind.")
    past = PastSlug.objects.get()
    assert (past.slug, past.workspace) == ("old", workspace)
    assert f"Links to /forms/old are led on until {past.until:%-d %B %Y}" in answer.content.decode()


def test_django_admin_warns_beside_the_field() -> None:
    workspace = make_workspace()
    client = Client()
    client.force_login(make_member(workspace))

    text = client.get(f"{WORKSPACES}{workspace.pk}/change/").content.decode()

    assert "led on for 30 days; then they stop working" in text


def test_django_admin_leaves_the_past_alone_when_the_slug_stays() -> None:
    workspace = make_workspace(slug="old")

    post(workspace, make_member(workspace), persona="Kind.")

    workspace.refresh_from_db()
    assert workspace.persona == "Kind."
    assert not PastSlug.objects.exists()


def test_django_admin_refuses_another_workspaces_past_slug_at_the_field() -> None:
    owner, other = make_workspace(slug="good-name"), make_workspace(slug="other")
    rename(owner, "better-name", now=timezone.now())

    answer = post(other, make_member(other), slug="good-name", persona="Kind.")

    other.refresh_from_db()
    assert (other.slug, other.persona) == ("other", "")
    assert "links still lead there" in answer.content.decode()


def test_django_admin_refuses_it_for_a_new_workspace_as_well() -> None:
    owner = make_workspace(slug="good-name")
    rename(owner, "better-name", now=timezone.now())
    client = Client()
    client.force_login(make_user(is_superuser=True))
    data = workspace_form(owner, name="New", slug="good-name", channel="voice")

    answer = client.post(f"{WORKSPACES}add/", data)

    assert "links still lead there" in answer.content.decode()
    assert Workspace.objects.count() == 1


def test_django_admin_saves_nothing_when_somebody_was_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, other = make_workspace(slug="good-name"), make_workspace(slug="other")
    rename(owner, "better-name", now=timezone.now())
    # The moment between the form's check and its statement.
    monkeypatch.setattr("workspaces.admin.check_free", lambda *_, **__: None)

    answer = post(other, make_member(other), slug="good-name", persona="Kind.")

    other.refresh_from_db()
    assert (other.slug, other.persona) == ("other", "")
    assert "links still lead there" in answer.content.decode()


def test_what_is_over_is_deleted() -> None:
    workspace = make_workspace(slug="one")
    rename(workspace, "two")
    rename(workspace, "three", now=NOW + timedelta(days=1))

    assert sweep.retire(now=NOW + timedelta(days=30)) == 1

    assert [past.slug for past in PastSlug.objects.all()] == ["two"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_takes_a_slug_at_the_moment_it_is_given_up_waits_and_is_refused() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("one writer at a time")
    owner, other = make_workspace(slug="good-name"), make_workspace(slug="other")
    outcomes: list[str] = []

    def take() -> None:
        try:
            change_slug(workspace_id=other.pk, old="other", new="good-name", now=NOW)
            outcomes.append("taken")
        except SlugTaken as refusal:
            outcomes.append(str(refusal))
        finally:
            connection.close()

    thread = threading.Thread(target=take)
    with transaction.atomic():
        change_slug(workspace_id=owner.pk, old="good-name", new="better-name", now=NOW)
        thread.start()
        thread.join(0.3)
        assert outcomes == []
    thread.join()

    assert len(outcomes) == 1
    assert "links still lead there" in outcomes[0]
    assert PastSlug.objects.get().workspace == owner
