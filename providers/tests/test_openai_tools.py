"""OpenAI's wire with tools, in both flavours: what is asked, what comes back, and what goes along next time."""

import json
from typing import Any

import pytest
import responses
from pytest_django import Settings

from providers import openai
from providers.errors import OutcomeUnknown, Rejected
from providers.openai import Call, Usage

RESPONSES = "https://api.openai.com/v1/responses"
CHAT = "https://api.openai.com/v1/chat/completions"
TOOL: openai.Tool = {
    "name": "listSlots",
    "description": "Free times",
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "listSlots", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": '{"ok":true}'}


def write(**overrides: Any) -> openai.Reply:
    asked: dict[str, Any] = {
        "api_key": "sk-secret",
        "model": "gpt-5.4-mini",
        "instructions": "Be kind.",
        "turns": [{"role": "user", "content": "Hi"}],
        "tools": [TOOL],
    }
    return openai.write_reply(**(asked | overrides))


def sent() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(responses.calls[-1].request.body or "")
    return body


def answer(output: list[Any], **fields: Any) -> None:
    body = {"status": "completed", "output": output, "usage": {"input_tokens": 7, "output_tokens": 3}} | fields
    responses.add(responses.POST, RESPONSES, json=body)


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


@responses.activate
def test_asks_with_strict_tools_and_stores_nothing() -> None:
    answer([REASONING, CALL])

    reply = write(safety_identifier="abc")

    assert sent() == {
        "model": "gpt-5.4-mini",
        "instructions": "Be kind.",
        "input": [{"role": "user", "content": "Hi"}],
        "max_output_tokens": 4000,
        "store": False,
        "tools": [{"type": "function", **TOOL, "strict": True}],
        "tool_choice": "auto",
        "include": ["reasoning.encrypted_content"],
        "safety_identifier": "abc",
    }
    assert reply.calls == (Call(call_id="call_1", name="listSlots", arguments="{}"),)
    assert (reply.text, reply.items, reply.usage) == ("", (REASONING, CALL), Usage(7, 3))


@responses.activate
def test_what_was_said_and_done_goes_along() -> None:
    answer([message("Nine o'clock?")])

    reply = write(items=[REASONING, CALL, RESULT], may_call=False)

    assert sent()["input"] == [{"role": "user", "content": "Hi"}, REASONING, CALL, RESULT]
    assert sent()["tool_choice"] == "none"
    assert (reply.text, reply.calls) == ("Nine o'clock?", ())


@responses.activate
def test_a_model_that_does_not_reason_is_not_asked_for_reasoning() -> None:
    answer([message("x")])
    write(model="gpt-4.1-mini")
    assert "include" not in sent()


@responses.activate
def test_without_tools_nothing_is_said_of_them() -> None:
    answer([message("x")])
    write(tools=[])
    assert not {"tools", "tool_choice", "include"} & set(sent())


@responses.activate
def test_chat_completions_gets_the_same_in_its_own_words(settings: Settings) -> None:
    settings.OPENAI_API = "chat"
    said = {
        "content": "One moment.",
        "tool_calls": [{"id": "call_2", "type": "function", "function": {"name": "listSlots", "arguments": "{}"}}],
    }
    body = {
        "choices": [{"finish_reason": "tool_calls", "message": said}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
    }
    responses.add(responses.POST, CHAT, json=body)

    reply = write(items=[REASONING, message("Let me look."), CALL, {**CALL, "call_id": "call_b"}, RESULT])

    function = {"name": "listSlots", "arguments": "{}"}
    assert sent() == {
        "model": "gpt-5.4-mini",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": "Let me look.",
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": function},
                    {"id": "call_b", "type": "function", "function": function},
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"ok":true}'},
        ],
        "max_completion_tokens": 4000,
        "tools": [{"type": "function", "function": {**TOOL, "strict": True}}],
        "tool_choice": "auto",
    }
    assert reply.items == (
        message("One moment."),
        {"type": "function_call", "call_id": "call_2", "name": "listSlots", "arguments": "{}"},
    )
    assert (reply.text, reply.usage) == ("One moment.", Usage(5, 2))


@pytest.mark.parametrize(
    ("output", "fields", "code"),
    [
        ([CALL], {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "max_output_tokens"),
        ([CALL], {"status": "failed", "error": {"code": "server_error", "message": "Oops"}}, "server_error"),
        ([{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}, CALL], {}, "refusal"),
        ([REASONING], {}, "empty"),
        ([message(" \x00 ")], {}, "empty"),
    ],
)
@responses.activate
def test_half_an_answer_calls_no_tool(output: list[Any], fields: dict[str, Any], code: str) -> None:
    answer(output, **fields)

    with pytest.raises(Rejected) as caught:
        write()

    assert caught.value.code == code


@pytest.mark.parametrize("finish", ["length", "content_filter"])
@responses.activate
def test_half_an_answer_of_chat_calls_no_tool(finish: str, settings: Settings) -> None:
    settings.OPENAI_API = "chat"
    call = {"id": "c", "type": "function", "function": {"name": "listSlots", "arguments": '{"days'}}
    body = {"choices": [{"finish_reason": finish, "message": {"content": None, "tool_calls": [call]}}]}
    responses.add(responses.POST, CHAT, json=body)

    with pytest.raises(Rejected) as caught:
        write()

    assert caught.value.code == finish


@pytest.mark.parametrize("call", [{**CALL, "name": None}, {"type": "function_call"}, "function_call"])
@responses.activate
def test_a_call_that_cannot_be_read_is_an_unknown_outcome(call: Any) -> None:
    answer([{key: value for key, value in call.items() if value} if isinstance(call, dict) else call])

    with pytest.raises(OutcomeUnknown):
        write()


@responses.activate
def test_keeps_what_can_be_kept_of_a_call() -> None:
    answer([{**CALL, "arguments": '{"a": "\x00"}', "name": "list\x00Slots"}])

    assert write().calls == (Call(call_id="call_1", name="listSlots", arguments='{"a": ""}'),)


def test_finds_what_is_still_to_be_done() -> None:
    second = {**CALL, "call_id": "call_2"}
    assert [call.call_id for call in openai.unanswered([CALL, second, RESULT])] == ["call_2"]
    assert openai.last_text([message("a"), CALL, RESULT, message("b")]) == "b"
    assert openai.last_text([message("a"), CALL, RESULT]) == ""
    assert openai.text_beside([message("a"), CALL, RESULT, message("b"), {**CALL, "name": "end"}], "end") == "b"
    assert openai.text_beside([message("a"), CALL, RESULT], "end") == ""
