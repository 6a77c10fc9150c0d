"""A lead who calls back: the call joins its timeline, its tools work, and no promise is forgotten."""

from collections.abc import Iterator
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.utils import timezone

from agents.models import ToolCall
from conftest import NOW, make_dispatch, make_lead, make_member, make_workspace
from leads.channels import get_channel
from leads.erasure import erase_leads
from leads.models import Dispatch, Erasure, Lead, LeadEvent
from leads.suppression import suppress
from leads.timeline import read_timeline
from voice import tools
from voice.models import CallSession
from voice.tests.factories import CALL_URL, make_call, post_event, report, status_update
from voice.tests.test_call_tools import ask, item, results_of, tool_calls
from workspaces.models import LogEntry, Workspace
from workspaces.tests.test_agent_settings import VOICE

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+447123456789"
IN = "in-call-1"


@pytest.fixture(autouse=True)
def _threads_let_go() -> Iterator[None]:
    yield
    tools._pool.submit(lambda: None).result(timeout=10)


def come_in(
    message: dict[str, Any], number: str | None = PHONE, *, name: str = "", where: str = "call"
) -> dict[str, Any]:
    """Make a message one of a call that came in, as Vapi tells it."""
    customer = {key: value for key, value in (("number", number), ("name", name)) if value}
    message["call"] = {"id": IN, "type": "inboundPhoneCall", "phoneNumberId": "b1f0c7aa-8f7d-4a0f-9a3c-52f6c1d2e3f4"}
    (message["call"] if where == "call" else message)["customer"] = customer
    return message


def call_in(workspace: Workspace, *statuses: str, number: str | None = PHONE, **more: Any) -> None:
    """Have somebody call, talk and hang up."""
    for status in statuses or ("ringing", "in-progress"):
        post_event(workspace, come_in(status_update(status), number, **more))
    if not statuses:
        post_event(workspace, come_in(report(), number, **more))


@pytest.mark.parametrize("where", ["call", "message"])
def test_the_call_joins_the_timeline_of_the_lead_that_has_the_number(client: Any, where: str) -> None:
    workspace = make_workspace()
    lead = make_lead(workspace, phone=PHONE)
    make_lead(make_workspace(), phone=PHONE)
    make_lead(workspace, phone=PHONE, is_test=True)

    call_in(workspace, where=where)

    session = CallSession.objects.get()
    assert (session.lead, session.inbound, session.dispatch, session.outcome) == (lead, True, None, "completed")
    lead.refresh_from_db()
    assert lead.status == "in_conversation"
    (shown,) = [each.data for each in read_timeline(lead) if each.template == "voice/_timeline_call.html"]
    assert (shown["inbound"], shown["summary"]) == (True, "Ada wants a Tuesday slot.")
    client.force_login(make_member(workspace))
    assert "The lead called" in client.get(f"/admin/{workspace.slug}/leads/{lead.pk}").content.decode()
    assert (get_channel("voice").latest_call(lead.pk) or {})["summary"] == "Ada wants a Tuesday slot."
    assert set(LogEntry.objects.values_list("lead_id", flat=True)) == {lead.pk}


@pytest.mark.parametrize(
    ("stored", "caller"),
    [(PHONE, "07123 456789"), (PHONE, "00447123456789"), ("+525512345678", "+5215512345678")],
)
def test_the_number_may_be_spelt_otherwise(stored: str, caller: str) -> None:
    workspace = make_workspace(default_region="GB")
    make_lead(workspace, phone=stored)

    call_in(workspace, number=caller)

    assert CallSession.objects.count() == 1


@pytest.mark.parametrize("number", [None, "anonymous", "+447000000000", "sip:ada@example.com", "12"])
def test_an_unknown_caller_leaves_nothing_where_the_workspace_does_not_want_it(number: str | None) -> None:
    workspace = make_workspace()
    make_lead(workspace, phone=PHONE)

    call_in(workspace, number=number)

    assert (CallSession.objects.count(), Lead.objects.count()) == (0, 1)
    assert not LogEntry.objects.filter(request__contains=number or "customer").exists()


