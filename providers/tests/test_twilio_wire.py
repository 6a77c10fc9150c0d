"""Twilio's wire: how it fails, and how it signs."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses
from requests import ConnectTimeout, ReadTimeout

from providers import twilio
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable

URL = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
DOCUMENTED = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}


def send(**overrides: Any) -> twilio.SentMessage:
    fields = {"account_sid": "AC1", "auth_token": "secret", "sender": "+14155238886", "to": "+15555550123"}
    return twilio.send_message(**(fields | {"body": "Hi"} | overrides))


def test_signs_as_twilio_documents_it() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    params = DOCUMENTED.items()
    theirs = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

    assert twilio.signature(url=url, params=params, auth_token="12345") == theirs
    assert twilio.is_signed(url=url, params=params, auth_token="12345", claimed=theirs)
    assert not twilio.is_signed(url=url + "&x=1", params=params, auth_token="12345", claimed=theirs)
    assert not twilio.is_signed(url=url, params=params, auth_token="12345", claimed="ü")


@responses.activate
def test_sends_with_the_accounts_credentials() -> None:
    responses.add(responses.POST, URL, json={"sid": "SM1", "status": "accepted"}, status=201)

    sent = send()

    assert (sent.sid, sent.status, sent.status_code) == ("SM1", "accepted", 201)
    assert responses.calls[0].request.headers["Authorization"] == "Basic QUMxOnNlY3JldA=="
    assert "secret" not in str(sent.request)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({"status": 401, "json": {"code": 20003, "message": "Authenticate"}}, Rejected, "Check account SID"),
        ({"status": 400, "json": {"code": 21610, "message": "Unsubscribed"}}, Rejected, "opted out"),
        ({"status": 404, "body": "<html>"}, Rejected, "(404)"),
        ({"status": 429, "json": {"code": 20429, "message": "Too Many Requests"}}, Unavailable, "20429"),
        ({"status": 500, "json": {"code": 20500, "message": "Oops"}}, OutcomeUnknown, "(500"),
        ({"status": 201, "body": "<html>"}, OutcomeUnknown, "could not be read"),
        ({"body": ReadTimeout("slow")}, OutcomeUnknown, "timed out"),
        ({"body": ConnectTimeout("slow")}, Unavailable, "timed out"),
    ],
)
@responses.activate
def test_tells_apart_what_may_be_done_next(answer: dict[str, Any], kind: type[ProviderError], words: str) -> None:
    responses.add(responses.POST, URL, **answer)

    with pytest.raises(ProviderError) as caught:
        send()

    assert type(caught.value) is kind
    assert words in caught.value.message
    assert "secret" not in str(caught.value.request) + caught.value.message


@responses.activate
def test_lists_what_was_created_since() -> None:
    early = {"sid": "SM1", "status": "read", "body": "Hi", "date_created": "Sun, 22 Nov 2026 03:00:00 +0000"}
    late = {"sid": "SM2", "status": "queued", "body": None, "date_created": "Sun, 22 Nov 2026 04:00:00 +0000"}
    responses.add(responses.GET, URL, json={"messages": [late | {"error_code": 63016}, early]})

    listed = twilio.list_messages(
        account_sid="AC1",
        auth_token="secret",
        sender="+14155238886",
        to="+15555550123",
        created_after=datetime(2026, 11, 22, 3, 30, tzinfo=UTC),
    )

    assert [(each.sid, each.body, each.error_code) for each in listed] == [("SM2", "", "63016")]
    asked = dict(parse_qsl(urlsplit(str(responses.calls[0].request.url)).query))
    assert asked == {"To": "whatsapp:+15555550123", "From": "whatsapp:+14155238886", "PageSize": "50"}


@pytest.mark.parametrize("code", ["", "63016", "99999"])
def test_always_has_words_for_a_code(code: str) -> None:
    assert twilio.explain(code)


@pytest.mark.parametrize(
    ("entered", "signed"),
    [
        ("https://example.com/in?a=1", "https://example.com:443/in?a=1"),
        ("https://example.com:8443/in?a=1", "https://example.com/in?a=1"),
        ("http://example.com/in", "http://example.com:80/in"),
    ],
)
def test_takes_a_signature_over_the_address_with_its_port_and_without(entered: str, signed: str) -> None:
    theirs = twilio.signature(url=signed, params=DOCUMENTED.items(), auth_token="12345")
    other = twilio.signature(
        url=signed.replace("example.com", "other.com"), params=DOCUMENTED.items(), auth_token="12345"
    )

    def is_signed(claimed: str) -> bool:
        return twilio.is_signed(url=entered, params=DOCUMENTED.items(), auth_token="12345", claimed=claimed)

    assert is_signed(theirs)
    assert not is_signed(other)
    assert not is_signed(theirs.swapcase())


@responses.activate
def test_turns_the_lists_pages_until_one_is_too_old() -> None:
    def page(n: int, hour: int, more: bool) -> dict[str, Any]:
        at = f"Sun, 22 Nov 2026 {hour:02d}:00:00 +0000"
        onwards = f"/2010-04-01/Accounts/AC1/Messages.json?To=whatsapp%3A%2B1&Page={n + 1}&PageToken=PASM{n}"
        listed = {"sid": f"SM{n}", "status": "read", "body": "Hi", "date_created": at, "error_code": None}
        return {"messages": [listed], "next_page_uri": onwards if more else None}

    for n, hour in enumerate((5, 4, 2, 1)):
        responses.add(responses.GET, URL, json=page(n, hour, more=True))

    found = twilio.list_messages(
        account_sid="AC1",
        auth_token="secret",
        sender="+14155238886",
        to="+15555550123",
        created_after=datetime(2026, 11, 22, 3, tzinfo=UTC),
    )

    assert [message.sid for message in found] == ["SM0", "SM1"]
    assert len(responses.calls) == 3
    asked = dict(parse_qsl(urlsplit(str(responses.calls[2].request.url)).query))
    assert asked == {"To": "whatsapp:+1", "Page": "2", "PageToken": "PASM1"}


@responses.activate
def test_reads_a_list_of_long_texts() -> None:
    at = "Sun, 22 Nov 2026 04:00:00 +0000"
    listed = {"status": "read", "body": "я" * 1600, "date_created": at, "uri": "/2010-04-01/" + "x" * 600}
    responses.add(responses.GET, URL, json={"messages": [listed | {"sid": f"SM{n}"} for n in range(50)]})

    found = twilio.list_messages(
        account_sid="AC1",
        auth_token="secret",
        sender="+14155238886",
        to="+15555550123",
        created_after=datetime(2026, 11, 22, 3, tzinfo=UTC),
    )

    assert len(found) == 50
