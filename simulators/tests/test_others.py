"""OpenAI, Cal.com, Inngest, the control endpoints and the process itself."""

import subprocess
import sys
from typing import Any

import pytest
import requests

from simulators.tests.conftest import ROOT, TIMEOUT_S, Sim

CAL = {"Authorization": "Bearer cal_live_1", "cal-api-version": "2024-09-04"}


def respond(sim: Sim, text: str = "Hello", key: str = "sk-1") -> requests.Response:
    body = {"model": "m", "instructions": "Lead name: Ada", "input": [{"role": "user", "content": text}]}
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(f"{sim.url}/openai/v1/responses", json=body, headers=headers, timeout=TIMEOUT_S)


def complete(sim: Sim) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": "Bearer sk-1"}
    answer = requests.post(f"{sim.url}/openai/v1/chat/completions", json=body, headers=headers, timeout=TIMEOUT_S)
    choice: dict[str, Any] = answer.json()["choices"][0]
    return choice


def test_openai_greets_by_name(sim: Sim) -> None:
    assert respond(sim).json()["output"][0]["content"][0]["text"].startswith("Hi Ada!")
    assert complete(sim)["message"]["content"].startswith("Hi!")
    assert respond(sim, key="sk-bad").json()["error"]["code"] == "invalid_api_key"


def test_openai_echoes_what_was_written_since_its_last_answer(sim: Sim) -> None:
    sim.post("settings", {"echo": True})
    said = [("user", "Hi"), ("assistant", "Hello!"), ("user", "A kitchen"), ("user", "in June")]
    body = {"model": "m", "input": [{"role": role, "content": text} for role, text in said]}

    answer = requests.post(
        f"{sim.url}/openai/v1/responses", json=body, headers={"Authorization": "Bearer sk-1"}, timeout=TIMEOUT_S
    )

    assert answer.json()["output"][0]["content"][0]["text"] == "You wrote: A kitchen | in June"


def test_openai_follows_the_script(sim: Sim) -> None:
    call = {"name": "book_slot", "arguments": {"day": "Tue"}}
    replies = [
        {"text": "only for Bob", "match": "Bob"},
        {"tool_calls": [call]},
        {"incomplete": "max_output_tokens"},
        {"refusal": "No."},
        {"empty": True},
        {"failed": "boom"},
        {"status": 429, "code": "insufficient_quota"},
        {"status": 500},
        {"tool_calls": [call]},
    ]
    sim.post("openai/script", {"replies": replies})

    assert respond(sim).json()["output"][0]["arguments"] == '{"day": "Tue"}'
    assert respond(sim).json()["incomplete_details"] == {"reason": "max_output_tokens"}
    assert respond(sim).json()["output"][0]["content"][0] == {"type": "refusal", "refusal": "No."}
    assert respond(sim).json()["output"][0]["content"][0]["text"] == ""
    assert respond(sim).json()["status"] == "failed"
    assert respond(sim).json()["error"]["code"] == "insufficient_quota"
    assert respond(sim).status_code == 500
    assert complete(sim)["finish_reason"] == "tool_calls"
    assert respond(sim, "I am Bob").json()["output"][0]["content"][0]["text"] == "only for Bob"


def test_calcom_offers_no_booked_slot(sim: Sim) -> None:
    url = f"{sim.url}/calcom/v2"
    asked = {"eventTypeId": "10", "start": "2050-09-02", "end": "2050-09-05", "timeZone": "Europe/London"}

    def days() -> dict[str, list[Any]]:
        answer = requests.get(f"{url}/slots", params=asked, headers=CAL, timeout=TIMEOUT_S)
        data: dict[str, list[Any]] = answer.json()["data"]
        return data

    before = days()
    assert [len(slots) for slots in before.values()] == [8, 8]
    start = before["2050-09-05"][0]["start"]
    assert start == "2050-09-05T09:00:00.000+01:00"
    attendee = {"name": "Ada", "email": "ada@example.com", "timeZone": "Europe/London"}
    body = {"eventTypeId": 10, "start": start, "attendee": attendee}
    answers = [requests.post(f"{url}/bookings", json=body, headers=CAL, timeout=TIMEOUT_S) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 400]
    assert len(days()["2050-09-05"]) == 7
    found = requests.get(
        f"{url}/bookings", params={"attendeeEmail": "ada@example.com"}, headers=CAL, timeout=TIMEOUT_S
    ).json()
    assert found["data"][0]["start"] == "2050-09-05T08:00:00.000Z"


def test_inngest_takes_events_at_the_root_where_the_sdk_sends_them(sim: Sim) -> None:
    answer = requests.post(f"{sim.url}/e/key1", json=[{"name": "a/b", "id": "1"}], timeout=TIMEOUT_S)

    assert (answer.status_code, len(answer.json()["ids"])) == (200, 1)
    assert [event["event"]["id"] for event in sim.get("events")["events"]] == ["1"]
    sim.post("settings", {"mode": {"inngest": "down"}})
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{sim.url}/e/key1", json=[], timeout=TIMEOUT_S)


def test_inngest_records_events(sim: Sim) -> None:
    events = [{"name": "lead/created", "data": {"id": 1}}, {"name": "x", "data": {}}]

    answer = requests.post(f"{sim.url}/inngest/e/key1", json=events, timeout=TIMEOUT_S).json()

    assert [len(event_id) for event_id in answer["ids"]] == [26, 26]
    assert sim.get("events", name="lead/created")["events"][0]["event"] == events[0]


def test_modes_and_reset(sim: Sim) -> None:
    sim.post("settings", {"mode": {"inngest": "down"}})
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{sim.url}/inngest/e/k", json=[], timeout=TIMEOUT_S)
    sim.post("settings", {"mode": {"inngest": "hang"}})
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{sim.url}/inngest/e/k", json=[], timeout=0.1)

    requests.delete(f"{sim.url}/_sim/state", timeout=TIMEOUT_S)

    assert sim.get("settings")["mode"]["inngest"] == "ok"
    assert sim.get("requests")["requests"] == []


def test_settings_change_whole_or_not_at_all(sim: Sim) -> None:
    answer = sim.post("settings", {"event_delay": 3, "mode": {"vapi": "odd"}})

    assert answer.status_code == 400
    assert sim.get("settings")["event_delay"] == 0


def test_records_requests_with_the_key_masked(sim: Sim) -> None:
    respond(sim, key="sk-secret-9876")

    (entry,) = sim.get("requests", provider="openai", path="/responses", method="POST")["requests"]
    assert entry["headers"]["Authorization"] == "…9876"
    assert entry["body"]["model"] == "m"
    assert entry["status"] == 200


def test_names_a_taken_port(sim: Sim) -> None:
    port = sim.url.rsplit(":", 1)[1]

    second = subprocess.run(
        [sys.executable, "-m", "simulators", "--port", port], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert second.returncode == 1
    assert second.stderr.startswith(f"simulators: can't listen on 127.0.0.1:{port}")
    assert second.stderr.count("\n") == 1