def test_an_unknown_caller_becomes_a_lead_where_the_workspace_wants_it() -> None:
    workspace = make_workspace(callers_become_leads=True)

    call_in(workspace, name="Ada\u202e  Lovelace")
    call_in(workspace)

    lead = Lead.objects.get()
    assert (lead.name, lead.phone, lead.source, lead.channel) == ("Ada Lovelace", PHONE, "call", "voice")
    assert (lead.status, lead.is_test, lead.workspace) == ("in_conversation", False, workspace)
    assert not Dispatch.objects.exists()
    assert CallSession.objects.get().lead == lead


@pytest.mark.parametrize("number", [None, "anonymous", "12"])
def test_a_caller_who_hides_the_number_becomes_no_lead(number: str | None) -> None:
    call_in(make_workspace(callers_become_leads=True), number=number)

    assert not Lead.objects.exists()


def test_a_call_that_is_no_call_in_is_still_nobodys() -> None:
    workspace = make_workspace(callers_become_leads=True)
    make_lead(workspace, phone=PHONE)
    message = come_in(status_update("in-progress"))
    message["call"]["type"] = "outboundPhoneCall"

    post_event(workspace, message)

    assert not CallSession.objects.exists()


def test_a_lead_who_is_erased_in_the_call_does_not_come_back_by_it() -> None:
    workspace = make_workspace(callers_become_leads=True)
    make_lead(workspace, phone=PHONE)
    call_in(workspace, "in-progress")
    erase_leads(Lead.objects.all(), now=timezone.now())
    assert Erasure.objects.get().reference == IN

    post_event(workspace, come_in(report()))

    assert not Lead.objects.exists()
    assert not LogEntry.objects.filter(request__contains=PHONE).exists()


def test_the_tools_act_on_the_lead_who_calls() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace, phone=PHONE)
    message = come_in(tool_calls(item("call_0", name="updateLeadProfile", budget="10k")))

    told = results_of(ask(workspace, message))

    assert told["call_0"]["ok"]
    lead.refresh_from_db()
    assert (lead.profile or {})["budget"] == "10k"
    assert ToolCall.objects.get().lead == lead


def test_a_caller_whom_nobody_knows_is_promised_no_call() -> None:
    told = results_of(ask(make_workspace(), come_in(tool_calls(item("call_0", budget="10k")))))

    assert told["call_0"]["ok"] is False
    assert "promise no call" in told["call_0"]["error"]
    assert "call back" not in told["call_0"]["error"]


@pytest.mark.parametrize("places", [{"analysis": {"structuredData": {"callBack": True}}}, {
    "artifact": {"structuredOutputs": {"x": {"name": "callBack", "result": True}}, "transcript": "User: Hi\n"}
}])  # fmt: skip
def test_a_promise_to_call_back_needs_a_human(places: dict[str, Any]) -> None:
    workspace = make_workspace()
    make_lead(workspace, phone=PHONE)

    for _ in range(2):
        post_event(workspace, come_in(report(**places)))

    assert Lead.objects.get().status == "needs_human"
    event = LeadEvent.objects.get(data__to="needs_human")
    assert event.data["reason"] == "The agent promised in the call that somebody calls back."


def test_a_promise_that_a_person_will_see_to_it_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace()
    make_lead(workspace, phone=PHONE)

    def crash(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(tools, "run_tool", crash)
    told = results_of(ask(workspace, come_in(tool_calls(item("call_0", name="bookConsult", start="x")))))

    assert "a person from the team will take care of it" in told["call_0"]["error"]
    assert Lead.objects.get().status == "needs_human"
    reason = LeadEvent.objects.get(data__to="needs_human").data["reason"]
    assert reason == "The agent said that a person of the team will see to it: bookConsult took too long or failed."


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("call.ringing.sip-inbound-caller-hungup-before-call-connect", "The lead called and the call came to nothing"),
        ("call.in-progress.error-sip-inbound-call-failed-to-connect", "call.in-progress.error-sip-inbound-call-failed"),
        ("call.in-progress.error-pipeline-no-available-llm-model", "The assistant's model can't be used"),
        ("unknown-error", "unknown-error"),
    ],
)
def test_a_call_in_that_came_to_nothing_needs_a_human(reason: str, said: str) -> None:
    workspace = make_workspace()
    make_lead(workspace, phone=PHONE)
    call_in(workspace, "ringing")

    post_event(workspace, come_in(status_update("ended", endedReason=reason)))

    assert Lead.objects.get().status == "needs_human"
    assert said in LeadEvent.objects.get(kind="status").data["reason"]


