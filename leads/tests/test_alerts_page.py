"""A member's page of e-mail alerts."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import Settings

from conftest import make_member, make_user, make_workspace
from workspaces.models import Membership

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/northlight/settings/alerts"


@pytest.fixture
def page(client: Client) -> Client:
    workspace = make_workspace(slug="northlight")
    make_member(workspace, username="owner", email="owner@example.com")
    client.force_login(make_member(workspace, username="maya", email="maya@example.com", role="agent"))
    return client


def own() -> tuple[str, bool]:
    row = Membership.objects.select_related("user").get(user__username="maya")
    return row.user.email, row.email_alerts


def test_a_member_of_any_role_changes_their_own(page: Client) -> None:
    assert page.post(ADDRESS, {"email": "new@example.com"}).status_code == 302
    assert own() == ("new@example.com", False)
    assert page.post(ADDRESS, {"email": "new@example.com", "email_alerts": "on"}).status_code == 302
    assert own() == ("new@example.com", True)
    assert get_user_model().objects.get(username="owner").email == "owner@example.com"
    assert Membership.objects.get(user__username="owner").email_alerts


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "x" * 300 + "@example.com", "a@example.com\nBcc: b@example.com"]
)
def test_says_what_is_wrong_with_an_address_and_keeps_it(page: Client, email: str) -> None:
    answer = page.post(ADDRESS, {"email": email, "email_alerts": "on"})
    assert answer.status_code == 400
    assert 'class="problem"' in answer.content.decode()
    assert own() == ("maya@example.com", True)


def test_shows_who_is_told(page: Client) -> None:
    get_user_model().objects.filter(username="owner").update(email="")
    text = page.get(ADDRESS).content.decode()
    assert "No address" in text
    # Colleagues' addresses are theirs.
    assert "owner@example.com" not in text


def test_says_so_where_the_server_sends_none(page: Client, settings: Settings) -> None:
    assert "EMAIL_URL" not in page.get(ADDRESS).content.decode()
    settings.SENDS_EMAIL = False
    assert "EMAIL_URL" in page.get(ADDRESS).content.decode()


def test_strangers_find_no_page_and_platform_staff_no_switch(client: Client) -> None:
    make_workspace(slug="northlight")
    client.force_login(make_member(make_workspace(slug="other"), username="stranger"))
    assert client.get(ADDRESS).status_code == 404
    client.force_login(make_user(username="root", is_superuser=True))
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    assert "email_alerts" not in answer.content.decode()
    assert client.post(ADDRESS, {"email": "x@example.com", "email_alerts": "on"}).status_code == 200
    assert get_user_model().objects.get(username="root").email != "x@example.com"
