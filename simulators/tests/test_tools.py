"""A model that calls tools, and a calendar that fails: the same every time."""

import json
from typing import Any

import pytest
import requests

from simulators.tests.conftest import TIMEOUT_S, Sim

TOOLS = [{"type": "function", "name": "listSlots", "parameters": {}}]
SLOTS = {"ok": True, "slots": [{"start": "2050-09-05T08:00:00Z", "words": "Monday, September 5, 9:00 AM"}]}
CAL = {"Authorization": "Bearer cal_live_1", "cal-api-version": "2026-02-25"}


def respond(sim: Sim, *items: dict[str, Any], **body: Any) -> list[dict[str, Any]]:
    asked = {"model": "m", "input": list(items), "tools": TOOLS} | body
    headers = {"Authorization": "Bearer sk-1"}
    answer = requests.post(f"{sim.url}/openai/v1/responses", json=asked, headers=headers, timeout=TIMEOUT_S)
    output: list[dict[str, Any]] = answer.json()["output"]
    return output


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def result(call: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call["call_id"], "output": json.dumps(value)}


def said(output: list[dict[str, Any]]) -> str:
    return str(output[-1]["content"][0]["text"])


def test_offers_times_and_books_the_first_of_them(sim: Sim) -> None:
    question = user("Please book, I am ada@example.com")
    (looked,) = respond(sim, question)
    assert (looked["name"], looked["arguments"]) == ("listSlots", '{"daysAhead": null}')

    (booked,) = respond(sim, question, looked, result(looked, SLOTS))
    assert booked["name"] == "bookConsult"
    assert json.loads(booked["arguments"])["start"] == "2050-09-05T08:00:00Z"
    assert json.loads(booked["arguments"])["email"] == "ada@example.com"

    answer = result(booked, {"ok": True, "say": "It is booked."})
    assert said(respond(sim, question, looked, result(looked, SLOTS), booked, answer)) == "It is booked."


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("My budget is 5k", "updateLeadProfile"),
        ("Which times are there?", "listSlots"),
        ("I want a human", "escalateToHuman"),
        ("I have no budget", "markUnqualified"),
        ("goodbye", "endConversation"),
    ],
)
def test_a_word_of_the_lead_asks_for_a_tool(sim: Sim, text: str, tool: str) -> None:
    assert respond(sim, user(text))[0]["name"] == tool


def test_speaks_in_words_without_tools_or_where_it_may_not_call_them(sim: Sim) -> None:
    assert respond(sim, user("I want a human"), tools=[])[0]["type"] == "message"
    assert respond(sim, user("I want a human"), tool_choice="none")[0]["type"] == "message"
    assert respond(sim, user("Hello there"))[0]["type"] == "message"


def test_the_same_over_chat_completions(sim: Sim) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "listSlots", "arguments": "{}"}}
    messages = [
        user("Which times are there?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": json.dumps(SLOTS)},
    ]
    body = {"model": "m", "messages": messages, "tools": [{"type": "function", "function": TOOLS[0]}]}
    headers = {"Authorization": "Bearer sk-1"}
    answer = requests.post(f"{sim.url}/openai/v1/chat/completions", json=body, headers=headers, timeout=TIMEOUT_S)
    text = answer.json()["choices"][0]["message"]["content"]
    assert text == "I can offer Monday, September 5, 9:00 AM. Which one suits you?"


@pytest.mark.parametrize("missing", ["required", "additionalProperties"])
def test_refuses_what_strict_mode_does_not_take(sim: Sim, missing: str) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {}},
        "required": ["a"],
        "additionalProperties": False,
    }
    statuses = []
    for parameters in (schema, {key: value for key, value in schema.items() if key != missing}):
        tool = {"type": "function", "name": "x", "strict": True, "parameters": parameters}
        body = {"model": "m", "input": [user("Hi")], "tools": [tool]}
        headers = {"Authorization": "Bearer sk-1"}
        answer = requests.post(f"{sim.url}/openai/v1/responses", json=body, headers=headers, timeout=TIMEOUT_S)
        statuses.append(answer.status_code)
    assert statuses == [200, 400]


def test_a_script_may_name_the_first_slot(sim: Sim) -> None:
    sim.post("openai/script", {"replies": [{"tool_calls": [{"name": "bookConsult", "arguments": {"start": "$slot"}}]}]})
    call = {"type": "function_call", "call_id": "c1", "name": "listSlots", "arguments": "{}"}
    (booked,) = respond(sim, user("x"), call, result(call, SLOTS))
    assert booked["arguments"] == '{"start": "2050-09-05T08:00:00Z"}'


def book(sim: Sim, email: str) -> requests.Response:
    attendee = {"name": "Ada", "email": email, "timeZone": "Europe/London"}
    body = {"eventTypeId": 10, "start": "2050-09-05T08:00:00Z", "attendee": attendee}
    return requests.post(f"{sim.url}/calcom/v2/bookings", json=body, headers=CAL, timeout=TIMEOUT_S)


def bookings(sim: Sim) -> int:
    answer = requests.get(f"{sim.url}/calcom/v2/bookings", headers=CAL, timeout=TIMEOUT_S)
    return len(answer.json()["data"])


@pytest.mark.parametrize(
    ("email", "status", "booked"),
    [
        ("sim-taken@example.com", 409, 0),
        ("sim-error@example.com", 500, 0),
        ("sim-busy@example.com", 429, 0),
        ("sim-late@example.com", 201, 1),
        ("sim-lost@example.com", 504, 0),
    ],
)
def test_an_address_chooses_how_a_booking_fails(sim: Sim, email: str, status: int, booked: int) -> None:
    assert (book(sim, email).status_code, bookings(sim)) == (status, booked)


def test_an_answer_that_is_cut_off_was_a_booking(sim: Sim) -> None:
    with pytest.raises(requests.RequestException):
        book(sim, "sim-cut@example.com")
    assert bookings(sim) == 1


def test_an_event_type_chooses_how_slots_fail(sim: Sim) -> None:
    asked = {"start": "2050-09-02", "end": "2050-09-05", "timeZone": "Europe/London"}
    for event_type in ("500", "504"):
        params = {**asked, "eventTypeId": event_type}
        answer = requests.get(f"{sim.url}/calcom/v2/slots", params=params, headers=CAL, timeout=TIMEOUT_S)
        assert answer.status_code == 500


def test_an_appointment_is_called_off_once_and_its_time_is_free_again(sim: Sim) -> None:
    attendee = {"name": "Ada", "email": "a@example.com", "timeZone": "UTC"}
    body = {"eventTypeId": 10, "start": "2050-09-05T08:00:00Z", "attendee": attendee}
    url = f"{sim.url}/calcom/v2/bookings"
    uid = requests.post(url, json=body, headers=CAL, timeout=TIMEOUT_S).json()["data"]["uid"]

    def cancel(uid: str) -> requests.Response:
        return requests.post(f"{url}/{uid}/cancel", json={"cancellationReason": "x"}, headers=CAL, timeout=TIMEOUT_S)

    assert [cancel(uid).status_code, cancel(uid).status_code, cancel("none").status_code] == [200, 400, 404]
    assert requests.get(f"{url}/{uid}", headers=CAL, timeout=TIMEOUT_S).json()["data"]["status"] == "cancelled"
    assert requests.post(url, json=body, headers=CAL, timeout=TIMEOUT_S).status_code == 201
