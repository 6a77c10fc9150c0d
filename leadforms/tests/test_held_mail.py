"""Members are told that submissions wait which may be people's: once a day, and again where the server was away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from unittest.mock import patch

import pytest
from django.core import mail
from django.db import connection, transaction
from pytest_django import Settings

from conftest import NOW, make_member, make_workspace
from leadforms import held, held_mail
from leadforms.models import FormVersion, HeldSubmission
from leadforms.tests.factories import make_held, make_published
from leads import sweep as leads_sweep

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> FormVersion:
    workspace = make_workspace(slug="northlight", name="Northlight")
    make_member(workspace, username="maya", email="maya@example.com")
    return make_published(workspace)


def sweep(*, later: timedelta = timedelta(0)) -> int:
    return held_mail.sweep(now=NOW + later, limit=10)


def test_tells_members_once_a_day_how_many_wait_and_where(version: FormVersion) -> None:
    make_held(version, reason="honeypot")
    assert sweep() == 0
    for reason in ("daily_cap", "daily_cap", "many_from_ip"):
        make_held(version, reason=reason)

    assert (sweep(), sweep()) == (1, 0)
    make_held(version, reason="daily_cap", created_at=NOW + timedelta(minutes=1))
    assert sweep(later=timedelta(hours=1)) == 0

    told = mail.outbox[0]
    assert (told.to, told.subject) == (["maya@example.com"], "Northlight: submissions of your form wait for you")
    assert "- 1: many submissions from one address\n- 2: the day's cap of contacts was reached\n" in told.body
    assert "/admin/northlight/form/held\n" in told.body
    assert len(mail.outbox) == 1
    make_held(version, reason="daily_cap", created_at=NOW + timedelta(days=1))
    assert sweep(later=timedelta(days=1)) == 1


def test_nobody_is_told_of_what_was_decided_meanwhile(version: FormVersion) -> None:
    make_held(version, reason="daily_cap")
    held.discard(HeldSubmission.objects.all(), by_id=None, now=NOW)

    assert sweep() == 0
    assert mail.outbox == []
    make_held(version, reason="daily_cap", created_at=NOW + timedelta(minutes=1))
    assert sweep(later=timedelta(minutes=2)) == 1


def test_a_server_that_gives_up_midway_sends_nobody_the_same_again(version: FormVersion) -> None:
    make_member(version.form.workspace, username="zoe", email="zoe@example.com")
    make_held(version, reason="daily_cap")
    slow = NOW + timedelta(minutes=14)
    with (
        patch("django.core.mail.EmailMessage.send", side_effect=[1, SMTPServerDisconnected]),
        patch("django.utils.timezone.now", return_value=slow),
    ):
        assert sweep() == 0

    # Who took long over the first is not thought dead while it is at the second.
    assert sweep(later=held_mail.TRIED_AGAIN_AFTER) == 0
    assert sweep(later=timedelta(minutes=14) + held_mail.TRIED_AGAIN_AFTER) == 1
    assert [each.to for each in mail.outbox] == [["zoe@example.com"]]


def test_tries_again_where_the_mail_server_was_away(version: FormVersion) -> None:
    make_held(version, reason="daily_cap")
    with patch("django.core.mail.EmailMessage.send", side_effect=SMTPServerDisconnected):
        assert sweep() == 0

    assert sweep(later=timedelta(minutes=1)) == 0
    assert sweep(later=held_mail.TRIED_AGAIN_AFTER) == 1
    assert len(mail.outbox) == 1


def test_an_installation_without_mail_tells_nobody(version: FormVersion, settings: Settings) -> None:
    settings.SENDS_EMAIL = False
    make_held(version, reason="daily_cap")

    settings.SENDS_EMAIL = True
    assert sweep() == 0


def test_the_worker_sends_it(version: FormVersion) -> None:
    make_held(version, reason="daily_cap")

    leads_sweep.send_mail(now=NOW, limit=10)

    assert len(mail.outbox) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_is_stored_while_the_worker_finds_nothing_is_told_of(version: FormVersion) -> None:
    make_held(version, reason="daily_cap")
    held.discard(HeldSubmission.objects.all(), by_id=None, now=NOW)

    def work() -> int:
        try:
            return sweep()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            make_held(version, reason="daily_cap")
            worker = pool.submit(work)
            while not (worker.done() or waits_for_a_lock()):
                pass
        told = worker.result(timeout=20)

    assert told + sweep(later=held_mail.TRIED_AGAIN_AFTER) == 1
    assert len(mail.outbox) == 1


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None
