"""What is kept for a time only goes, however much of it there is."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey, IdempotentRequest
from conftest import make_key, make_member, make_workspace
from leads import sweep
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db


def run() -> str:
    out = StringIO()
    call_command("sweep", stdout=out)
    return out.getvalue().strip()


def make_entries(count: int, *, days_ago: int) -> None:
    workspace, at = make_workspace(), timezone.now() - timedelta(days=days_ago)
    entry = {"direction": "out", "provider": "vapi", "operation": "x", "outcome": "ok", "created_at": at}
    LogEntry.objects.bulk_create(LogEntry(workspace=workspace, **entry) for _ in range(count))


def make_session(key: str, *, ends_in: timedelta) -> None:
    data = SessionStore().encode({})
    Session.objects.create(session_key=key, session_data=data, expire_date=timezone.now() + ends_in)


def test_one_sweep_catches_up_with_all_that_is_old() -> None:
    make_entries(2345, days_ago=91)
    make_entries(3, days_ago=89)
    make_key(make_workspace())
    old = {"api_key": ApiKey.objects.get(), "lease_until": timezone.now()}
    created_at = timezone.now() - timedelta(hours=25)
    IdempotentRequest.objects.bulk_create(
        IdempotentRequest(key=str(n), created_at=created_at, **old) for n in range(1001)
    )

    assert run() == "0 dispatches, 0 promises of the channels, 3346 old rows."
    assert (LogEntry.objects.count(), IdempotentRequest.objects.count()) == (3, 0)


def test_takes_batches_that_are_just_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "RETENTION_BATCH", 2)
    make_entries(4, days_ago=91)

    assert sweep.retire(now=timezone.now()) == 4


def test_ends_between_two_batches_when_the_worker_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "RETENTION_BATCH", 2)
    make_entries(6, days_ago=91)
    answers = iter([False, True, True, True])

    assert sweep.retire(now=timezone.now(), stop=lambda: next(answers, True)) == 2
    assert LogEntry.objects.count() == 4


def test_sessions_that_have_ended_go(client: Client) -> None:
    make_session("ended", ends_in=timedelta(seconds=-1))
    make_session("goes-on", ends_in=timedelta(minutes=1))
    member = make_member(make_workspace())
    client.force_login(member)

    assert run().endswith("1 old rows.")

    assert set(Session.objects.values_list("session_key", flat=True)) == {"goes-on", client.session.session_key}
    assert client.get("/").status_code == 302
