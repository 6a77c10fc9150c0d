"""Fill this installation with demo data: a login, two workspaces, their forms and keys."""

import json
import os
import secrets
from argparse import ArgumentParser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apikeys.models import ApiKey, Mode
from coachbot.demo_data import BUSINESS, WORKSPACES
from coachbot.demo_form import demo_form
from database import clock
from leadforms.content import as_document, read_content
from leadforms.models import LeadForm
from leadforms.publishing import publish
from workspaces.models import Integration, Membership, Workspace, new_webhook_secret
from workspaces.secrets import SecretUnreadable

USERNAME = "admin"
KEY_NAMES = {Mode.LIVE: "Demo live", Mode.TEST: "Demo test"}
REPLACED = "%s (replaced)"


class _Admin(Protocol):
    """What we need of a user."""

    pk: Any

    def check_password(self, raw_password: str) -> bool: ...
    def set_password(self, raw_password: str) -> None: ...
    def save(self) -> None: ...


class Command(BaseCommand):
    """Make the demo data, or find it and issue new keys."""

    help = "Make or find the demo login and workspaces, and issue new API keys for them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        parser.add_argument("--force", action="store_true", help="do it in production too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the rows in one transaction and print what a newcomer needs."""
        if settings.PRODUCTION and not options["force"]:
            raise CommandError(
                "This is a production installation. The demo makes a superuser whose password is printed here and "
                "made-up provider accounts. To do it all the same: manage.py demo --force"
            )
        password = find_password()
        with transaction.atomic():
            admin = find_admin(password)
            workspaces = [find_workspace(spec, owner=admin) for spec in WORKSPACES]
            forms = [find_demo_form(workspace, by=admin, now=clock.now()) for workspace in workspaces]
            made = [describe(workspace, by=admin, now=clock.now()) for workspace in workspaces]
        for form in forms:
            publish_untouched(form, by=admin, now=clock.now())
        result = {
            "baseUrl": settings.PUBLIC_BASE_URL,
            "admin": {"username": USERNAME, "password": password},
            "workspaces": made,
        }
        self.stdout.write(json.dumps(result) if options["json"] else as_text(result))


def find_password() -> str:
    """Return DEMO_ADMIN_PASSWORD, or this installation's own: made once, kept readable by its owner alone."""
    if settings.DEMO_ADMIN_PASSWORD:
        return str(settings.DEMO_ADMIN_PASSWORD)
    path = Path(settings.DATA_DIR) / "demo-password"
    if path.exists() and (kept := path.read_text(encoding="utf-8").strip()):
        return kept
    password = secrets.token_urlsafe(12)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(password + "\n")
    return password


def find_admin(password: str) -> _Admin:
    """Find or make the superuser. A password changed by hand is set back: what we print has to open the door."""
    users = get_user_model()._default_manager
    admin: Any = users.filter(username=USERNAME).first()
    if admin is None:
        admin = get_user_model()(username=USERNAME, email="admin@example.com")
    wanted = {"is_staff": True, "is_superuser": True, "is_active": True}
    right = all(getattr(admin, name) == value for name, value in wanted.items())
    if not (admin.pk and right and admin.check_password(password)):
        for name, value in wanted.items():
            setattr(admin, name, value)
        admin.set_password(password)
        admin.save()
    found: _Admin = admin
    return found


def find_workspace(spec: dict[str, Any], *, owner: _Admin) -> Workspace:
    """Find or make a workspace, its accounts and its owner. What was edited since stays as it is."""
    fields = BUSINESS | {"name": spec["name"], "channel": spec["channel"]}
    workspace, _ = Workspace.objects.get_or_create(slug=spec["slug"], defaults=fields)
    for provider, credentials in spec["integrations"].items():
        options = spec.get("options", {}).get(provider, {})
        connect(workspace, provider, credentials=json.dumps(credentials), options=options)
    Membership.objects.get_or_create(workspace=workspace, user_id=owner.pk, defaults={"role": Membership.Role.OWNER})
    return workspace


def connect(workspace: Workspace, provider: str, *, credentials: str, options: dict[str, Any]) -> None:
    """Store a made-up account where there is none, or none that can be read: its key went with an old installation."""
    stored = Integration.objects.filter(workspace=workspace, provider=provider)
    try:
        if stored.first() is None:
            Integration.objects.create(workspace=workspace, provider=provider, credentials=credentials, options=options)
    except SecretUnreadable:
        stored.update(credentials=credentials, webhook_secret=new_webhook_secret())


def find_demo_form(workspace: Workspace, *, by: _Admin, now: datetime) -> LeadForm:
    """Find or make a workspace's form. What was edited since stays as it is."""
    draft: Any = as_document(read_content(demo_form(workspace.channel)))
    fields = {"draft": draft, "draft_saved_at": now, "draft_saved_by_id": by.pk}
    return LeadForm.objects.get_or_create(workspace=workspace, defaults=fields)[0]


def publish_untouched(form: LeadForm, *, by: _Admin, now: datetime) -> None:
    """Publish a form that nobody has touched since it was made here: not one that was edited or unpublished."""
    if form.draft_revision == 1 and not form.versions.exists():
        publish(form, revision=1, by_id=by.pk, now=now)


def renew_key(workspace: Workspace, *, mode: Mode, by: _Admin, now: datetime) -> str:
    """Issue the demo key of a mode. The last one is revoked and marked as replaced; older ones are removed."""
    name, keys = KEY_NAMES[mode], workspace.api_keys.filter(mode=mode)
    keys.filter(name=REPLACED % name).delete()
    old = list(keys.filter(name=name).order_by("-created_at", "-id"))
    keys.filter(pk__in=[key.pk for key in old[1:]]).delete()
    keys.filter(name=name).update(name=REPLACED % name)
    if old and old[0].state(now) in {"active", "expiring"}:
        return old[0].roll(at=now, grace=timedelta(0), by_id=by.pk).plaintext
    return ApiKey.objects.issue(workspace=workspace, name=name, mode=mode, created_by_id=by.pk).plaintext


def describe(workspace: Workspace, *, by: _Admin, now: datetime) -> dict[str, str]:
    """Name a workspace with fresh keys."""
    return {
        "slug": workspace.slug,
        "channel": workspace.channel,
        "apiKey": renew_key(workspace, mode=Mode.LIVE, by=by, now=now),
        "testKey": renew_key(workspace, mode=Mode.TEST, by=by, now=now),
    }


def as_text(result: dict[str, Any]) -> str:
    """Write the result for a person."""
    admin = result["admin"]
    lines = [f"{result['baseUrl']}/admin/   user {admin['username']}   password {admin['password']}", ""]
    for workspace in result["workspaces"]:
        lines += [
            f"{workspace['slug']} ({workspace['channel']})",
            f"  live key  {workspace['apiKey']}",
            f"  test key  {workspace['testKey']}",
            f"  form      {result['baseUrl']}/forms/{workspace['slug']}",
        ]
    return "\n".join(
        [*lines, "", "These keys are shown once; each run issues new ones and revokes those of the last run."]
    )
