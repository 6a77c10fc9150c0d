"""A first message that is late waits for the morning, also where Inngest comes for it at night."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from leads.models import Dispatch, Lead
from whatsapp.models import Message
from whatsapp.tests.conftest import Wire
from whatsapp.turns import InProcess, run_turn

NIGHT = datetime(2026, 6, 8, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _late(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.INNGEST_CONFIGURED = True
    settings.LATE_AFTER_S, settings.CONTACT_MAX_AGE_S = 600, 86_400
    monkeypatch.setattr(timezone, "now", lambda: NIGHT)


def make_old(dispatch: Dispatch, age: timedelta) -> None:
    Lead.objects.update(phone="+447700900111")
    Dispatch.objects.update(created_at=NIGHT - age, due_at=NIGHT - age, status="queued")


def test_an_engine_that_comes_at_night_writes_nothing_until_morning(wire: Wire, dispatch: Dispatch) -> None:
    make_old(dispatch, timedelta(hours=5))

    assert run_turn(InProcess(), dispatch_id=str(dispatch.pk), run_id="run-1")["outcome"] == "skipped"

    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.reason) == ("pending", "quiet_hours")
    assert dispatch.due_at == datetime(2026, 6, 8, 7, 0, tzinfo=UTC)
    assert (wire.asked, wire.sent) == ([], [])


def test_one_that_is_too_old_is_left_to_a_human(wire: Wire, dispatch: Dispatch) -> None:
    make_old(dispatch, timedelta(hours=30))

    run_turn(InProcess(), dispatch_id=str(dispatch.pk), run_id="run-1")

    assert Lead.objects.get().status == "needs_human"
    assert (wire.asked, wire.sent) == ([], [])


def test_a_fresh_one_is_written_at_any_hour(wire: Wire, dispatch: Dispatch) -> None:
    wire.openai()
    wire.twilio()
    make_old(dispatch, timedelta(minutes=2))

    assert run_turn(InProcess(), dispatch_id=str(dispatch.pk), run_id="run-1")["outcome"] == "sent"
    assert Message.objects.get().status == "sent"
