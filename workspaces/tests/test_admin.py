"""Workspaces, members and integrations in Django admin, through HTTP."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from pytest_django import Settings

from conftest import CREDENTIALS, make_integration, make_member, make_user, make_workspace
from workspaces.models import RESERVED_SLUGS, Integration, Membership, Workspace

pytestmark = pytest.mark.django_db
WORKSPACES, MEMBERS, ACCOUNTS = (f"/admin/workspaces/{name}/" for name in ("workspace", "membership", "integration"))
VAPI = {
    "vapi_api_key": "vapi-new-key",
    "vapi_assistant_id": "7d9b6c1e-3a52-4f0e-9c44-0a8f6a2b1c10",
    "vapi_phone_number_id": "b1f0c7aa-8f7d-4a0f-9a3c-52f6c1d2e3f4",
}


def sign_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def workspace_form(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    names = [
        "name",
        "slug",
        "agent_name",
        "persona",
        "offer",
        "pricing",
        "qualification_criteria",
        "default_region",
        "timezone",
    ]
    return {name: getattr(workspace, name) for name in names} | {"agent_enabled": "on"} | changes


@pytest.fixture
def two() -> tuple[Workspace, Workspace]:
    return make_workspace(name="Own Ltd"), make_workspace(name="Foreign Ltd")


def test_hides_everything_of_other_workspaces(two: tuple[Workspace, Workspace]) -> None:
    own, other = two
    make_member(other, username="stranger")
    client = sign_in(make_member(own))

    for address in (WORKSPACES, MEMBERS, ACCOUNTS, f"{MEMBERS}add/", f"{ACCOUNTS}add/"):
        text = client.get(address).content.decode()
        assert "Own Ltd" in text
        assert "Foreign Ltd" not in text
        assert "stranger" not in text
    foreign = {WORKSPACES: other, MEMBERS: Membership.objects.get(workspace=other)}
    for address, row in (foreign | {ACCOUNTS: Integration.objects.get(workspace=other)}).items():
        for page in ("change", "delete", "history"):
            assert client.get(f"{address}{row.pk}/{page}/").status_code in {302, 403, 404}
        assert client.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code in {302, 403, 404}
    assert Workspace.objects.count() == 2
    assert Integration.objects.filter(workspace=other).exists()


def test_hides_names_of_other_workspaces_in_the_autocomplete(two: tuple[Workspace, Workspace]) -> None:
    own, _other = two
    query = {"app_label": "apikeys", "model_name": "apikey", "field_name": "workspace", "term": "Ltd"}

    answer = sign_in(make_member(own)).get("/admin/autocomplete/", query)

    assert [row["text"] for row in answer.json()["results"]] == ["Own Ltd"]
    users = {"app_label": "workspaces", "model_name": "membership", "field_name": "user", "term": ""}
    assert sign_in(make_member(own)).get("/admin/autocomplete/", users).status_code == 403


@pytest.mark.parametrize("model", ["membership", "integration"])
def test_refuses_a_posted_foreign_workspace(two: tuple[Workspace, Workspace], model: str) -> None:
    own, other = two
    owner = make_member(own)
    before = Membership.objects.count(), Integration.objects.count()
    data = {"workspace": other.pk, "user": owner.pk, "role": "owner", "provider": "calcom", "options": "{}"}

    answer = sign_in(owner).post(
        f"/admin/workspaces/{model}/add/", data | {"calcom_api_key": "x", "calcom_event_type_id": "1"}
    )

    assert "Select a valid choice" in answer.content.decode()
    assert (Membership.objects.count(), Integration.objects.count()) == before


def test_refuses_a_posted_foreign_user(two: tuple[Workspace, Workspace]) -> None:
    own, other = two
    stranger = make_member(other)

    answer = sign_in(make_member(own)).post(
        f"{MEMBERS}add/", {"workspace": own.pk, "user": stranger.pk, "role": "agent"}
    )

    assert "Select a valid choice" in answer.content.decode()
    assert not Membership.objects.filter(workspace=own, user=stranger).exists()


def test_scopes_by_the_role_in_each_workspace(two: tuple[Workspace, Workspace]) -> None:
    own, other = two
    member = make_member(own)
    Membership.objects.create(workspace=other, user=member, role="agent")

    text = sign_in(member).get(ACCOUNTS).content.decode()

    assert "Own Ltd" in text
    assert "Foreign Ltd" not in text


def test_keeps_a_workspace_on_its_channel(two: tuple[Workspace, Workspace]) -> None:
    own, _other = two

    answer = sign_in(make_member(own)).post(
        f"{WORKSPACES}{own.pk}/change/", workspace_form(own, channel="whatsapp", persona="Kind.")
    )

    own.refresh_from_db()
    assert answer.status_code == 302
    assert (own.channel, own.persona) == ("voice", "Kind.")


def test_lets_superusers_alone_make_workspaces(two: tuple[Workspace, Workspace]) -> None:
    own, _other = two
    data = workspace_form(own, name="New", slug="new-one", channel="whatsapp")

    assert sign_in(make_member(own)).post(f"{WORKSPACES}add/", data).status_code == 403
    assert sign_in(make_user(is_superuser=True)).post(f"{WORKSPACES}add/", data).status_code == 302
    assert Workspace.objects.get(slug="new-one").channel == "whatsapp"


def test_shows_staff_who_are_no_members_nothing() -> None:
    make_workspace(name="Own Ltd")
    client = sign_in(make_user())

    for address in (WORKSPACES, MEMBERS, ACCOUNTS, "/admin/leads/lead/", "/admin/auth/user/"):
        assert client.get(address).status_code == 403
    assert "Own Ltd" not in client.get("/admin/").content.decode()


def test_shows_users_to_superusers_alone(two: tuple[Workspace, Workspace]) -> None:
    own, _other = two
    member = make_member(own)
    address = f"/admin/auth/user/{member.pk}/change/"

    assert sign_in(member).get(address).status_code == 403
    assert sign_in(member).post(address, {"is_superuser": "on"}).status_code == 403
    assert sign_in(make_user(is_superuser=True)).get(address).status_code == 200


def test_keeps_the_last_owner(two: tuple[Workspace, Workspace]) -> None:
    own, _other = two
    owner = make_member(own)
    row = Membership.objects.get(user=owner)
    client = sign_in(owner)

    demoted = client.post(f"{MEMBERS}{row.pk}/change/", {"role": "agent"})
    removed = client.post(f"{MEMBERS}{row.pk}/delete/", {"post": "yes"})

    assert "at least one owner" in demoted.content.decode()
    assert removed.status_code == 403
    assert Membership.objects.get(user=owner).role == "owner"
    make_member(own)
    client.post(f"{MEMBERS}{row.pk}/change/", {"role": "agent"})
    assert Membership.objects.get(user=owner).role == "agent"


def test_lets_admins_make_no_owners_and_change_no_roles(two: tuple[Workspace, Workspace]) -> None:
    own, other = two
    manager, agent = make_member(own, role="admin"), make_member(other, role="agent")
    Membership.objects.create(workspace=other, user=manager, role="admin")
    client = sign_in(manager)

    refused = client.post(f"{MEMBERS}add/", {"workspace": own.pk, "user": agent.pk, "role": "owner"})
    assert "Only an owner makes owners" in refused.content.decode()
    client.post(f"{MEMBERS}add/", {"workspace": own.pk, "user": agent.pk, "role": "agent"})
    added = Membership.objects.get(workspace=own, user=agent)
    assert client.post(f"{MEMBERS}{added.pk}/change/", {"role": "admin"}).status_code == 403
    assert client.post(f"{MEMBERS}{added.pk}/delete/", {"post": "yes"}).status_code == 302


def test_takes_credentials_and_never_shows_them() -> None:
    workspace = make_workspace(connected=False)
    client = sign_in(make_member(workspace))

    answer = client.post(
        f"{ACCOUNTS}add/", {"workspace": workspace.pk, "provider": "vapi", "options": "{}"} | VAPI, follow=True
    )

    row = Integration.objects.get()
    assert row.read_credentials() == {name.removeprefix("vapi_"): value for name, value in VAPI.items()}
    for text in (answer.content.decode(), client.get(f"{ACCOUNTS}{row.pk}/change/").content.decode()):
        for secret in (*VAPI.values(), row.webhook_secret):
            assert secret not in text


def test_keeps_stored_credentials_where_a_field_is_empty() -> None:
    workspace = make_workspace()
    row = Integration.objects.get()
    client = sign_in(make_member(workspace))

    shown = client.get(f"{ACCOUNTS}{row.pk}/change/").content.decode()
    client.post(f"{ACCOUNTS}{row.pk}/change/", {"options": "{}", "vapi_api_key": "vapi-changed"})

    assert 'placeholder="stored"' in shown
    assert "openai_api_key" not in shown
    after = Integration.objects.get()
    assert after.read_credentials() == CREDENTIALS["vapi"] | {"api_key": "vapi-changed"}
    assert after.webhook_secret == row.webhook_secret


def test_never_repeats_a_refused_secret() -> None:
    workspace = make_workspace(connected=False)
    data = {"workspace": workspace.pk, "provider": "vapi", "options": "{}", "vapi_api_key": "very-secret"}

    text = sign_in(make_member(workspace)).post(f"{ACCOUNTS}add/", data).content.decode()

    assert "This is needed." in text
    assert "very-secret" not in text
    assert not Integration.objects.exists()


def test_refuses_a_provider_of_the_other_channel() -> None:
    workspace = make_workspace(connected=False, channel="whatsapp")
    data = {"workspace": workspace.pk, "provider": "vapi", "options": "{}"} | VAPI

    text = sign_in(make_member(workspace)).post(f"{ACCOUNTS}add/", data).content.decode()

    assert "on another channel" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"content_sid": "HX123"}, "HX and 32 hex digits"),
        ({"content_variables": ["first_name"]}, "must be an object"),
        ({"content_variables": {"1": "firstName"}}, "firstName is no source"),
        ({"content_variables": {"1": 5}}, "5 is no source"),
    ],
)
def test_refuses_a_template_that_could_not_be_sent(options: dict[str, Any], words: str) -> None:
    workspace = make_workspace(connected=False, channel="whatsapp")
    twilio = {"account_sid": "AC1", "auth_token": "token", "from_number": "+14155238886"}
    data = {"workspace": workspace.pk, "provider": "twilio"} | {
        f"twilio_{name}": value for name, value in twilio.items()
    }
    client = sign_in(make_member(workspace))

    assert words in client.post(f"{ACCOUNTS}add/", data | {"options": json.dumps(options)}).content.decode()
    assert not Integration.objects.exists()

    good = {"content_sid": "HX" + "a" * 32, "content_variables": {"1": "first_name", "2": "sentence"}}
    client.post(f"{ACCOUNTS}add/", data | {"options": json.dumps(good)})
    assert Integration.objects.get().options == good


def test_opens_integrations_whose_encryption_key_is_missing(settings: Settings) -> None:
    workspace = make_workspace()
    row = Integration.objects.get()
    client = sign_in(make_member(workspace))
    settings.ENCRYPTION_KEYS = ["other:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]

    assert client.get(ACCOUNTS).status_code == 200
    assert "encryption key is missing" in client.get(f"{ACCOUNTS}{row.pk}/change/").content.decode()
    answer = client.post(f"{ACCOUNTS}{row.pk}/change/", {"options": "{}"} | VAPI)
    assert answer.status_code == 302


def test_deletes_a_workspace_only_without_leads() -> None:
    from conftest import make_lead

    workspace = make_workspace()
    make_integration(workspace, "calcom")
    client = sign_in(make_member(workspace))
    lead = make_lead(workspace)
    address = f"{WORKSPACES}{workspace.pk}/delete/"

    assert client.post(address, {"post": "yes"}).status_code == 403
    lead.delete()
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not Workspace.objects.exists()


def test_reserves_the_name_of_every_app_in_the_admin() -> None:
    labels = {model._meta.app_label for model in admin.site._registry}

    assert labels <= RESERVED_SLUGS
    assert not admin.site.is_registered(apps.get_model("auth", "Group"))
