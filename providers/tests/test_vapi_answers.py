"""What Vapi's answers to POST /call mean, word for word."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses
import urllib3

from providers import vapi
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable

URL = "https://api.vapi.ai/call"
CALL = {"id": "019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad", "status": "queued"}


def place() -> vapi.CallStarted:
    return vapi.place_call(api_key="k", payload={"name": "cb_1"})


def refusal(**answer: Any) -> ProviderError:
    with responses.RequestsMock() as wire:
        wire.post(URL, **answer)
        with pytest.raises(ProviderError) as caught:
            place()
        assert len(wire.calls) == 1
    assert caught.value.request == {"name": "cb_1"}
    return caught.value


@responses.activate
def test_a_201_is_a_call() -> None:
    responses.post(URL, json=CALL | {"subscriptionLimits": {"concurrencyBlocked": False}}, status=201)
    started = place()
    assert (started.call_id, started.status, started.concurrency_blocked) == (CALL["id"], "queued", False)
    (call,) = responses.calls
    assert call.request.headers["Authorization"] == "Bearer k"
    assert call.request.headers["Content-Type"] == "application/json"
    assert json.loads(call.request.body or b"") == {"name": "cb_1"}


@responses.activate
def test_a_201_may_say_that_all_lines_are_busy() -> None:
    responses.post(URL, json=CALL | {"subscriptionLimits": {"concurrencyBlocked": True}}, status=201)
    assert place().concurrency_blocked is True


@responses.activate
def test_half_a_character_in_an_answer_breaks_nothing_later() -> None:
    responses.post(URL, body=b'{"id": "a", "customer": {"name": "J\\ud83d"}}', status=201)
    assert json.dumps(place().answer, ensure_ascii=False).encode() == b'{"id": "a", "customer": {"name": "J?"}}'


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, '{"message":["assistantId must be a UUID","x"],"error":"Bad Request","statusCode":400}'),
        (400, '{"message":"Couldn\'t Get Phone Number.", "error": "Bad Request",  "statusCode":400}'),
        (401, '{"message":"Invalid Key. Hot tip, …","error":"Unauthorized","statusCode":401}'),
        (402, ""),
        (403, "<h1>Zugriff verweigert – 拒否</h1>"),
        (404, '{"statusCode":404}'),
        (301, "moved"),
    ],
)
def test_a_refusal_is_quoted_word_for_word(status: int, body: str) -> None:
    error = refusal(status=status, body=body.encode(), content_type="text/html")
    assert type(error) is Rejected
    assert error.message == f"Vapi /call failed ({status}): {body}"
    assert (error.status, error.body) == (status, body)


def test_too_many_requests_may_be_sent_again_later() -> None:
    error = refusal(
        status=429, body=b'{"message":"Rate limit exceeded","statusCode":429}', headers={"Retry-After": "7"}
    )
    assert isinstance(error, Unavailable)
    assert error.message == 'Vapi /call failed (429): {"message":"Rate limit exceeded","statusCode":429}'
    assert error.retry_after_s == 7


@pytest.mark.parametrize("told", ["soon", "-1", "", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_retry_after_that_is_no_number_is_no_advice(told: str) -> None:
    error = refusal(status=429, body=b"", headers={"Retry-After": told})
    assert isinstance(error, Unavailable)
    assert error.retry_after_s is None


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, '{"statusCode":500,"message":"Internal server error"}'), (502, "<h1>Gateway · 不正</h1>"), (504, "")],
)
def test_a_server_error_may_have_rung_the_phone_and_is_never_repeated(status: int, body: str) -> None:
    error = refusal(status=status, body=body.encode(), content_type="text/html")
    assert type(error) is OutcomeUnknown
    assert error.message == f"Vapi /call failed ({status}): {body}"


def test_a_body_of_8_mb_is_quoted_to_64_kb() -> None:
    error = refusal(status=400, body=b"x" * 8 * 1024 * 1024)
    assert error.message == "Vapi /call failed (400): " + "x" * 65_536


@pytest.mark.parametrize(
    "body", [b"OK, calling \xe2\x98\x8e", b"", b"[]", b"{}", b'{"id": 7}', b'{"id": ""}', b"[" * 60_000]
)
def test_a_success_that_names_no_call_leaves_the_outcome_unknown(body: bytes) -> None:
    error = refusal(status=201, body=body)
    assert type(error) is OutcomeUnknown
    assert error.status == 201


def test_no_answer_leaves_the_outcome_unknown() -> None:
    error = refusal(body=requests.ReadTimeout("Read timed out."))
    assert type(error) is OutcomeUnknown
    assert error.message == "Vapi /call failed: timed out"


def test_never_reached_is_unavailable() -> None:
    cause = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
    error = refusal(body=requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, "/call", cause)))  # type: ignore[arg-type]
    assert type(error) is Unavailable
    assert error.message == "Vapi /call failed: connection refused"


def test_no_message_holds_the_key() -> None:
    with pytest.raises(Rejected) as caught:
        vapi.place_call(api_key="secret’key", payload={})
    assert "secret" not in str(caught.value) + repr(vars(caught.value))


@responses.activate
def test_lists_calls_of_a_span() -> None:
    responses.get(URL, json=[CALL, "odd"])
    at = datetime(2026, 6, 7, 13, 3, 37, 162000, tzinfo=UTC)
    assert vapi.list_calls(api_key="k", created_after=at, created_before=at) == [CALL]
    asked = responses.calls[0].request.url
    assert asked == (
        f"{URL}?createdAtGe=2026-06-07T13%3A03%3A37.162Z&limit=100&createdAtLe=2026-06-07T13%3A03%3A37.162Z"
    )


@responses.activate
def test_a_long_list_is_read_whole() -> None:
    responses.get(URL, json=[CALL | {"pad": "x" * 10_000}] * 100)
    assert len(vapi.list_calls(api_key="k", created_after=datetime.now(UTC))) == 100


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (200, b"nonsense"), (500, b"[]"), (401, b"[]")])
@responses.activate
def test_a_list_that_is_none_is_an_error_and_not_an_empty_list(status: int, body: bytes) -> None:
    responses.get(URL, status=status, body=body)
    with pytest.raises(ProviderError):
        vapi.list_calls(api_key="k", created_after=datetime.now(UTC))


@responses.activate
def test_one_call_by_its_id() -> None:
    responses.get(f"{URL}/a%2Fb", json=CALL)
    responses.get(f"{URL}/gone", status=404, json={"statusCode": 404})
    assert vapi.get_call(api_key="k", call_id="a/b") == CALL
    assert vapi.get_call(api_key="k", call_id="gone") is None


@responses.activate
def test_erases_a_call_and_is_content_when_it_is_gone_already() -> None:
    responses.delete(f"{URL}/a", json=CALL)
    responses.delete(f"{URL}/b", status=404)
    responses.delete(f"{URL}/c", status=503, body=b"recordings not erased")
    vapi.delete_call(api_key="k", call_id="a")
    vapi.delete_call(api_key="k", call_id="b")
    with pytest.raises(OutcomeUnknown):
        vapi.delete_call(api_key="k", call_id="c")
