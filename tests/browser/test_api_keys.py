"""The way of an API key, in a browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apikeys.models import ApiKey
from conftest import make_key, make_lead, make_member, make_workspace
from tests.browser.conftest import enter_as, faults, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]
PASSWORD = "correct-horse-battery"


def make_owner() -> Any:
    workspace = make_workspace(name="Northlight Coaching", slug="northlight")
    make_member(workspace, username="maya", password=PASSWORD)
    return workspace


def copied(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_makes_copies_and_revokes_a_key(open_page: OpenPage) -> None:
    make_owner()
    page, complaints = open_page()

    sign_in(page, "maya", PASSWORD)
    page.get_by_role("link", name="API keys").click()
    expect(page).to_have_url(re.compile("/admin/northlight/settings/api-keys$"))
    page.get_by_role("link", name="New API key").first.click()
    page.get_by_label("Name").fill("Website")
    page.get_by_role("button", name="Generate").click()
    key = page.locator("#new-key").inner_text()
    assert re.fullmatch(r"ck_live_[0-9a-f]{32}", key)
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert copied(page) == key
    page.locator("[data-copy=curl]").click()
    expect(page.locator("[data-copy=curl]")).to_have_text("Copied")
    assert copied(page).startswith("curl -X POST http")
    assert f"Authorization: Bearer {key}" in copied(page)

    page.get_by_role("link", name="I have copied it").click()
    assert key not in page.content()
    page.get_by_role("link", name="Revoke Website").click()
    expect(page.get_by_role("dialog")).to_contain_text("Revoke this key?")
    page.get_by_role("button", name="Cancel").click()
    assert ApiKey.objects.get().revoked_at is None
    page.get_by_role("link", name="Revoke Website").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()

    expect(page.get_by_role("row", name="Website")).to_contain_text("Revoked")
    assert ApiKey.objects.get().revoked_at is not None
    assert complaints == []


def test_does_it_all_without_scripts(open_page: OpenPage) -> None:
    workspace = make_owner()
    page, _complaints = open_page(java_script_enabled=False)

    sign_in(page, "maya", PASSWORD)
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("link", name="New API key").first.click()
    page.get_by_label("Name").fill("Website")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#new-key")).to_contain_text("ck_live_")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="Revoke Website").click()
    page.get_by_role("button", name="Revoke").click()

    expect(page.get_by_role("row", name="Website")).to_contain_text("Revoked")
    page.goto(f"/admin/{workspace.slug}/")
    page.locator(".menu-account > summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading")).to_have_text("You are logged out")


def test_makes_one_key_when_generate_is_clicked_twice(open_page: OpenPage) -> None:
    make_owner()
    page, _complaints = open_page()

    enter_as(page, "maya")
    page.goto("/admin/northlight/settings/api-keys/new")
    page.get_by_label("Name").fill("Website")
    page.get_by_role("button", name="Generate").dblclick()

    expect(page.locator("#new-key")).to_contain_text("ck_live_")
    assert ApiKey.objects.count() == 1


def test_breaks_no_rule_of_accessibility_or_csp(open_page: OpenPage) -> None:
    workspace = make_owner()
    make_key(workspace, name="Website")
    make_key(workspace, name="Staging", mode="test")
    lead = make_lead(workspace, metadata={"utm_source": "google"})
    key = ApiKey.objects.first()
    assert key is not None
    page, complaints = open_page()
    found: list[str] = []

    page.goto("/admin/login/")
    found += faults(page, complaints)
    enter_as(page, "maya")
    base = "/admin/northlight/settings/api-keys"
    for path in (
        *(base, f"{base}/new", f"{base}/{key.pk}/roll", f"{base}/{key.pk}/revoke"),
        *("/admin/", "/admin/leads/lead/", f"/admin/leads/lead/{lead.pk}/change/"),
        *(f"/admin/leads/lead/{lead.pk}/delete/", "/admin/workspaces/integration/add/"),
    ):
        page.goto(path)
        found += faults(page, complaints)
    page.goto(base)
    page.get_by_role("link", name="Revoke Website").click()
    found += faults(page, complaints)
    page.goto(f"{base}/new")
    page.get_by_role("button", name="Generate").click()
    found += faults(page, complaints)
    page.get_by_label("Name").fill("Third")
    page.get_by_role("button", name="Generate").click()
    found += faults(page, complaints)
    page.goto("/admin/not-here/settings/api-keys")
    complaints.clear()
    found += faults(page, complaints)

    assert found == []
