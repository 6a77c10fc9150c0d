"""Contacting a lead once more, by hand."""

from typing import Any

import pytest
import responses
from django.core.management import call_command

from conftest import NOW, make_dispatch, make_lead, make_user, make_workspace
from leads.again import CannotContact, contact_again
from leads.models import Dispatch, Lead, LeadEvent
from leads.suppression import suppress
from leads.takeover import take_over
from voice.models import CallSession
from voice.tests.factories import make_call
from webapi.tests.backend import calls_to_vapi, vapi_takes
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db


@responses.activate
@pytest.mark.parametrize("before", ["skipped", "failed", "done"])
def test_the_worker_calls_and_the_timeline_says_who_wanted_it(before: str) -> None:
    vapi_takes("call-1")
    lead = make_lead(status="needs_human")
    make_dispatch(lead, status=before, reason="paused")
    user = make_user()

    dispatch = contact_again(lead, by_id=user.pk, now=NOW)
    call_command("sweep")

    dispatch.refresh_from_db()
    assert (dispatch.status, CallSession.objects.get().dispatch_id) == ("done", dispatch.pk)
    event = LeadEvent.objects.get(kind="call_again")
    assert (event.lead_id, event.by) == (lead.pk, user)


@responses.activate
def test_pressed_twice_it_calls_once() -> None:
    vapi_takes("call-1")
    lead = make_lead()
    contact_again(lead, by_id=None, now=NOW)

    with pytest.raises(CannotContact, match="being contacted already"):
        contact_again(lead, by_id=None, now=NOW)
    call_command("sweep")
    with pytest.raises(CannotContact, match="A call is going on"):
        contact_again(lead, by_id=None, now=NOW)

    assert len(calls_to_vapi("POST")) == 1
    assert LeadEvent.objects.filter(kind="call_again").count() == 1


def stop(lead: Lead) -> None:
    suppress(workspace_id=lead.workspace_id, phone=lead.phone, reason="operator", now=NOW)


def take(lead: Lead) -> None:
    take_over(lead.pk, by_id=make_user().pk, now=NOW)


def pause(lead: Lead) -> None:
    Workspace.objects.update(agent_enabled=False)


def call(lead: Lead) -> None:
    make_call(lead=lead, vapi_status="in-progress")


def plan(lead: Lead) -> None:
    make_call(lead=lead, vapi_status="scheduled")


@pytest.mark.parametrize(
    ("hinder", "words"),
    [
        (stop, "opted out"),
        (take, "taken over"),
        (pause, "paused"),
        (call, "A call is going on"),
        (plan, "A call is planned already"),
        (make_dispatch, "being contacted already"),
    ],
)
def test_says_why_not(hinder: Any, words: str) -> None:
    lead = make_lead()
    hinder(lead)
    lead = Lead.objects.select_related("workspace").get()

    with pytest.raises(CannotContact, match=words):
        contact_again(lead, by_id=None, now=NOW)

    assert not LeadEvent.objects.filter(kind="call_again").exists()


@responses.activate
@pytest.mark.parametrize(("hinder", "reason"), [(stop, "opted_out"), (take, "taken_over"), (pause, "paused")])
def test_what_happens_until_the_worker_comes_counts(hinder: Any, reason: str) -> None:
    lead = make_lead()
    contact_again(lead, by_id=None, now=NOW)
    hinder(lead)

    call_command("sweep")

    assert (Dispatch.objects.get().status, Dispatch.objects.get().reason) == ("skipped", reason)
    assert len(responses.calls) == 0


def test_a_lead_saved_while_paused_is_written_to_when_a_person_wants_it() -> None:
    lead = make_lead(make_workspace(channel="whatsapp"))
    make_dispatch(lead, status="skipped", reason="paused")

    dispatch = contact_again(lead, by_id=None, now=NOW)

    assert (dispatch.channel, dispatch.status) == ("whatsapp", "pending")
