"""OpenAI's wire: how it fails."""

from typing import Any

import pytest
import responses
from requests import ReadTimeout

from providers import openai
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable

URL = "https://api.openai.com/v1/responses"


def write() -> openai.Reply:
    return openai.write_reply(
        api_key="sk-secret", model="gpt-5.4-mini", instructions="Be kind.", turns=[{"role": "user", "content": "Hi"}]
    )


@responses.activate
def test_returns_the_text_of_a_minimal_answer() -> None:
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": " ok\x00 "}]}]
    responses.add(responses.POST, URL, json={"id": "r", "object": "response", "output": output})

    reply = write()

    assert (reply.text, reply.input_tokens, reply.output_tokens) == ("ok", None, None)
    assert "sk-secret" not in str(reply.request)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 401, "json": {"error": {"message": "No", "code": "invalid_api_key"}}}, Rejected),
        ({"status": 404, "json": {"error": {"message": "No", "code": "model_not_found"}}}, Rejected),
        ({"status": 429, "json": {"error": {"message": "No", "code": "insufficient_quota"}}}, Rejected),
        ({"status": 429, "json": {"error": {"message": "No", "type": "insufficient_quota", "code": None}}}, Rejected),
        ({"status": 429, "json": {"error": {"message": "No", "code": "rate_limit_exceeded"}}}, Unavailable),
        ({"status": 429, "body": "<html>"}, Unavailable),
        ({"status": 503, "json": {"error": {"message": "Overloaded"}}}, Unavailable),
        ({"status": 500, "json": {"error": {"message": "Oops"}}}, OutcomeUnknown),
        ({"status": 200, "body": "<html>"}, OutcomeUnknown),
        ({"status": 200, "json": []}, OutcomeUnknown),
        ({"status": 200, "json": {"output": None}}, OutcomeUnknown),
        ({"status": 200, "json": {"output": []}}, Rejected),
        ({"body": ReadTimeout("slow")}, OutcomeUnknown),
    ],
)
@responses.activate
def test_tells_apart_what_may_be_done_next(answer: dict[str, Any], kind: type[ProviderError]) -> None:
    responses.add(responses.POST, URL, **answer)

    with pytest.raises(ProviderError) as caught:
        write()

    assert type(caught.value) is kind
    assert "sk-secret" not in str(caught.value.request) + caught.value.message


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": "Sun, 22 Nov 2026 04:00:00 GMT"}, None),
        ({"retry-after": "1e9"}, 3600.0),
        ({}, None),
    ],
)
@responses.activate
def test_says_how_long_to_wait(headers: dict[str, str], wait_s: float | None) -> None:
    responses.add(responses.POST, URL, status=429, json={"error": {"message": "Slow down"}}, headers=headers)

    with pytest.raises(Unavailable) as caught:
        write()

    assert caught.value.retry_after_s == wait_s


@responses.activate
def test_reads_an_answer_that_repeats_long_instructions() -> None:
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}]
    responses.add(responses.POST, URL, json={"output": output, "instructions": "я" * 60_000})

    assert write().text == "ok"
