"""201, and then Vapi ends the call before the phone could ring."""

from typing import Any

import pytest

from conftest import NOW, make_dispatch
from leads.models import Dispatch
from voice.models import CallSession
from voice.tests.factories import dispatch_of, make_call, post_event, report, status_update
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db

CREDITS = "call.start.error-subscription-insufficient-credits"
FAULT = "call.start.error-vapifault-database-error"


def workspace_of(session: CallSession) -> Any:
    return session.lead.workspace


def test_a_call_that_never_came_about_for_want_of_credits_needs_a_human_who_is_told_why() -> None:
    session = make_call()
    for _ in range(3):
        post_event(workspace_of(session), status_update("ended", endedReason=CREDITS))
    post_event(workspace_of(session), report(endedReason=CREDITS, durationSeconds=0, startedAt=None, artifact={}))
    session.refresh_from_db()
    assert (session.outcome, dispatch_of(session).status, session.lead.status) == ("account", "failed", "needs_human")
    assert dispatch_of(session).reason.endswith("top it up or switch on auto-reload.")
    entry = LogEntry.objects.get(operation="call ended")
    assert (entry.outcome, entry.lead_id) == ("rejected", session.lead_id)
    assert "run out of credits" in entry.response


def test_a_call_that_never_came_about_for_want_of_credits_told_before_the_201_is_final_as_well() -> None:
    session = make_call(dispatch_status="sending")
    post_event(workspace_of(session), status_update("ended", endedReason=CREDITS))
    assert Dispatch.objects.get().status == "failed"


def test_a_call_that_never_came_about_by_a_passing_fault_is_tried_again_a_little_later_and_once() -> None:
    session = make_call()
    for _ in range(3):
        post_event(workspace_of(session), status_update("ended", endedReason=FAULT))
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.attempts, dispatch.finished_at) == ("pending", 1, None)
    session.refresh_from_db()
    assert (dispatch.due_at - session.updated_at).total_seconds() == pytest.approx(30, abs=5)
    assert LogEntry.objects.filter(operation="call ended").count() == 1


def test_a_call_that_never_came_about_and_then_turns_out_to_have_rung_is_not_tried_again() -> None:
    session = make_call()
    post_event(workspace_of(session), status_update("ended", endedReason=FAULT))
    post_event(workspace_of(session), status_update("ringing"))
    assert Dispatch.objects.get().status == "done"


@pytest.mark.parametrize("before", ["ringing", "in-progress"])
def test_a_call_that_never_came_about_is_not_tried_again_where_it_rang(before: str) -> None:
    session = make_call()
    post_event(workspace_of(session), status_update(before))
    post_event(workspace_of(session), status_update("ended", endedReason=FAULT))
    assert Dispatch.objects.get().status == "done"


def test_a_call_that_never_came_about_is_not_tried_again_where_there_was_talk() -> None:
    session = make_call()
    post_event(workspace_of(session), report(endedReason="pipeline-error-openai-llm-failed", durationSeconds=9))
    session.refresh_from_db()
    assert (session.outcome, dispatch_of(session).status) == ("transient", "done")


def test_a_call_that_never_came_about_in_a_way_that_may_have_rung_needs_a_human() -> None:
    session = make_call()
    post_event(workspace_of(session), status_update("ended", endedReason="pipeline-error-openai-llm-failed"))
    session.refresh_from_db()
    assert (dispatch_of(session).status, session.lead.status) == ("failed", "needs_human")


def test_a_call_that_never_came_about_is_given_up_after_so_many_tries(settings: Any) -> None:
    session = make_call()
    Dispatch.objects.update(attempts=settings.DISPATCH_MAX_ATTEMPTS)
    post_event(workspace_of(session), status_update("ended", endedReason=FAULT))
    session.refresh_from_db()
    assert (dispatch_of(session).status, session.lead.status) == ("failed", "needs_human")


def test_a_call_that_never_came_about_is_not_tried_again_where_staff_call_again_already() -> None:
    session = make_call()
    make_dispatch(session.lead, status="pending")
    post_event(workspace_of(session), status_update("ended", endedReason=FAULT))
    dispatch_of(session).refresh_from_db()
    assert dispatch_of(session).status == "done"


def test_a_call_that_never_came_about_old_news_of_a_first_try_does_not_touch_the_second() -> None:
    session = make_call()
    ended = status_update("ended", endedReason=FAULT)
    post_event(workspace_of(session), ended)
    Dispatch.objects.update(status="done", attempts=2)
    CallSession.objects.create(
        lead=session.lead, dispatch=session.dispatch, vapi_call_id="second", created_at=NOW, updated_at=NOW
    )
    post_event(workspace_of(session), ended)
    assert Dispatch.objects.get().status == "done"