@responses.activate
def test_a_lead_who_has_called_is_not_called_by_the_retry_that_was_planned() -> None:
    workspace = make_workspace(no_answer_retries=2)
    lead = make_lead(workspace, phone=PHONE)
    first = make_call(lead=lead, vapi_status="ringing", rang=True, created_at=NOW)
    post_event(workspace, status_update("ended", call_id=first.vapi_call_id, endedReason="customer-did-not-answer"))
    assert Dispatch.objects.filter(status="pending").count() == 1

    call_in(workspace)
    Dispatch.objects.filter(status="pending").update(due_at=NOW)
    call_command("sweep")

    retry = Dispatch.objects.get(retry_of__isnull=False)
    assert (retry.status, retry.reason) == ("skipped", "decided")
    assert len(responses.calls) == 0


@responses.activate
def test_a_planned_call_is_taken_back_once_the_lead_has_called() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace, phone=PHONE)
    planned = make_call(lead=lead, vapi_status="scheduled", created_at=NOW)
    responses.get(f"{CALL_URL}/{planned.vapi_call_id}", json={"id": planned.vapi_call_id, "status": "scheduled"})
    responses.delete(f"{CALL_URL}/{planned.vapi_call_id}", json={})

    call_in(workspace)
    call_command("sweep")

    planned.refresh_from_db()
    assert planned.ended_reason == "scheduled-call-deleted"
    assert Lead.objects.get().status == "in_conversation"


def test_a_missed_call_in_changes_nothing_about_the_retries() -> None:
    workspace = make_workspace(no_answer_retries=2)
    lead = make_lead(workspace, phone=PHONE)
    call_in(workspace, "ringing")
    post_event(workspace, come_in(status_update("ended", endedReason="customer-did-not-answer")))

    assert (Dispatch.objects.count(), Lead.objects.get(pk=lead.pk).status) == (0, "needs_human")


def test_whoever_has_opted_out_may_call_and_is_not_called() -> None:
    workspace = make_workspace()
    lead = make_lead(workspace, phone=PHONE)
    suppress(workspace_id=workspace.pk, phone=PHONE, reason="stop", now=NOW)
    make_dispatch(lead, status="skipped", reason="opted_out")

    call_in(workspace)

    assert CallSession.objects.get().inbound
    assert not Dispatch.objects.filter(status="pending").exists()


@responses.activate
def test_a_call_of_which_only_the_tools_told_is_asked_about() -> None:
    workspace = make_workspace()
    make_lead(workspace, phone=PHONE)
    results_of(ask(workspace, come_in(tool_calls(item("call_0", budget="10k")))))
    call = {"id": IN, "status": "ended", "endedReason": "customer-ended-call", "cost": 0.2}
    call |= {"startedAt": "2026-11-22T04:00:00.000Z", "endedAt": "2026-11-22T04:01:00.000Z"}
    responses.get(f"{CALL_URL}/{IN}", json=call)
    CallSession.objects.update(updated_at=NOW)

    call_command("sweep")

    session = CallSession.objects.get()
    assert (session.status, session.duration_s, Lead.objects.get().status) == ("ended", 60, "in_conversation")


def test_the_setting_is_on_the_agents_page_and_in_django_admin(client: Any) -> None:
    workspace = make_workspace()
    client.force_login(make_member(workspace, is_staff=True))
    page = client.get(f"/admin/{workspace.slug}/settings/agent").content.decode()
    assert "Calls from unknown phones" in page
    assert '<option value="False" selected>Ignore</option>' in page
    assert "callers_become_leads" in client.get(f"/admin/workspaces/workspace/{workspace.pk}/change/").content.decode()

    changed = client.post(f"/admin/{workspace.slug}/settings/agent", VOICE | {"callers_become_leads": "True"})

    assert changed.status_code == 302
    workspace.refresh_from_db()
    assert workspace.callers_become_leads
