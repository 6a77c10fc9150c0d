"""The secret that Vapi shows can be rolled: for a day the old one is taken as well, then it isn't."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from conftest import make_integration, make_member, make_user, make_workspace
from database import clock
from voice.tests.factories import post_event, report, secret_of
from workspaces.models import Integration, Workspace

pytestmark = pytest.mark.django_db


def sign_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def page(workspace: Workspace) -> str:
    return f"/admin/{workspace.slug}/settings/webhook-secret"


def nonce_in(answer: Any) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', answer.content.decode())
    assert found
    return found[1]


def roll(workspace: Workspace, client: Client | None = None) -> str:
    client = client or sign_in(make_member(workspace))
    answer = client.post(page(workspace), {"nonce": nonce_in(client.get(page(workspace)))})
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    found = re.search(r'id="new-secret">([^<]+)<', answer.content.decode())
    assert found
    return found[1]


def status_with(workspace: Workspace, secret: str) -> set[int]:
    """Show a secret to both kinds of webhook, in both headers."""
    tools = f"/api/vapi/{workspace.pk}/tools/listSlots"
    message = {"message": {"type": "tool-calls", "toolCallList": [], "call": {"id": "x"}}}
    return {
        post_event(workspace, report(), **{"x-vapi-secret": secret}).status_code,
        post_event(workspace, report(), Authorization=f"Bearer {secret}").status_code,
        Client()
        .post(tools, message, content_type="application/json", headers={"Authorization": f"Bearer {secret}"})
        .status_code,
    }


def pass_time(workspace: Workspace, passed: timedelta) -> None:
    row = Integration.objects.get(workspace=workspace)
    assert row.old_secret_until
    Integration.objects.filter(pk=row.pk).update(old_secret_until=row.old_secret_until - passed)


def test_takes_both_for_a_day_and_then_the_new_one_alone() -> None:
    workspace = make_workspace()
    old = secret_of(workspace)

    new = roll(workspace)

    assert new == secret_of(workspace) != old
    assert status_with(workspace, old) == status_with(workspace, new) == {200}
    pass_time(workspace, timedelta(hours=23, minutes=59))
    assert status_with(workspace, old) == {200}
    pass_time(workspace, timedelta(minutes=1))
    assert status_with(workspace, old) == {401}
    assert status_with(workspace, new) == {200}


def test_says_who_rolled_it_and_when_and_shows_it_once() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace, username="maya"))
    assert "Not rolled yet." in client.get(page(workspace)).content.decode()

    new = roll(workspace, client)

    row = Integration.objects.select_related("secret_rolled_by").get()
    assert row.secret_rolled_by
    assert row.secret_rolled_by.username == "maya"
    assert row.secret_rolled_at
    assert abs(row.secret_rolled_at - clock.now()) < timedelta(minutes=1)
    text = client.get(page(workspace)).content.decode()
    assert new not in text
    assert "by maya." in text
    assert "The old secret is still accepted until" in text


def test_the_old_one_can_be_ended_before() -> None:
    workspace = make_workspace()
    client, old = sign_in(make_member(workspace, role="admin")), secret_of(workspace)
    new = roll(workspace, client)

    answer = client.post(page(workspace), {"end": "yes"}, follow=True)

    assert "The old secret is no longer accepted." in answer.content.decode()
    assert status_with(workspace, old) == {401}
    assert status_with(workspace, new) == {200}
    assert Integration.objects.get().old_webhook_secret == ""


def test_rolled_twice_the_first_ends() -> None:
    workspace = make_workspace()
    first = secret_of(workspace)
    second, third = roll(workspace), roll(workspace)

    assert status_with(workspace, first) == {401}
    assert status_with(workspace, second) == status_with(workspace, third) == {200}


def test_a_form_sent_twice_rolls_once() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    nonce = nonce_in(client.get(page(workspace)))
    client.post(page(workspace), {"nonce": nonce})
    once = secret_of(workspace)

    answer = client.post(page(workspace), {"nonce": nonce}, follow=True)

    assert "the secret was not rolled again" in answer.content.decode()
    assert secret_of(workspace) == once


def test_of_two_people_at_the_same_time_one_rolls(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    nonce = nonce_in(client.get(page(workspace)))
    monkeypatch.setattr("workspaces.console.clock.now", lambda: roll_elsewhere())
    theirs: list[str] = []

    def roll_elsewhere() -> Any:
        monkeypatch.undo()
        theirs.append(roll(workspace))
        return clock.now()

    answer = client.post(page(workspace), {"nonce": nonce}, follow=True)

    assert "Somebody else rolled the secret a moment ago." in answer.content.decode()
    assert [secret_of(workspace)] == theirs


def test_no_secret_opens_another_workspace() -> None:
    mine, theirs = make_workspace(), make_workspace()
    old = secret_of(mine)
    new = roll(mine)

    assert status_with(theirs, old) == status_with(theirs, new) == status_with(theirs, "") == {401}


def test_an_empty_old_secret_opens_nothing() -> None:
    workspace = make_workspace()
    Integration.objects.update(old_webhook_secret="", old_secret_until=clock.now() + timedelta(hours=1))

    assert status_with(workspace, "") == {401}


def test_is_for_managers_of_the_workspace() -> None:
    workspace, other = make_workspace(), make_workspace()
    before = secret_of(workspace)

    for user, status in ((make_member(workspace, role="agent"), 403), (make_member(other), 404)):
        client = sign_in(user)
        assert client.get(page(workspace)).status_code == status
        assert client.post(page(workspace), {"end": "yes"}).status_code == status
    assert Client().get(page(workspace)).headers["Location"].startswith("/admin/login/")
    assert secret_of(workspace) == before


def test_says_that_vapi_is_not_connected() -> None:
    workspace = make_workspace(connected=False)
    client = sign_in(make_user(is_superuser=True))

    assert "It is made when Vapi is connected." in client.get(page(workspace)).content.decode()
    assert client.post(page(workspace), {"nonce": "x"}).status_code == 200


def test_an_unreadable_secret_is_left_alone(settings: Any) -> None:
    workspace = make_workspace(connected=False)
    row = make_integration(workspace, "vapi")
    client = sign_in(make_member(workspace))
    nonce = nonce_in(client.get(page(workspace)))
    keys, settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS, ["v9:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDI="]

    answer = client.post(page(workspace), {"nonce": nonce}, follow=True)

    settings.ENCRYPTION_KEYS = keys
    assert "its encryption key is missing" in answer.content.decode()
    assert Integration.objects.get().webhook_secret == row.webhook_secret
