"""`manage.py demo`: what a newcomer gets, and what a second run leaves alone."""

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client, TransactionTestCase
from django.utils import timezone
from pytest_django import Settings

from apikeys.models import ApiKey, hash_token
from leadforms.content import read_content
from leadforms.models import FormVersion, LeadForm
from leadforms.publishing import find_problems, find_published, save_draft, unpublish
from whatsapp.template import check_options, has_sentence
from workspaces.models import Integration, Membership, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_data_dir(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "data"
    settings.DEMO_ADMIN_PASSWORD = ""


def run_demo(*arguments: str) -> Any:
    said = io.StringIO()
    call_command("demo", "--json", *arguments, stdout=said)
    return json.loads(said.getvalue())


def matched(token: str) -> ApiKey | None:
    return ApiKey.objects.match(token, at=timezone.now())


def test_prints_exactly_the_keys_that_scripts_read(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:8123"
    result = run_demo()
    assert set(result) == {"baseUrl", "admin", "workspaces"}
    assert result["baseUrl"] == "http://127.0.0.1:8123"
    assert set(result["admin"]) == {"username", "password"}
    assert [(w["slug"], w["channel"]) for w in result["workspaces"]] == [
        ("demo-voice", "voice"),
        ("demo-whatsapp", "whatsapp"),
    ]
    assert all(set(w) == {"slug", "channel", "apiKey", "testKey"} for w in result["workspaces"])


def test_json_is_what_call_command_with_a_keyword_prints_too() -> None:
    said = io.StringIO()
    call_command("demo", json=True, stdout=said)
    assert json.loads(said.getvalue())["admin"]["username"] == "admin"


def test_login_opens_the_admin_as_a_superuser_who_owns_both_workspaces() -> None:
    result = run_demo()
    assert Client().login(**result["admin"])
    admin = get_user_model().objects.get(username="admin")
    assert admin.is_superuser
    assert set(Membership.objects.filter(user=admin).values_list("workspace__slug", "role")) == {
        ("demo-voice", "owner"),
        ("demo-whatsapp", "owner"),
    }


def test_keys_work_and_know_their_mode() -> None:
    for workspace in run_demo()["workspaces"]:
        live, test = matched(workspace["apiKey"]), matched(workspace["testKey"])
        assert live is not None
        assert test is not None
        assert (live.name, live.mode, live.workspace.slug) == ("Demo live", "live", workspace["slug"])
        assert (test.name, test.mode, test.workspace.slug) == ("Demo test", "test", workspace["slug"])


def test_each_workspace_has_the_accounts_its_channel_needs() -> None:
    run_demo()
    connected = {(slug, provider) for slug, provider in Integration.objects.values_list("workspace__slug", "provider")}
    assert connected == {
        ("demo-voice", "vapi"),
        ("demo-voice", "calcom"),
        ("demo-whatsapp", "twilio"),
        ("demo-whatsapp", "openai"),
        ("demo-whatsapp", "calcom"),
    }
    for workspace in Workspace.objects.all():
        workspace.full_clean()


def test_second_run_keeps_what_was_edited_and_removes_nothing() -> None:
    run_demo()
    Workspace.objects.filter(slug="demo-voice").update(persona="Short and dry.")
    Integration.objects.get(workspace__slug="demo-voice", provider="vapi").delete()
    run_demo()
    assert Workspace.objects.count() == 2
    assert Workspace.objects.get(slug="demo-voice").persona == "Short and dry."
    assert Membership.objects.count() == 2
    assert Integration.objects.count() == 5


def test_replaces_accounts_whose_encryption_key_is_gone(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = ["dev:" + Fernet.generate_key().decode()]
    run_demo()
    settings.ENCRYPTION_KEYS = ["dev:" + Fernet.generate_key().decode()]
    run_demo()
    assert Integration.objects.get(workspace__slug="demo-voice", provider="calcom").read_credentials() == {
        "api_key": "cal_live_demo_5d1f0c2b9a7e4863",
        "event_type_id": "2041",
    }


def test_second_run_revokes_the_keys_of_the_first() -> None:
    first, second = (run_demo()["workspaces"][0] for _ in range(2))

    assert [matched(token) for token in (first["apiKey"], first["testKey"])] == [None, None]
    assert matched(second["apiKey"]) is not None
    assert matched(second["testKey"]) is not None
    old = ApiKey.objects.get(token_hash=hash_token(first["apiKey"]))
    assert old.revoked_at is not None


def test_no_two_keys_have_one_name_however_often_it_runs() -> None:
    for _ in range(4):
        run_demo()

    for workspace in Workspace.objects.all():
        assert sorted(workspace.api_keys.values_list("name", flat=True)) == [
            *("Demo live", "Demo live (replaced)", "Demo test", "Demo test (replaced)")
        ]


def test_finds_keys_that_an_older_version_left_under_one_name() -> None:
    run_demo()
    workspace = Workspace.objects.get(slug="demo-voice")
    for _ in range(2):
        ApiKey.objects.issue(workspace=workspace, name="Demo live")

    run_demo()

    alive = workspace.api_keys.alive(timezone.now())
    assert sorted(alive.values_list("name", flat=True)) == ["Demo live", "Demo test"]
    assert workspace.api_keys.filter(name="Demo live").count() == 1


def test_leaves_keys_of_other_names_alone() -> None:
    run_demo()
    other = ApiKey.objects.issue(workspace=Workspace.objects.get(slug="demo-voice"), name="Our CRM")
    run_demo()
    run_demo()
    assert matched(other.plaintext) is not None


def test_issues_a_new_key_where_the_last_one_was_revoked_by_hand() -> None:
    revoked = run_demo()["workspaces"][0]["apiKey"]
    key = matched(revoked)
    assert key is not None
    key.revoke(at=timezone.now())
    assert matched(run_demo()["workspaces"][0]["apiKey"]) is not None
    assert matched(revoked) is None


def test_password_is_made_once_and_readable_by_its_owner_alone(settings: Settings) -> None:
    password = run_demo()["admin"]["password"]
    path = Path(settings.DATA_DIR) / "demo-password"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() == password
    assert run_demo()["admin"]["password"] == password


def test_password_of_the_environment_wins_and_opens_the_door(settings: Settings) -> None:
    run_demo()
    settings.DEMO_ADMIN_PASSWORD = "correct-horse-battery"
    assert run_demo()["admin"]["password"] == "correct-horse-battery"
    assert Client().login(username="admin", password="correct-horse-battery")


def test_refuses_in_production_and_makes_nothing(settings: Settings) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production installation.*--force"):
        run_demo()
    assert not get_user_model().objects.exists()
    assert not Workspace.objects.exists()


def test_force_overrides_production(settings: Settings) -> None:
    settings.PRODUCTION = True
    assert len(run_demo("--force")["workspaces"]) == 2


def test_text_names_the_address_the_login_and_the_keys(settings: Settings) -> None:
    said = io.StringIO()
    call_command("demo", stdout=said)
    text = said.getvalue()
    assert f"{settings.PUBLIC_BASE_URL}/admin/" in text
    assert "ck_live_" in text
    assert "ck_test_" in text
    assert f"{settings.PUBLIC_BASE_URL}/forms/demo-voice" in text


@pytest.mark.parametrize(("slug", "words"), [("demo-voice", "calls me"), ("demo-whatsapp", "writes to me on WhatsApp")])
def test_each_workspace_has_a_published_form_that_asks_on_three_steps(slug: str, words: str) -> None:
    run_demo()
    version = find_published(Workspace.objects.get(slug=slug).pk)
    assert version is not None
    content = read_content(version.content)
    assert [step.title for step in content.steps] == ["Where you are", "What you want", "Practicalities"]
    assert len({question.type for question in content.questions()}) >= 8
    assert any(question.show_if for question in content.questions())
    assert find_problems(content) == []
    for said in ("Northlight Coaching", words, "automated", "AI", "withdraw this consent at any time"):
        assert said in version.consent_text.text


def test_second_run_keeps_a_form_that_was_edited() -> None:
    run_demo()
    form = LeadForm.objects.get(workspace__slug="demo-voice")
    save_draft(form, {"consent": "Mine."}, revision=1, by_id=None, now=timezone.now())
    run_demo()
    form.refresh_from_db()
    assert read_content(form.draft).consent == "Mine."
    assert FormVersion.objects.filter(form=form).count() == 1


def test_second_run_publishes_nothing_that_was_taken_from_the_web() -> None:
    run_demo()
    unpublish(LeadForm.objects.get(workspace__slug="demo-voice"))
    run_demo()
    assert find_published(Workspace.objects.get(slug="demo-voice").pk) is None


class CommandOutsideTransactions(TransactionTestCase):
    """As from a shell, where no test's transaction is around it."""

    def test_publishes_the_forms(self) -> None:
        run_demo()
        assert LeadForm.objects.exclude(published=None).count() == 2


def test_the_first_whatsapp_message_goes_out_as_a_template() -> None:
    run_demo()
    options = Integration.objects.get(workspace__slug="demo-whatsapp", provider="twilio").options
    check_options(options)
    assert options["content_sid"]
    assert has_sentence(options)
