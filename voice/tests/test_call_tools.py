"""What an assistant asks for mid-call: done once, and answered in time with something it can say."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connections
from django.test import Client

from agents.models import ToolCall
from agents.tools import run_tool
from conftest import make_dispatch, make_lead, make_workspace
from leads.erasure import erase_leads
from leads.models import Erasure, Lead, Suppression
from voice import incoming, tools
from voice.models import CallSession
from voice.tests.factories import CALL_ID, make_call, secret_of
from workspaces.models import LogEntry, Workspace

# The tools run in a thread of their own, on a connection of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _threads_let_go() -> Iterator[None]:
    yield
    # What still runs would keep the test's tables.
    tools._pool.submit(lambda: None).result(timeout=10)


def ask(workspace: Workspace, message: Any, *, tool: str = "updateLeadProfile", **headers: str) -> Any:
    """Post a tool call as Vapi does."""
    shown = headers or {"authorization": f"Bearer {secret_of(workspace)}"}
    body = message if isinstance(message, bytes) else {"message": message}
    return Client(enforce_csrf_checks=True).post(
        f"/api/vapi/{workspace.slug}/tools/{tool}", body, content_type="application/json", headers=shown
    )


def tool_calls(*items: dict[str, Any], key: str = "toolCallList", call_id: str = CALL_ID) -> dict[str, Any]:
    return {"type": "tool-calls", "call": {"id": call_id}, key: list(items)}


def item(call_id: str = "tc_1", name: str = "updateLeadProfile", **arguments: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def results_of(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200
    told = answer.json()
    assert set(told) == {"results"}
    for result in told["results"]:
        assert set(result) == {"toolCallId", "result"}
    return {result["toolCallId"]: json.loads(result["result"]) for result in told["results"]}


@pytest.mark.parametrize(
    "message",
    [
        tool_calls({"id": "tc_1", "name": "updateLeadProfile", "parameters": {"budget": "10k"}}),
        tool_calls({"id": "tc_1", "name": "updateLeadProfile", "parameters": '{"budget": "10k"}'}),
        tool_calls({"id": "tc_1", "name": "updateLeadProfile", "arguments": {"budget": "10k"}}),
        tool_calls(item(budget="10k")),
        tool_calls(
            {
                "id": "tc_1",
                "type": "function",
                "function": {"name": "updateLeadProfile", "arguments": '{"budget":"10k"}'},
            }
        ),
        tool_calls(item(budget="10k"), key="toolCalls"),
        tool_calls(
            {
                "type": "function",
                "function": {"name": "updateLeadProfile"},
                "toolCall": {"id": "tc_1", "function": {"name": "updateLeadProfile", "arguments": {"budget": "10k"}}},
            },
            key="toolWithToolCallList",
        ),
        tool_calls(
            {
                "type": "function",
                "name": "updateLeadProfile",
                "toolCall": {"id": "tc_1", "parameters": {"budget": "10k"}},
            },
            key="toolWithToolCallList",
        ),
        tool_calls(item("tc_1", name="update_lead_profile", budget="10k")),
        tool_calls({"id": "tc_1", "parameters": {"budget": "10k"}}),
    ],
)
def test_takes_every_spelling(message: dict[str, Any]) -> None:
    session = make_call(vapi_status="in-progress")

    told = results_of(ask(session.lead.workspace, message))

    assert told["tc_1"]["ok"] is True
    assert (Lead.objects.get().profile or {})["budget"] == "10k"


def test_several_in_one_request_are_each_answered() -> None:
    session = make_call(vapi_status="in-progress")
    message = tool_calls(
        item("tc_1", budget="10k"),
        item("tc_2", name="escalateToHuman", reason="wants a person"),
        item("tc_1", budget="5k"),
    )

    told = results_of(ask(session.lead.workspace, message))

    assert [(call_id, result["ok"]) for call_id, result in told.items()] == [("tc_1", True), ("tc_2", True)]
    lead = Lead.objects.get()
    assert ((lead.profile or {})["budget"], lead.status) == ("10k", "needs_human")


def test_a_lead_who_wants_no_more_calls_gets_none() -> None:
    session = make_call(vapi_status="in-progress")

    told = results_of(ask(session.lead.workspace, tool_calls(item("tc_1", name="optOut", reason="Never again!"))))

    assert "nobody will call" in told["tc_1"]["say"]
    row = Suppression.objects.get()
    assert (row.phone, row.reason, row.detail) == (session.lead.phone, "call", "Never again!")


def test_the_same_call_asked_again_acts_once() -> None:
    session = make_call(vapi_status="in-progress")
    workspace = session.lead.workspace

    first = results_of(ask(workspace, tool_calls(item(budget="10k"))))
    Lead.objects.update(profile=None)
    second = results_of(ask(workspace, tool_calls(item(budget="10k"))))

    assert first == second
    assert (ToolCall.objects.count(), Lead.objects.get().profile) == (1, None)


def test_the_address_may_hold_the_id_and_the_secret_stand_in_either_header() -> None:
    session = make_call(vapi_status="in-progress")
    workspace = session.lead.workspace
    for n, headers in enumerate(
        ({"x-vapi-secret": secret_of(workspace)}, {"authorization": f"Bearer {secret_of(workspace)}"})
    ):
        assert results_of(ask(workspace, tool_calls(item(f"tc_{n}", budget="1")), **headers))[f"tc_{n}"]["ok"]
    by_id = Client().post(
        f"/api/vapi/{workspace.pk}/tools/updateLeadProfile",
        {"message": tool_calls(item("tc_9", budget="2"))},
        content_type="application/json",
        headers={"authorization": f"Bearer {secret_of(workspace)}"},
    )
    assert results_of(by_id)["tc_9"]["ok"]


def test_a_tool_call_may_overtake_the_201() -> None:
    dispatch = make_dispatch(make_lead(), status="sending")
    message = tool_calls(item(budget="10k"))
    message["call"]["assistantOverrides"] = {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}

    assert results_of(ask(dispatch.workspace, message))["tc_1"]["ok"]

    assert CallSession.objects.get().dispatch_id == dispatch.pk


def test_nobody_without_the_secret_is_answered() -> None:
    session = make_call(vapi_status="in-progress")
    workspace, other = session.lead.workspace, make_workspace()
    message = tool_calls(item(budget="10k"))
    answers = [
        ask(workspace, message, **{"x-vapi-secret": "wrong"}),
        ask(workspace, message, authorization=f"Bearer {secret_of(other)}"),
        ask(workspace, message, accept="*/*"),
        Client().post("/api/vapi/nowhere/tools/listSlots", {}, content_type="application/json"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert Client().get(f"/api/vapi/{workspace.slug}/tools/listSlots").status_code == 405
    assert (Lead.objects.get().profile, LogEntry.objects.count()) == (None, 0)


def test_hides_the_calls_of_other_workspaces() -> None:
    session = make_call(vapi_status="in-progress")
    stranger = make_workspace()
    known = ask(stranger, tool_calls(item(budget="10k")))
    unknown = ask(stranger, tool_calls(item(budget="10k"), call_id="no-such-call"))
    by_dispatch = tool_calls(item(budget="10k"), call_id="another")
    by_dispatch["call"]["assistantOverrides"] = {"metadata": {"coachbotDispatchId": str(session.dispatch_id)}}

    assert known.content == unknown.content == ask(stranger, by_dispatch).content
    assert results_of(known)["tc_1"] == {"ok": False, "error": tools.UNKNOWN_CALL}
    assert Lead.objects.get().profile is None
    assert not LogEntry.objects.filter(request__contains="10k").exists()


def test_an_erased_lead_is_told_of_to_nobody() -> None:
    session = make_call(vapi_status="in-progress")
    workspace = session.lead.workspace
    erase_leads(Lead.objects.all(), now=session.created_at)

    told = results_of(ask(workspace, tool_calls(item(budget="10k"))))

    assert told["tc_1"] == {"ok": False, "error": tools.UNKNOWN_CALL}
    assert Erasure.objects.get().reference == CALL_ID


@pytest.mark.parametrize(
    ("tool", "asked"),
    [
        ("launchRockets", item(name="launchRockets")),
        ("bookConsult", item(name="bookConsult")),
        ("bookConsult", {"id": "tc_1", "name": "bookConsult", "parameters": "not json"}),
        ("bookConsult", {"id": "tc_1", "function": {"name": ["x"], "arguments": [1]}}),
        ("markUnqualified", {"id": "tc_1", "function": "markUnqualified"}),
    ],
)
def test_what_is_wrong_is_answered_in_words(tool: str, asked: dict[str, Any]) -> None:
    session = make_call(vapi_status="in-progress")

    told = results_of(ask(session.lead.workspace, tool_calls(asked), tool=tool))

    assert told["tc_1"]["ok"] is False
    assert len(told["tc_1"]["error"]) > 20


@pytest.mark.parametrize(
    "message",
    [
        {"call": {"id": CALL_ID}},
        tool_calls(),
        {"call": {"id": CALL_ID}, "toolCallList": "x"},
        {"call": {"id": CALL_ID}, "toolCallList": [1, None, {"name": "no id"}, {"id": 7}]},
        {"call": None, "toolCallList": []},
    ],
)
def test_where_nothing_is_asked_nothing_is_answered(message: dict[str, Any]) -> None:
    session = make_call(vapi_status="in-progress")
    assert ask(session.lead.workspace, message).json() == {"results": []}


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{"message": []}'])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    assert ask(make_workspace(), body).status_code == 400


def test_a_crash_is_something_the_assistant_can_say(monkeypatch: pytest.MonkeyPatch) -> None:
    session = make_call(vapi_status="in-progress")

    def crash(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("boom")

    monkeypatch.setattr(tools, "run_tool", crash)
    told = results_of(ask(session.lead.workspace, tool_calls(item("tc_1"), item("tc_2"))))
    assert told == dict.fromkeys(("tc_1", "tc_2"), {"ok": False, "error": tools.BROKEN})

    monkeypatch.setattr(tools, "find_session", crash)
    told = results_of(ask(session.lead.workspace, tool_calls(item("tc_3"))))
    assert told == {"tc_3": {"ok": False, "error": tools.BROKEN}}


def test_a_database_that_is_away_asks_vapi_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace()
    headers = {"authorization": f"Bearer {secret_of(workspace)}"}

    def away(*args: Any) -> Any:
        raise DatabaseError("away")

    monkeypatch.setattr(incoming, "_authenticate", away)
    assert ask(workspace, tool_calls(item()), **headers).status_code == 503


def test_what_takes_too_long_is_answered_in_time_and_still_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the tool itself behaves; what comes after it is not begun, and said not to be done."""
    monkeypatch.setattr(tools, "TOOLS_WITHIN_S", 0.4)
    monkeypatch.setattr(tools, "ANSWER_WITHIN_S", 0.8)
    session = make_call(vapi_status="in-progress")
    let_go, real = threading.Event(), run_tool
    given: list[float] = []

    def hang(*args: Any, **kwargs: Any) -> Any:
        given.append(kwargs["deadline_s"])
        let_go.wait(10)
        return real(*args, **kwargs)

    monkeypatch.setattr(tools, "run_tool", hang)
    began = time.monotonic()
    told = results_of(ask(session.lead.workspace, tool_calls(item("tc_1", budget="10k"), item("tc_2", budget="5k"))))
    took = time.monotonic() - began
    let_go.set()

    assert took < 3
    assert told == dict.fromkeys(("tc_1", "tc_2"), {"ok": False, "error": tools.TAKES_LONG})
    assert len(given) == 1
    assert 0 < given[0] <= 0.4
    deadline = time.monotonic() + 10
    while not ToolCall.objects.filter(ok=True).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    monkeypatch.setattr(tools, "run_tool", real)
    assert results_of(ask(session.lead.workspace, tool_calls(item("tc_1", budget="10k"))))["tc_1"]["ok"]
    assert ToolCall.objects.count() == 1


