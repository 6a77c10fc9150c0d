"""Erasing a lead reaches the providers, however long they are away and whoever is killed in between."""

import logging
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from conftest import NOW, make_dispatch, make_lead, make_member, make_workspace
from leads import erasures
from leads.channels import Trace, get_channel
from leads.erasure import erase_leads
from leads.models import Erasure, Lead, Suppression
from leads.suppression import is_suppressed, suppress
from providers import vapi
from voice.tests.factories import CALL_ID, CALL_URL, make_call, post_event, report, status_update
from webapi.tests.backend import Backend
from whatsapp.models import Message
from workspaces.models import Integration, LogEntry, Workspace

pytestmark = pytest.mark.django_db

ONE_CALL = f"{CALL_URL}/{CALL_ID}"
SID = "SM" + "1" * 32
MESSAGE = f"https://api.twilio.com/2010-04-01/Accounts/AC{'0' * 32}/Messages/{SID}.json"


def erase(lead: Lead) -> None:
    assert erase_leads(Lead.objects.filter(pk=lead.pk), now=timezone.now()) == 1


def ended_call() -> Lead:
    """Make a lead with a call that Vapi knows as ended."""
    responses.get(ONE_CALL, json={"id": CALL_ID, "status": "ended"})
    return make_call(status="ended", vapi_status="ended").lead


def sweep_later() -> None:
    Erasure.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    call_command("sweep")


@responses.activate
def test_a_call_is_deleted_at_vapi() -> None:
    session = make_call(status="ended", vapi_status="ended")
    responses.get(ONE_CALL, json={"id": CALL_ID, "status": "ended"})
    deleted = responses.delete(ONE_CALL, json={})

    assert Backend(session.lead.workspace).delete(session.lead_id).status_code == 204
    assert Erasure.objects.get().reference == CALL_ID
    call_command("sweep")
    call_command("sweep")

    assert (Erasure.objects.count(), deleted.call_count) == (0, 1)
    entry = LogEntry.objects.get()
    assert (entry.provider, entry.operation, entry.outcome, entry.lead_id) == ("vapi", "erase", "ok", None)
    assert entry.request == f'{{"id": "{CALL_ID}"}}'


@responses.activate
def test_messages_are_deleted_at_twilio() -> None:
    lead = make_lead(make_workspace(channel="whatsapp"))
    for role, sid in (("assistant", SID), ("user", "SM" + "2" * 32)):
        Message.objects.create(
            lead=lead, role=role, text="Hi", status="sent", twilio_sid=sid, created_at=NOW, updated_at=NOW
        )
    deleted = [responses.delete(MESSAGE, status=204), responses.delete(MESSAGE.replace("1" * 32, "2" * 32), status=404)]

    erase(lead)
    call_command("sweep")

    assert (Erasure.objects.count(), [call.call_count for call in deleted]) == (0, [1, 1])


def test_what_no_provider_ever_saw_is_not_asked_for() -> None:
    lead = make_lead(is_test=True)
    make_call(lead=lead, vapi_status="simulated")

    erase(lead)

    assert not Erasure.objects.exists()


@responses.activate
@pytest.mark.parametrize("answer", [{"status": 200, "json": {}}, {"status": 404}])
def test_what_is_gone_there_is_done(answer: dict[str, Any]) -> None:
    lead = ended_call()
    responses.delete(ONE_CALL, **answer)

    erase(lead)
    call_command("sweep")

    assert not Erasure.objects.exists()


@responses.activate
def test_a_provider_that_is_away_for_hours_is_asked_later_and_later() -> None:
    lead = ended_call()
    away = responses.delete(ONE_CALL, status=503)
    erase(lead)
    waits = []
    for _ in range(12):
        sweep_later()
        waits.append(round((Erasure.objects.get().due_at - timezone.now()).total_seconds() / 60))

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    assert away.call_count == 12
    # The journal says it once, and nothing of the person.
    entry = LogEntry.objects.get()
    assert (entry.outcome, entry.response, entry.lead_id) == ("unknown", "OutcomeUnknown, status 503", None)

    responses.replace(responses.DELETE, ONE_CALL, json={})
    sweep_later()
    assert not Erasure.objects.exists()


@responses.activate
def test_after_30_days_it_is_given_up_loudly(caplog: pytest.LogCaptureFixture) -> None:
    lead = ended_call()
    responses.delete(ONE_CALL, status=500, body=f"could not delete {lead.phone}")
    erase(lead)
    Erasure.objects.update(created_at=timezone.now() - timedelta(days=29, hours=23), attempts=5)
    sweep_later()
    assert Erasure.objects.exists()

    Erasure.objects.update(created_at=timezone.now() - timedelta(days=30))
    with caplog.at_level(logging.ERROR):
        sweep_later()

    assert not Erasure.objects.exists()
    entry = LogEntry.objects.get(outcome="rejected")
    assert entry.response.startswith("Given up after 30 days: delete it at the provider by hand.")
    assert lead.phone not in entry.response
    assert "is given up" in caplog.text
    assert lead.phone not in caplog.text


