"""The operator's page of API keys, through HTTP."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey
from conftest import make_key, make_member, make_user, make_workspace
from workspaces.models import Membership, Workspace

pytestmark = pytest.mark.django_db
KEY = re.compile(r"ck_(?:live|test)_[0-9a-f]{32}")


def sign_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def page(workspace: Workspace, rest: str = "") -> str:
    return f"/admin/{workspace.slug}/settings/api-keys{rest}"


def nonce_in(response: Any) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', response.content.decode())
    assert found
    return found[1]


def generate(client: Client, workspace: Workspace, **data: str) -> Any:
    nonce = nonce_in(client.get(page(workspace, "/new")))
    return client.post(page(workspace, "/new"), {"name": "Website", "mode": "live", "nonce": nonce} | data)


def only_key() -> ApiKey:
    return ApiKey.objects.get()


def test_shows_a_new_key_once_with_a_curl_line() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))

    answer = generate(client, workspace)

    text = answer.content.decode()
    plaintexts = set(KEY.findall(text))
    assert len(plaintexts) == 1
    plaintext = plaintexts.pop()
    assert f"Authorization: Bearer {plaintext}" in text
    assert "curl -X POST http://127.0.0.1:8000/api/public/leads" in text
    assert "no-store" in answer.headers["Cache-Control"]
    assert ApiKey.objects.match(plaintext, at=timezone.now()) == only_key()
    listed = client.get(page(workspace)).content.decode()
    assert plaintext not in listed
    assert f"{plaintext[:16]}…" in listed
    assert only_key().token_hash not in listed


def test_remembers_who_made_a_key_and_on_which_terms() -> None:
    workspace = make_workspace(timezone="Europe/London")
    member = make_member(workspace, role="admin", username="maya")

    generate(sign_in(member), workspace, mode="test", expires_on="2099-06-07", limit_per_minute="5", limit_per_hour="0")

    key = only_key()
    assert (key.mode, key.limit_per_minute, key.limit_per_hour, key.created_by) == ("test", 5, 0, member)
    assert key.expires_at is not None
    assert key.expires_at.isoformat() == "2099-06-07T23:00:00+00:00"
    assert "maya" in sign_in(member).get(page(workspace)).content.decode()


def test_makes_no_second_key_when_the_page_is_reloaded() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    data = {"name": "Website", "mode": "live", "nonce": nonce_in(client.get(page(workspace, "/new")))}
    client.post(page(workspace, "/new"), data)

    again = client.post(page(workspace, "/new"), data, follow=True)

    assert ApiKey.objects.count() == 1
    assert "no second key was made" in again.content.decode()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"mode": "other"}, "Select a valid choice."),
        ({"expires_on": "2001-01-01"}, "That day is over already."),
        ({"expires_on": "9999-12-31"}, "That day is too far away."),
        ({"limit_per_minute": "-1"}, "greater than or equal to 0"),
    ],
)
def test_names_what_is_wrong_and_keeps_what_was_typed(data: dict[str, str], problem: str) -> None:
    workspace = make_workspace()

    answer = generate(sign_in(make_member(workspace)), workspace, **({"limit_per_hour": "77"} | data))

    text = answer.content.decode()
    assert problem in text
    assert 'value="77"' in text
    assert not ApiKey.objects.exists()


def test_revokes_after_a_question() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    make_key(workspace, name="Website")
    address = page(workspace, f"/{only_key().pk}/revoke")

    asked = client.get(address)
    assert "Revoke “Website”?" in asked.content.decode()
    assert only_key().revoked_at is None
    answer = client.post(address, follow=True)

    assert only_key().revoked_at is not None
    assert "is revoked" in answer.content.decode()


def test_rolls_with_a_grace() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    old = make_key(workspace, name="Website", mode="test", limit_per_minute=7)
    address = page(workspace, f"/{only_key().pk}/roll")
    nonce = nonce_in(client.get(address))

    answer = client.post(address, {"grace_hours": "48", "nonce": nonce})

    now = timezone.now()
    new = (set(KEY.findall(answer.content.decode())) - {old}).pop()
    assert "no-store" in answer.headers["Cache-Control"]
    found = ApiKey.objects.match(new, at=now)
    assert found is not None
    assert (found.name, found.mode, found.limit_per_minute) == ("Website", "test", 7)
    assert ApiKey.objects.match(old, at=now + timedelta(hours=47)) is not None
    assert ApiKey.objects.match(old, at=now + timedelta(hours=49)) is None
    client.post(address, {"grace_hours": "48", "nonce": nonce})
    assert ApiKey.objects.count() == 2


def test_rolls_at_once_without_a_grace() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    old = make_key(workspace)
    address = page(workspace, f"/{only_key().pk}/roll")

    client.post(address, {"grace_hours": "0", "nonce": nonce_in(client.get(address))})

    assert ApiKey.objects.match(old, at=timezone.now()) is None
    assert ApiKey.objects.alive(timezone.now()).count() == 1


@pytest.mark.parametrize("hours", ["-1", "73", "", "many"])
def test_refuses_another_grace(hours: str) -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    make_key(workspace)
    address = page(workspace, f"/{only_key().pk}/roll")

    answer = client.post(address, {"grace_hours": hours, "nonce": nonce_in(client.get(address))})

    assert answer.status_code == 200
    assert "Nothing was made yet" in answer.content.decode()
    assert ApiKey.objects.count() == 1


def test_rolls_no_revoked_key() -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))
    make_key(workspace)
    only_key().revoke(at=timezone.now())

    answer = client.get(page(workspace, f"/{only_key().pk}/roll"), follow=True)

    assert "no longer works" in answer.content.decode()


def test_hides_keys_of_other_workspaces() -> None:
    own, other = make_workspace(), make_workspace()
    client = sign_in(make_member(own))
    make_key(other, name="Theirs")
    pk = only_key().pk

    assert "Theirs" not in client.get(page(own)).content.decode()
    for address in (
        page(other),
        page(other, "/new"),
        *(page(workspace, f"/{pk}/{verb}") for workspace in (own, other) for verb in ("roll", "revoke")),
    ):
        assert client.get(address).status_code == 404
        assert client.post(address, {"name": "x", "mode": "live", "grace_hours": "0"}).status_code in {404, 405}
    assert only_key().revoked_at is None


@pytest.mark.parametrize("rest", ["", "/new"])
def test_refuses_agents_with_a_friendly_page(rest: str) -> None:
    workspace = make_workspace()

    answer = sign_in(make_member(workspace, role="agent")).get(page(workspace, rest))

    assert answer.status_code == 403
    assert "Your role does not open this page" in answer.content.decode()


def test_opens_to_superusers() -> None:
    workspace = make_workspace()

    assert sign_in(make_user(is_superuser=True)).get(page(workspace)).status_code == 200


def test_sends_who_is_signed_out_to_the_login_and_back() -> None:
    workspace = make_workspace()

    answer = Client().get(page(workspace))

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/admin/login/?next={page(workspace)}"


@pytest.mark.parametrize("rest", ["/settings/api-keys/", "/settings/api-keys/new/"])
def test_answers_the_spelling_with_a_slash(rest: str) -> None:
    workspace = make_workspace()
    client = sign_in(make_member(workspace))

    answer = client.get(f"/admin/{workspace.slug}{rest}?a=1")

    assert answer.status_code == 307
    assert answer.headers["Location"] == f"/admin/{workspace.slug}{rest.rstrip('/')}?a=1"
    assert client.get(f"/admin/{workspace.slug}/nothing/").status_code == 404


def test_sends_each_user_to_their_workspaces_leads() -> None:
    workspace = make_workspace()

    def way(user: object) -> str:
        answer = sign_in(user).get("/", follow=True)
        assert answer.status_code == 200
        return str(answer.request["PATH_INFO"])

    leads = f"/admin/{workspace.slug}/leads"
    assert way(make_member(workspace)) == leads
    assert way(make_member(workspace, role="agent")) == leads
    assert Client().get("/").headers["Location"] == "/admin/login/?next=/"
    lost = sign_in(make_user(is_staff=False)).get("/")
    assert "No workspace yet" in lost.content.decode()


def test_switches_between_own_workspaces_only() -> None:
    one, two, foreign = (make_workspace(name=name) for name in ("One Ltd", "Two Ltd", "Foreign Ltd"))
    member = make_member(one)
    Membership.objects.create(workspace=two, user=member, role="owner")

    text = sign_in(member).get(page(one)).content.decode()

    assert f'href="/admin/{two.slug}/"' in text
    assert foreign.name not in text


def test_signs_in_and_out_also_who_is_no_staff() -> None:
    workspace = make_workspace()
    make_member(workspace, username="maya", password="correct-horse", is_staff=False)
    client = Client()

    arrived = client.post("/admin/login/", {"username": "maya", "password": "correct-horse", "next": "/"}, follow=True)
    assert arrived.request["PATH_INFO"] == f"/admin/{workspace.slug}/leads"
    assert client.get("/admin/").status_code == 302
    left = client.post("/admin/logout/")

    assert "You are logged out" in left.content.decode()
    assert client.get(page(workspace)).status_code == 302


def test_escapes_names() -> None:
    workspace = make_workspace(name="<b>Bold</b>")
    make_key(workspace, name="<script>alert(1)</script>")

    text = sign_in(make_member(workspace)).get(page(workspace)).content.decode()

    assert "<script>alert" not in text
    assert "<b>Bold" not in text
