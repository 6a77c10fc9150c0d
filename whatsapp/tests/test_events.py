"""Waking Inngest: after the answer, in batches, again where nobody came; the row is the promise throughout."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conftest import make_dispatch, make_key, make_lead, make_workspace
from leads.channels import Order, get_channel
from leads.dispatch import order_of
from leads.models import Dispatch
from providers import inngest
from whatsapp.events import sender
from whatsapp.tests.conftest import Events, Wire
from workspaces.models import LogEntry


@pytest.fixture(autouse=True)
def _nothing_left_to_send() -> Iterator[None]:
    yield
    assert sender.wait_until_idle(timeout_s=10)


def due_now() -> None:
    Dispatch.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def order(dispatch: Dispatch) -> Order:
    return order_of(Dispatch.objects.select_related("lead").get(pk=dispatch.pk))


@pytest.mark.django_db(transaction=True)
def test_an_accepted_lead_wakes_the_engine_after_the_answer(client: Client, engine: Events) -> None:
    key = make_key(make_workspace(channel="whatsapp"))

    answer = client.post(
        "/api/public/leads",
        {"name": "Jane Doe", "phone": "+447123456789", "consent": True},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert sender.wait_until_idle(timeout_s=10)

    dispatch = Dispatch.objects.get()
    assert (answer.status_code, answer.json()["messageQueued"]) == (201, True)
    assert engine.ids == [str(dispatch.pk)]
    assert engine.sent[0][0].data == {"dispatch_id": str(dispatch.pk), "lead_id": str(dispatch.lead_id)}
    assert dispatch.status == "queued"


@pytest.mark.django_db(transaction=True)
def test_sends_what_piles_up_in_batches(engine: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace(channel="whatsapp")
    orders = [order(make_dispatch(make_lead(workspace))) for _ in range(120)]
    send_events = inngest.send_events

    def slow(events: Any) -> Any:
        time.sleep(0.05)
        return send_events(events)

    monkeypatch.setattr(inngest, "send_events", slow)
    for each in orders:
        get_channel("whatsapp").announce(each)
    assert sender.wait_until_idle(timeout_s=10)

    assert len(engine.ids) == 120
    assert len(engine.sent) < 10
    assert max(map(len, engine.sent)) <= 100
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"queued"}


@pytest.mark.django_db(transaction=True)
def test_a_lead_is_not_lost_while_inngest_is_away(engine: Events, dispatch: Dispatch) -> None:
    engine.away = True
    started = time.monotonic()
    get_channel("whatsapp").announce(order(dispatch))
    waited = time.monotonic() - started
    assert sender.wait_until_idle(timeout_s=10)
    assert Dispatch.objects.get().status == "pending"

    engine.away = False
    inngest.forget()
    due_now()
    call_command("sweep")

    assert waited < 0.1
    assert Dispatch.objects.get().status == "queued"
    assert engine.ids == [str(dispatch.pk)]


def test_the_worker_hands_over_what_its_process_did_not(engine: Events, dispatch: Dispatch) -> None:
    call_command("sweep")

    dispatch.refresh_from_db()
    assert (dispatch.status, engine.ids) == ("queued", [str(dispatch.pk)])
    assert dispatch.due_at > timezone.now()
    entry = LogEntry.objects.get()
    assert (entry.provider, entry.operation, entry.outcome) == ("inngest", "send event", "ok")


def test_no_lead_is_given_up_however_long_inngest_is_away(engine: Events, dispatch: Dispatch) -> None:
    engine.away = True
    for _ in range(12):
        due_now()
        call_command("sweep")
    assert (Dispatch.objects.get().status, Dispatch.objects.get().attempts) == ("pending", 0)

    engine.away = False
    inngest.forget()
    due_now()
    call_command("sweep")

    assert Dispatch.objects.get().status == "queued"
    assert engine.ids == [str(dispatch.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_turn_that_nobody_came_for_is_asked_for_again_and_then_run_by_the_worker(
    wire: Wire, engine: Events, dispatch: Dispatch
) -> None:
    wire.openai()
    wire.twilio()
    Dispatch.objects.update(status="queued", created_at=timezone.now())
    due_now()
    call_command("sweep")
    assert (engine.ids, wire.sent) == ([str(dispatch.pk)], [])

    due_now()
    call_command("sweep")
    call_command("sweep")

    assert Dispatch.objects.get().status == "done"
    assert (len(wire.asked), len(wire.sent)) == (1, 1)
    assert engine.ids == [str(dispatch.pk)]


@pytest.mark.django_db(transaction=True)
def test_the_worker_tries_again_where_a_provider_is_away(wire: Wire, engine: Events, dispatch: Dispatch) -> None:
    wire.openai(status=503)
    Dispatch.objects.update(status="queued", created_at=timezone.now(), attempts=1)
    due_now()
    call_command("sweep")

    row = Dispatch.objects.get()
    assert (row.status, row.attempts, wire.sent) == ("queued", 2, [])
    Dispatch.objects.update(attempts=8)
    due_now()
    call_command("sweep")
    assert Dispatch.objects.get().status == "failed"
    dispatch.lead.refresh_from_db()
    assert dispatch.lead.status == "needs_human"


@pytest.mark.django_db(transaction=True)
def test_asks_again_in_vain_without_counting_while_inngest_is_away(engine: Events, dispatch: Dispatch) -> None:
    Dispatch.objects.update(status="queued", created_at=timezone.now())
    engine.away = True
    for _ in range(5):
        due_now()
        call_command("sweep")

    assert (Dispatch.objects.get().status, Dispatch.objects.get().attempts) == ("queued", 0)


def test_a_queued_turn_is_the_workers_where_inngest_was_taken_away(dispatch: Dispatch) -> None:
    Dispatch.objects.update(status="queued", created_at=timezone.now())
    workspace = make_workspace(channel="whatsapp", connected=False)
    simulated = make_dispatch(make_lead(workspace, is_test=True), status="queued")
    Dispatch.objects.exclude(pk=simulated.pk).delete()

    call_command("sweep")
    call_command("sweep")

    assert Dispatch.objects.get().status == "done"


def test_an_engine_that_acknowledges_too_little_has_taken_nothing(
    engine: Events, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inngest.Inngest.send_sync", lambda self, batch: [])

    call_command("sweep")

    assert Dispatch.objects.get().status == "pending"


def test_nothing_is_announced_without_inngest(dispatch: Dispatch, settings: Settings) -> None:
    settings.INNGEST_CONFIGURED = False

    get_channel("whatsapp").announce(order(dispatch))
    assert sender.wait_until_idle(timeout_s=10)

    assert Dispatch.objects.get().status == "pending"
    assert get_channel("whatsapp").grace_s() == 0.0


@pytest.mark.django_db(transaction=True)
def test_an_engine_that_hangs_does_not_hold_the_worker_up(
    engine: Events, dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    Dispatch.objects.update(status="queued", created_at=timezone.now())
    due_now()
    let_go = threading.Event()
    monkeypatch.setattr("inngest.Inngest.send_sync", lambda self, batch: let_go.wait(10) and ["01"])
    started = time.monotonic()

    call_command("sweep")

    assert time.monotonic() - started < 3
    let_go.set()