def test_the_journal_holds_what_was_asked_and_answered_without_the_secret() -> None:
    session = make_call(vapi_status="in-progress")
    workspace = session.lead.workspace

    ask(workspace, tool_calls(item(budget="10k")))

    deadline = time.monotonic() + 10
    while not LogEntry.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    entry = LogEntry.objects.get(operation="tools")
    assert (entry.direction, entry.provider, entry.lead_id) == ("in", "vapi", session.lead_id)
    assert json.loads(entry.request)["toolCalls"] == [
        {"id": "tc_1", "tool": "updateLeadProfile", "arguments": {"budget": "10k"}}
    ]
    assert secret_of(workspace) not in entry.request + entry.response


@pytest.mark.postgres
def test_holds_no_connection_while_it_waits_for_the_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    session = make_call(vapi_status="in-progress")
    message, headers = tool_calls(item(budget="10k")), {"authorization": f"Bearer {secret_of(session.lead.workspace)}"}
    workspace, asking, held = session.lead.workspace, connections["default"], []

    def look(*args: Any, **kwargs: Any) -> Any:
        held.append(asking.connection is not None)
        return run_tool(*args, **kwargs)

    monkeypatch.setattr(tools, "run_tool", look)
    assert results_of(ask(workspace, message, **headers))["tc_1"]["ok"]
    assert held == [False]


def test_leaves_no_connection_behind() -> None:
    session = make_call(vapi_status="in-progress")
    ask(session.lead.workspace, tool_calls(item(budget="10k")))
    assert len(connections.all()) == 1