@responses.activate
def test_a_call_that_goes_on_is_deleted_when_it_has_ended() -> None:
    session = make_call(vapi_status="in-progress")
    going_on = responses.get(ONE_CALL, json={"id": CALL_ID, "status": "in-progress"})
    deleted = responses.delete(ONE_CALL, json={})
    erase(session.lead)

    call_command("sweep")
    call_command("sweep")
    assert (going_on.call_count, deleted.call_count, Erasure.objects.count()) == (1, 0, 1)

    responses.replace(responses.GET, ONE_CALL, json={"id": CALL_ID, "status": "ended"})
    sweep_later()
    assert (deleted.call_count, Erasure.objects.count()) == (1, 0)


@responses.activate
def test_who_was_killed_in_between_is_followed_by_another() -> None:
    lead = ended_call()
    deleted = responses.delete(ONE_CALL, json={})
    erase(lead)
    # Claimed, and dead before anything was asked: its lease holds the others off, then another one asks.
    row = Erasure.objects.get()
    assert erasures._claim(row, now=timezone.now())
    assert not erasures._claim(row, now=timezone.now())
    call_command("sweep")
    assert deleted.call_count == 0

    Erasure.objects.update(due_at=timezone.now())
    call_command("sweep")
    assert (deleted.call_count, Erasure.objects.count()) == (1, 0)


@responses.activate
def test_killed_after_it_was_deleted_there_it_is_found_gone() -> None:
    lead = ended_call()
    erase(lead)
    responses.replace(responses.GET, ONE_CALL, status=404)

    call_command("sweep")

    assert not Erasure.objects.exists()


@responses.activate
def test_a_workspace_that_disconnected_meanwhile_waits() -> None:
    lead = ended_call()
    responses.delete(ONE_CALL, json={})
    erase(lead)
    kept = Integration.objects.get()
    kept.delete()
    call_command("sweep")
    assert (Erasure.objects.get().reason, len(responses.calls)) == ("Vapi is not connected in this workspace.", 0)

    Integration.objects.create(workspace=kept.workspace, provider="vapi", credentials=kept.credentials)
    sweep_later()
    assert not Erasure.objects.exists()


@responses.activate
def test_one_workspace_s_trouble_keeps_no_other_waiting() -> None:
    lost, fine = make_workspace(connected=False), make_workspace()
    erasures.remember([Trace("vapi", f"lost-{n}") for n in range(5)], workspace_id=lost.pk, now=NOW)
    erasures.remember([Trace("vapi", CALL_ID)], workspace_id=fine.pk, now=NOW + timedelta(seconds=1))
    responses.get(ONE_CALL, status=404)

    # The first is in trouble, and takes the other four of its workspace out of the way.
    assert erasures.sweep(now=timezone.now(), limit=1) == 0
    assert erasures.sweep(now=timezone.now(), limit=1) == 1

    assert set(Erasure.objects.values_list("workspace_id", flat=True)) == {lost.pk}


@responses.activate
def test_a_call_that_was_under_way_when_its_lead_was_erased_is_erased_too() -> None:
    """Its id was not known yet; the first event tells it."""
    dispatch = make_dispatch(make_lead(), status="sending")
    workspace = dispatch.workspace
    erase(dispatch.lead)
    told = {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}}

    for message in (status_update("ringing", call=told), report(call={"id": CALL_ID, **told})):
        assert post_event(workspace, message).status_code == 200

    row = Erasure.objects.get()
    assert (row.workspace_id, row.provider, row.reference) == (workspace.pk, "vapi", CALL_ID)


def test_a_call_of_another_workspace_s_lead_is_not_erased() -> None:
    dispatch = make_dispatch(make_lead(), status="done")
    told = {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}}

    post_event(make_workspace(), status_update("ringing", call=told))

    assert not Erasure.objects.exists()


def test_a_stop_stays_in_force_without_the_phone() -> None:
    lead = make_lead(phone="+447123456789")
    workspace_id = lead.workspace_id
    suppress(workspace_id=workspace_id, phone=lead.phone, reason="stop", detail="Stop calling +447123456789", now=NOW)

    erase(lead)

    stop = Suppression.objects.get()
    assert (stop.phone, stop.detail) == ("", "")
    assert is_suppressed(workspace_id, "+447123456789")


@responses.activate
def test_every_channel_erases_its_own_traces() -> None:
    workspace = make_workspace()
    Workspace.objects.filter(pk=workspace.pk).update(name="x")
    responses.get(ONE_CALL, status=404)
    assert get_channel("voice").erase(Trace("vapi", CALL_ID), workspace_id=workspace.pk)
    assert {get_channel(name).keeps_traces_at for name in ("voice", "whatsapp")} == {"vapi", "twilio"}


@responses.activate
def test_an_id_is_no_path() -> None:
    responses.delete(f"{CALL_URL}/..%2Fassistant", status=404)
    vapi.delete_call(api_key="k", call_id="../assistant")
    assert len(responses.calls) == 1


@responses.activate
def test_a_workspace_is_deleted_after_what_providers_keep(client: Any) -> None:
    responses.delete(ONE_CALL, json={})
    lead = ended_call()
    erase(lead)
    client.force_login(make_member(lead.workspace))
    address = f"/admin/workspaces/workspace/{lead.workspace_id}/delete/"

    refused = client.post(address, {"post": "yes"})
    assert "deletions that the worker still asks a provider for: 1" in refused.content.decode()
    assert Erasure.objects.count() == 1
    call_command("sweep")
    client.post(address, {"post": "yes"})

    assert not Workspace.objects.exists()
