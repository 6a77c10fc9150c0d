"""Fill a fresh database, add leads or revoke a key: `python -m tests.survival.seed`, in a process of its own."""

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coachbot.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from apikeys.models import ApiKey, hash_token  # noqa: E402
from leadforms import publishing  # noqa: E402
from leads.models import Lead  # noqa: E402
from workspaces.models import Integration, Workspace  # noqa: E402

# Of the platform's staff, who may open every page.
USERNAME, PASSWORD = "survivor", "a-password-of-no-use-elsewhere"
CREDENTIALS: dict[str, dict[str, str]] = {
    "vapi": {
        "api_key": "vapi-private-0123456789",
        "assistant_id": "7d9b6c1e-3a52-4f0e-9c44-0a8f6a2b1c10",
        "phone_number_id": "b1f0c7aa-8f7d-4a0f-9a3c-52f6c1d2e3f4",
    },
    "twilio": {
        "account_sid": "AC" + "0" * 32,
        "auth_token": "twilio-token-0123456789",
        # The sandbox: everybody may be written to.
        "from_number": "+14155238886",
    },
    "openai": {"api_key": "sk-test-0123456789"},
    "calcom": {"api_key": "cal_live_0123456789", "event_type_id": "10"},
}


def make_workspace(slug: str, channel: str, *providers: str) -> Workspace:
    """Make a workspace with its accounts connected."""
    workspace = Workspace.objects.create(name=slug, slug=slug, channel=channel)
    for provider in providers:
        Integration.objects.create(
            workspace=workspace, provider=provider, credentials=json.dumps(CREDENTIALS[provider])
        )
    return workspace


def make_key(workspace: Workspace, **limits: Any) -> str:
    """Issue a key, without rate limits unless told otherwise."""
    fields = {"limit_per_minute": 0, "limit_per_hour": 0} | limits
    return ApiKey.objects.issue(workspace=workspace, name="Survival", **fields).plaintext


def publish_form(workspace: Workspace) -> None:
    """Put the form that every workspace begins with in front of visitors."""
    form = publishing.find_form(workspace, now=timezone.now())
    publishing.publish(form, revision=form.draft_revision, by_id=None, now=timezone.now())


def fill() -> dict[str, str]:
    """Migrate and make what the tests want. Returns the keys."""
    call_command("migrate", interactive=False, verbosity=0)
    voice = make_workspace("voice-ltd", "voice", "vapi", "calcom")
    other = make_workspace("other-ltd", "voice", "vapi")
    whatsapp = make_workspace("whatsapp-ltd", "whatsapp", "twilio", "openai", "calcom")
    publish_form(whatsapp)
    get_user_model().objects.create_superuser(USERNAME, "survivor@example.com", PASSWORD)
    return {
        "voice": make_key(voice),
        "other": make_key(other),
        "whatsapp": make_key(whatsapp),
        "limited": make_key(voice, limit_per_minute=50),
        "limited_alone": make_key(voice, limit_per_minute=50),
        "limited_away": make_key(voice, limit_per_minute=5),
        "doomed": make_key(voice),
        "revoked": make_key(voice),
    }


def add_leads(slug: str, count: int) -> None:
    """Give a workspace many leads, and the server a superuser who may export them."""
    workspace, now = Workspace.objects.get(slug=slug), timezone.now()
    get_user_model().objects.create_superuser("staff", password="correct horse")
    leads = (
        Lead(
            workspace=workspace,
            channel=workspace.channel,
            name="Jane Doe",
            phone=f"+4479{number:08d}",
            goal="x" * 1000,
            created_at=now,
            updated_at=now,
        )
        for number in range(count)
    )
    Lead.objects.bulk_create(leads, batch_size=500)


def revoke(plaintext: str) -> None:
    """End a key, as the console does."""
    ApiKey.objects.get(token_hash=hash_token(plaintext)).revoke(at=timezone.now())


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        sys.stdout.write(json.dumps(fill()))
    elif sys.argv[1] == "leads":
        add_leads(sys.argv[2], int(sys.argv[3]))
    else:
        # Waits for a line, so that the moment of the revocation is the caller's and not that of the imports.
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        revoke(sys.argv[2])
        sys.stdout.write("revoked\n")
