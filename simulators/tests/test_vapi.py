"""Calls at the Vapi stand-in."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
import requests

from simulators.tests.conftest import TIMEOUT_S, Sim

UUID = "7d9b6c1e-3a52-4f0e-9c44-0a8f6a2b1c10"
AUTH = {"Authorization": "Bearer private-key-1234"}


def call_body(number: str = "+15555550123", **more: Any) -> dict[str, Any]:
    return {"assistantId": UUID, "phoneNumberId": UUID, "customer": {"number": number, "name": "Ada"}, **more}


def dial(sim: Sim, number: str = "+15555550123", **more: Any) -> requests.Response:
    body = call_body(number, **more)
    return requests.post(f"{sim.url}/vapi/call", json=body, headers=AUTH, timeout=TIMEOUT_S)


def overrides(sim: Sim, **more: Any) -> dict[str, Any]:
    # The stand-in for Inngest refuses what has no event name, which is an answer all the same.
    server = {"url": f"{sim.url}/inngest/e/hook", "headers": {"X-Vapi-Secret": "s3"}, **more}
    return {"metadata": {"coachbotSessionId": "cs_1"}, "server": server}


def test_accepts_a_call_and_tells_its_course(sim: Sim) -> None:
    answer = dial(sim, assistantOverrides=overrides(sim))

    assert answer.status_code == 201
    assert answer.json()["status"] == "queued"
    assert answer.json()["assistantOverrides"]["metadata"] == {"coachbotSessionId": "cs_1"}
    hooks = sim.webhooks(answer.json()["id"], 4)
    assert [hook["kind"] for hook in hooks] == [
        "status-update ringing",
        "status-update in-progress",
        "status-update ended",
        "end-of-call-report",
    ]
    assert hooks[0]["headers"]["X-Vapi-Secret"] == "s3"
    report = hooks[3]["body"]["message"]
    assert report["analysis"]["summary"].startswith("Ada confirmed")


def test_a_call_begins_when_it_is_answered_and_lasts_until_it_ends(sim: Sim) -> None:
    sim.post("settings", {"event_delay": 0.05})
    answer = dial(sim, assistantOverrides=overrides(sim)).json()

    report = sim.webhooks(answer["id"], 4)[3]["body"]["message"]

    created, started, ended = (
        datetime.fromisoformat(text) for text in (answer["createdAt"], report["startedAt"], report["endedAt"])
    )
    assert created < started < ended
    assert report["durationSeconds"] == (ended - started).total_seconds()
    assert 0.2 <= report["durationSeconds"] < 3
    assert 0 < report["artifact"]["messages"][-1]["secondsFromStart"] < report["durationSeconds"]


def test_lists_all_problems_of_a_body(sim: Sim) -> None:
    body = {"assistantId": "x", "metadata": {}, "customer": {"number": "555", "name": "A" * 41}}

    answer = requests.post(f"{sim.url}/vapi/call", json=body, headers=AUTH, timeout=TIMEOUT_S)

    assert answer.status_code == 400
    assert answer.json()["message"][:2] == ["property metadata should not exist", "assistantId must be a UUID"]
    assert "customer.name must be shorter than or equal to 40 characters" in answer.json()["message"]
    assert len(answer.json()["message"]) == 5


@pytest.mark.parametrize(
    "more",
    [
        {"customer": None},
        {"customer": []},
        {"assistantOverrides": {"serverMessages": [{}]}},
        {"assistantOverrides": {"server": {"url": 1}}},
        {"schedulePlan": {}},
        {"phoneNumberId": None},
    ],
)
def test_refuses_odd_bodies(sim: Sim, more: dict[str, Any]) -> None:
    body = call_body() | more

    answer = requests.post(f"{sim.url}/vapi/call", json=body, headers=AUTH, timeout=TIMEOUT_S)

    assert answer.status_code == 400


def test_repeats_a_failed_webhook_as_often_as_the_plan_says(sim: Sim) -> None:
    sim.post("settings", {"mode": {"inngest": "down"}})
    plan = {"type": "exponential", "maxRetries": 2, "baseDelaySeconds": 0}

    call_id = dial(sim, "+15555550601", assistantOverrides=overrides(sim, backoffPlan=plan)).json()["id"]

    hooks = sim.eventually(lambda: [h for h in sim.get("webhooks", about=call_id)["webhooks"] if h["error"]][5:])
    assert hooks[0]["attempt"] == 3


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer bad-key"}])
def test_refuses_a_bad_key(sim: Sim, headers: dict[str, str]) -> None:
    answer = requests.post(f"{sim.url}/vapi/call", json=call_body(), headers=headers, timeout=TIMEOUT_S)

    assert answer.status_code == 401
    assert answer.json()["error"] == "Unauthorized"


@pytest.mark.parametrize(
    ("digits", "status", "calls"),
    [
        ("0400", 400, 0),
        ("0401", 401, 0),
        ("0402", 400, 0),
        ("0403", 400, 0),
        ("0429", 429, 0),
        ("0500", 500, 0),
        ("0502", 502, 0),
        ("0503", 500, 0),
        ("0504", 201, 1),
        ("0505", 504, 0),
        ("0508", 201, 1),
        ("0509", 201, 1),
    ],
)
def test_magic_numbers(sim: Sim, digits: str, status: int, calls: int) -> None:
    answer = dial(sim, f"+1555555{digits}")

    assert answer.status_code == status
    assert sim.get("calls")["total"] == calls


def test_shapes_of_magic_answers(sim: Sim) -> None:
    assert isinstance(dial(sim, "+15555550400").json()["message"], list)
    assert isinstance(dial(sim, "+15555550403").json()["message"], str)
    assert dial(sim, "+15555550429").headers["Retry-After"] == "1"
    page = dial(sim, "+15555550502")
    assert page.headers["Content-Type"] == "text/html"
    assert "不正" in page.content.decode()
    assert len(dial(sim, "+15555550503").content) == 8 * 1024 * 1024
    assert "id" not in dial(sim, "+15555550509").json()
    with pytest.raises(ValueError, match="Expecting value"):
        dial(sim, "+15555550508").json()


@pytest.mark.parametrize(("digits", "calls"), [("0506", 1), ("0507", 0)])
def test_resets_the_connection(sim: Sim, digits: str, calls: int) -> None:
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        dial(sim, f"+1555555{digits}")

    assert sim.get("calls")["total"] == calls
    assert sim.get("requests")["requests"][0]["status"] is None


def test_blocked_call_never_rings(sim: Sim) -> None:
    answer = dial(sim, "+15555550600").json()

    assert answer["subscriptionLimits"]["concurrencyBlocked"] is True
    (call,) = sim.get("calls", number="+15555550600")["calls"]
    assert call["endedReason"] == "call.start.error-subscription-concurrency-limit-reached"
    assert call["rang"] is False


@pytest.mark.parametrize(
    ("digits", "reason", "rang"),
    [
        ("0601", "call.start.error-subscription-insufficient-credits", False),
        ("0700", "customer-did-not-answer", True),
        ("0701", "voicemail", True),
        ("0900", "customer-ended-call", True),
    ],
)
def test_ends_for_a_reason(sim: Sim, digits: str, reason: str, rang: bool) -> None:
    call_id = dial(sim, f"+1555555{digits}", assistantOverrides=overrides(sim)).json()["id"]

    sim.eventually(lambda: sim.get("calls")["calls"][0]["status"] == "ended")
    (call,) = sim.get("calls")["calls"]
    assert (call["endedReason"], call["rang"]) == (reason, rang)
    if digits == "0900":
        assert sim.get("webhooks", about=call_id)["total"] == 0


def test_duplicates_are_identical_and_ring_once(sim: Sim) -> None:
    call_id = dial(sim, "+15555550800", assistantOverrides=overrides(sim)).json()["id"]

    hooks = sim.webhooks(call_id, 8)
    reports = [hook["body"] for hook in hooks if hook["kind"] == "end-of-call-report"]
    assert hooks[0]["kind"] == "status-update in-progress"
    assert reports[0] == reports[1]
    assert sim.get("calls")["rang"] == {"+15555550800": 1}


def test_lists_newest_first_within_the_asked_time(sim: Sim) -> None:
    first = dial(sim).json()
    time.sleep(0.01)
    second = dial(sim).json()

    def listed(**params: str) -> list[str]:
        answer = requests.get(f"{sim.url}/vapi/call", params=params, headers=AUTH, timeout=TIMEOUT_S)
        return [call["id"] for call in answer.json()]

    assert listed(assistantId=UUID) == [second["id"], first["id"]]
    assert listed(createdAtLe=first["createdAt"]) == [first["id"]]
    assert listed(createdAtGt=first["createdAt"], limit="1") == [second["id"]]
    refused = requests.get(f"{sim.url}/vapi/call", params={"name": "x"}, headers=AUTH, timeout=TIMEOUT_S)
    assert refused.json()["message"] == ["property name should not exist"]


def test_deletes_calls(sim: Sim) -> None:
    plain = dial(sim).json()
    planned = dial(sim, schedulePlan={"earliestAt": "2100-01-01T00:00:00Z"}).json()
    assert planned["status"] == "scheduled"

    for call in (plain, planned):
        requests.delete(f"{sim.url}/vapi/call/{call['id']}", headers=AUTH, timeout=TIMEOUT_S)

    def get(call: dict[str, Any]) -> requests.Response:
        return requests.get(f"{sim.url}/vapi/call/{call['id']}", headers=AUTH, timeout=TIMEOUT_S)

    assert get(plain).status_code == 404
    assert get(planned).json()["endedReason"] == "scheduled-call-deleted"


@pytest.mark.parametrize("kind", ["assistant", "phone-number"])
def test_knows_every_uuid(sim: Sim, kind: str) -> None:
    answer = requests.get(f"{sim.url}/vapi/{kind}/{UUID}", headers=AUTH, timeout=TIMEOUT_S)

    assert answer.json()["id"] == UUID


def test_answers_three_hundred_at_once(sim: Sim) -> None:
    sim.post("settings", {"latency": {"vapi": 1.0}})
    begun = time.monotonic()

    with ThreadPoolExecutor(300) as pool:
        answers = list(pool.map(lambda _: dial(sim).status_code, range(300)))

    assert answers == [201] * 300
    assert time.monotonic() - begun < 5


def test_a_scheduled_call_begins_when_it_is_told_that_its_hour_has_come(sim: Sim) -> None:
    planned = dial(sim, schedulePlan={"earliestAt": "2100-01-01T00:00:00Z"}).json()
    other = dial(sim, schedulePlan={"earliestAt": "2100-01-01T00:00:00Z"}).json()

    assert sim.post("vapi/begin", {"id": planned["id"]}).json() == {"begun": [planned["id"]]}
    assert sim.post("vapi/begin", {"id": planned["id"]}).json() == {"begun": []}

    def status(call: dict[str, Any]) -> str:
        answer = requests.get(f"{sim.url}/vapi/call/{call['id']}", headers=AUTH, timeout=TIMEOUT_S)
        return str(answer.json()["status"])

    sim.eventually(lambda: status(planned) == "ended")
    assert status(other) == "scheduled"


def test_a_scheduled_call_that_is_deleted_is_told_of(sim: Sim) -> None:
    plan = {"earliestAt": "2100-01-01T00:00:00Z"}
    planned = dial(sim, schedulePlan=plan, assistantOverrides=overrides(sim)).json()

    requests.delete(f"{sim.url}/vapi/call/{planned['id']}", headers=AUTH, timeout=TIMEOUT_S)

    hook = sim.eventually(lambda: sim.get("webhooks", about=planned["id"])["webhooks"])[0]
    assert hook["body"]["message"]["endedReason"] == "scheduled-call-deleted"
    assert sim.post("vapi/begin", {}).json() == {"begun": []}


def test_recordings_may_need_a_second_delete(sim: Sim) -> None:
    call = dial(sim, "+15555550903").json()
    url = f"{sim.url}/vapi/call/{call['id']}"

    answers = [requests.delete(url, headers=AUTH, timeout=TIMEOUT_S).status_code for _ in range(3)]

    assert answers == [503, 200, 404]
