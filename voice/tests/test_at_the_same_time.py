"""Vapi's events, its answer and the worker, all in the same moment."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from conftest import NOW, make_dispatch, make_lead, make_workspace
from leads.again import CannotContact, contact_again
from leads.channels import Sent, get_channel
from leads.erasure import erase_leads
from leads.models import Dispatch, Erasure, Lead, LeadEvent
from leads.suppression import suppress
from voice.models import CallSession
from voice.tests.factories import CALL_ID, make_call, make_order, post_event, report, status_update
from workspaces.models import LogEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

FAULT = "call.start.error-vapifault-database-error"


@pytest.fixture(autouse=True)
def _only_where_there_are_several_connections() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the tests' SQLite is in memory and has one connection")


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment, each on a connection of its own; raise what any of them raised."""
    barrier, results = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        try:
            barrier.wait(timeout=10)
            results.append(act())
        except Exception as error:  # noqa: BLE001 - raised below
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def test_the_same_failure_delivered_eight_times_at_once_plans_one_later_try() -> None:
    session = make_call()
    workspace, message = session.lead.workspace, status_update("ended", endedReason=FAULT)
    answers = at_once(*[lambda: post_event(workspace, message).status_code] * 8)
    assert answers == [200] * 8
    assert Dispatch.objects.get().status == "pending"
    assert LogEntry.objects.filter(operation="call ended").count() == 1


def test_all_events_at_once_lose_nothing() -> None:
    for number in range(5):
        lead = make_lead()
        session = make_call(lead=lead, vapi_call_id=f"call-{number}")
        told = [status_update("ringing"), status_update("in-progress"), status_update("ended"), report()]
        messages = [message | {"call": {"id": session.vapi_call_id}} for message in told]
        at_once(*[lambda m=message, w=lead.workspace: post_event(w, m) for message in messages])
        session.refresh_from_db()
        lead.refresh_from_db()
        assert (session.status, session.vapi_status, session.outcome) == ("ended", "ended", "completed")
        assert (session.rang, session.summary, lead.status) == (True, "Ada wants a Tuesday slot.", "in_conversation")


def test_an_event_and_the_answer_at_once_leave_one_session() -> None:
    for number in range(5):
        dispatch = make_dispatch(make_lead(), status="sending")
        call_id, workspace, order = f"{CALL_ID}-{number}", dispatch.workspace, make_order(dispatch)
        told = {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}}
        message = status_update("in-progress", call_id=call_id, call=told)
        sent = Sent(reference=call_id, details={"vapi_status": "queued"})
        at_once(
            lambda w=workspace, m=message: post_event(w, m),  # type: ignore[misc]
            lambda o=order, s=sent: get_channel("voice").confirm([(o, s)], now=NOW),  # type: ignore[misc]
        )
        session = CallSession.objects.get(vapi_call_id=call_id)
        assert (session.dispatch_id, session.vapi_status) == (dispatch.pk, "in-progress")


def test_the_same_end_delivered_eight_times_at_once_plans_one_more_call() -> None:
    for number in range(5):
        workspace = make_workspace(no_answer_retries=3)
        session = make_call(lead=make_lead(workspace), vapi_call_id=f"call-{number}")
        told = [
            status_update("ended", call_id=session.vapi_call_id, endedReason="customer-did-not-answer"),
            report(session.vapi_call_id, endedReason="customer-busy", startedAt=None, durationSeconds=0, artifact={}),
        ]
        at_once(*[lambda w=workspace, m=message: post_event(w, m) for message in told * 4])
        assert Dispatch.objects.filter(retry_of=session.dispatch_id).count() == 1
        assert LeadEvent.objects.filter(lead=session.lead, kind="call_retry").count() == 1


def test_an_opt_out_and_the_end_of_a_call_at_once_let_nobody_be_called() -> None:
    for number in range(5):
        workspace = make_workspace(no_answer_retries=3)
        session = make_call(lead=make_lead(workspace), vapi_call_id=f"call-{number}")
        lead, message = session.lead, status_update("ended", call_id=f"call-{number}", endedReason="customer-busy")
        at_once(
            partial(post_event, workspace, message),
            partial(suppress, workspace_id=workspace.pk, phone=lead.phone, reason="stop", now=NOW),
        )
        Dispatch.objects.filter(status="pending").update(due_at=NOW)
        call_command("sweep")
        assert not Dispatch.objects.filter(retry_of=session.dispatch_id).exclude(status="skipped").exists()


def test_call_again_pressed_by_eight_at_once_is_one_promise() -> None:
    lead = make_lead()

    def press() -> bool:
        try:
            contact_again(lead, by_id=None, now=NOW)
        except CannotContact:
            return False
        return True

    assert sorted(at_once(*[press] * 8)) == [False] * 7 + [True]
    assert Dispatch.objects.count() == LeadEvent.objects.count() == 1


def test_a_session_that_is_written_while_its_lead_is_erased_leaves_no_call_at_vapi_unknown() -> None:
    for number in range(5):
        dispatch = make_dispatch(make_lead(), status="sending")
        call_id, workspace = f"{CALL_ID}-{number}", dispatch.workspace
        told = {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}}
        message = status_update("in-progress", call_id=call_id, call=told)
        at_once(
            partial(post_event, workspace, message),
            partial(erase_leads, Lead.objects.filter(pk=dispatch.lead_id), now=NOW),
        )
        assert not Lead.objects.filter(pk=dispatch.lead_id).exists()
        assert Erasure.objects.filter(workspace=workspace, reference=call_id).count() == 1
