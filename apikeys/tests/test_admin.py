"""API keys in Django admin, through HTTP."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey
from conftest import make_key, make_member, make_user, make_workspace
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
LIST = "/admin/apikeys/apikey/"
ADD = f"{LIST}add/"
KEY = re.compile(r"ck_(?:live|test)_[0-9a-f]{32}")


def sign_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def filled(client: Client, workspace: Workspace) -> dict[str, str]:
    nonce = re.search(r'name="nonce" value="([^"]+)"', client.get(ADD).content.decode())
    assert nonce
    return {"workspace": str(workspace.pk), "name": "Website", "mode": "live", "nonce": nonce[1]}


def test_shows_a_superuser_the_new_key_once() -> None:
    workspace = make_workspace()
    client = sign_in(make_user(is_superuser=True))
    data = filled(client, workspace)

    answer = client.post(ADD, data)

    plaintext = KEY.findall(answer.content.decode())[0]
    assert "no-store" in answer.headers["Cache-Control"]
    key = ApiKey.objects.get()
    assert ApiKey.objects.match(plaintext, at=timezone.now()) == key
    again = client.post(ADD, data)
    assert "no second key was made" in again.content.decode()
    assert ApiKey.objects.count() == 1
    for address in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/history/"):
        text = client.get(address).content.decode()
        assert plaintext not in text
        assert key.token_hash not in text


def test_makes_no_key_in_other_workspaces() -> None:
    own, other = make_workspace(), make_workspace(name="Foreign Ltd")
    client = sign_in(make_member(own))
    data = filled(client, own)

    refused = client.post(ADD, data | {"workspace": str(other.pk)})

    assert "Select a valid choice" in refused.content.decode()
    assert not ApiKey.objects.exists()
    assert "Foreign Ltd" not in client.get(ADD).content.decode()
    client.post(ADD, data)
    assert ApiKey.objects.get().workspace == own


def test_hides_keys_of_other_workspaces() -> None:
    own, other = make_workspace(), make_workspace(name="Foreign Ltd")
    make_key(other, name="Theirs")
    theirs = ApiKey.objects.get()
    make_key(own, name="Ours")
    client = sign_in(make_member(own))

    listed = client.get(LIST).content.decode()
    assert "Ours" in listed
    assert "Theirs" not in listed
    assert "Foreign Ltd" not in listed
    assert "Theirs" not in client.get(f"{LIST}?workspace={other.pk}").content.decode()
    assert client.get(f"{LIST}{theirs.pk}/change/").status_code == 302
    client.post(LIST, {"action": "revoke_selected", "_selected_action": [str(theirs.pk)]})
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_finds_a_key_as_it_is_shown_or_whole(caplog: pytest.LogCaptureFixture) -> None:
    workspace = make_workspace()
    plaintext = make_key(workspace, name="Wanted")
    wanted = ApiKey.objects.get()
    make_key(workspace, name="Unlike")
    client = sign_in(make_member(workspace))

    for term in (wanted.shown, f" {wanted.shown} ", f"{wanted.prefix}…", wanted.prefix, plaintext, plaintext[:11]):
        text = client.get(LIST, {"q": term}).content.decode()
        assert "Wanted" in text, term
    for term in (wanted.shown, plaintext, wanted.prefix):
        assert "Unlike" not in client.get(LIST, {"q": term}).content.decode(), term
    assert "Unlike" in client.get(LIST, {"q": "unl"}).content.decode()
    assert plaintext not in caplog.text


def test_revokes_selected_keys() -> None:
    workspace = make_workspace()
    make_key(workspace)
    key = ApiKey.objects.get()

    sign_in(make_member(workspace)).post(LIST, {"action": "revoke_selected", "_selected_action": [str(key.pk)]})

    key.refresh_from_db()
    assert key.revoked_at is not None


def test_changes_name_and_limits_and_nothing_else() -> None:
    workspace, other = make_workspace(), make_workspace()
    make_key(workspace)
    key = ApiKey.objects.get()
    data = {"name": "New", "limit_per_minute": "5", "limit_per_hour": "", "mode": "test", "workspace": str(other.pk)}

    sign_in(make_user(is_superuser=True)).post(f"{LIST}{key.pk}/change/", data | {"token_hash": "x", "prefix": "y"})

    after = ApiKey.objects.get()
    assert (after.name, after.limit_per_minute, after.limit_per_hour) == ("New", 5, None)
    assert (after.mode, after.workspace, after.token_hash, after.prefix) == (
        key.mode,
        workspace,
        key.token_hash,
        key.prefix,
    )


def test_answers_no_question_about_the_hash() -> None:
    make_key(make_workspace())
    answer = sign_in(make_user(is_superuser=True)).get(f"{LIST}?token_hash__startswith=a")

    assert answer.status_code in {302, 400}


def test_keeps_agents_out() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace, role="agent"))

    assert client.get(LIST).status_code == 403
    assert client.get(ADD).status_code == 403
    assert "API keys" not in client.get("/admin/").content.decode()
