"""Factories and fixtures for every test."""

import io
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model

from apikeys.models import ApiKey
from leads.models import Dispatch, Lead
from workspaces.models import Integration, Membership, Workspace

NOW = datetime(2026, 6, 7, 13, 3, 37, 162000, tzinfo=UTC)
CREDENTIALS = {
    "vapi": {
        "api_key": "vapi-private-0123456789",
        "assistant_id": "7d9b6c1e-3a52-4f0e-9c44-0a8f6a2b1c10",
        "phone_number_id": "b1f0c7aa-8f7d-4a0f-9a3c-52f6c1d2e3f4",
    },
    "twilio": {
        "account_sid": "AC" + "0" * 32,
        "auth_token": "twilio-token-0123456789",
        "from_number": "+14155238886",
    },
    "openai": {"api_key": "sk-test-0123456789"},
    "calcom": {"api_key": "cal_live_0123456789", "event_type_id": "10"},
}
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out on SQLite what holds on PostgreSQL only. scripts/test.sh runs it there."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        for item in items:
            if item.get_closest_marker("postgres"):
                item.add_marker(pytest.mark.skip(reason="holds on PostgreSQL only: set DATABASE_URL"))


def make_user(**overrides: Any) -> Any:
    """Make a user; `is_superuser=True` for the platform's staff."""
    n = next(_numbers)
    fields: dict[str, Any] = {"username": f"user{n}", "email": f"user{n}@example.com", "is_staff": True} | overrides
    password = fields.pop("password", None)
    user = get_user_model()(**fields)
    if password:
        user.set_password(password)
    user.save()
    return user


def make_workspace(*, connected: bool = True, **overrides: Any) -> Workspace:
    """Make a workspace with its channel's accounts connected."""
    n = next(_numbers)
    workspace = Workspace.objects.create(**({"name": f"Acme {n}", "slug": f"acme-{n}", "channel": "voice"} | overrides))
    if connected:
        for provider in ("vapi",) if workspace.channel == "voice" else ("twilio", "openai"):
            make_integration(workspace, provider)
    return workspace


def make_integration(workspace: Workspace, provider: str, **overrides: Any) -> Integration:
    """Connect a provider."""
    credentials = CREDENTIALS[provider] | overrides.pop("credentials", {})
    return Integration.objects.create(
        workspace=workspace, provider=provider, credentials=json.dumps(credentials), **overrides
    )


def make_member(workspace: Workspace, *, role: str = "owner", **user: Any) -> Any:
    """Make a user who is a member and may enter the admin."""
    member = make_user(**user)
    Membership.objects.create(workspace=workspace, user=member, role=role)
    return member


def make_key(workspace: Workspace, **overrides: Any) -> str:
    """Issue an API key without rate limits and return its plaintext."""
    fields: dict[str, Any] = {"name": "Test", "limit_per_minute": 0, "limit_per_hour": 0} | overrides
    return ApiKey.objects.issue(workspace=workspace, **fields).plaintext


def make_lead(workspace: Workspace | None = None, **overrides: Any) -> Lead:
    """Make a lead."""
    workspace = workspace or make_workspace()
    n = next(_numbers)
    fields = {
        "name": "Jane Doe",
        "phone": f"+4471234{n:05d}",
        "channel": workspace.channel,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Lead.objects.create(workspace=workspace, **(fields | overrides))


def make_dispatch(lead: Lead, **overrides: Any) -> Dispatch:
    """Make the promise to contact a lead."""
    fields = {"channel": lead.channel, "due_at": NOW, "created_at": NOW}
    return Dispatch.objects.create(workspace=lead.workspace, lead=lead, **(fields | overrides))


@pytest.fixture(autouse=True)
def _counters_start_at_zero() -> None:
    """Forget what the process remembers between requests: counted limits, remembered keys, the database's clock."""
    from apikeys import authentication, limits
    from database import clock
    from workspaces import faults

    clock.forget()
    limits.reset()
    authentication.forget()
    faults.forget_noted()


@pytest.fixture
def logged_levels() -> Iterator[Callable[[], set[str]]]:
    """Return a function that tells the levels of what the settings' own handler has written since."""
    own = next(handler for handler in logging.getLogger().handlers if handler.name == "stderr")
    assert isinstance(own, logging.StreamHandler)
    stream = io.StringIO()
    before = own.setStream(stream)
    yield lambda: {json.loads(line)["level"] for line in stream.getvalue().splitlines()}
    if before is not None:
        own.setStream(before)
