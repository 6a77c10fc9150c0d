"""A body that is no JSON object gets one fixed `error`, and a `message` that says what is wrong with it."""

import gzip

import pytest

from leads.models import Lead
from webapi.tests.backend import Backend

pytestmark = pytest.mark.django_db

NOT_JSON = {"ok": False, "error": "Request body must be valid JSON."}
GOOD = '{"name": "Jane Doe", "phone": "+447123456789", "consent": true}'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "The body is empty."),
        (" \n", "The body is empty."),
        ("{", "Expecting property name enclosed in double quotes at line 1, column 2."),
        ("null", "The body must be a JSON object, not null."),
        ("true", "The body must be a JSON object, not true."),
        ("7", "The body must be a JSON object, not a number."),
        ('"text"', "The body must be a JSON object, not a string."),
        ("[]", "The body must be a JSON object, not an array."),
        (f"[{GOOD}]", "The body must be a JSON object, not an array."),
        (GOOD + GOOD, "Extra data at line 1, column 64."),
        (GOOD[:-1] + "\n,}", "Expecting property name enclosed in double quotes at line 2, column 2."),
        (GOOD.replace('"', "'"), "Expecting property name enclosed in double quotes at line 1, column 2."),
        (GOOD.replace("Jane", "\x01"), "Invalid control character at line 1, column 11."),
        (GOOD[:-1] + ', "name": "Joan"}', 'The key "name" appears twice.'),
        (GOOD[:-1] + ', "metadata": {"é": 1, "é": 1}}', 'The key "é" appears twice.'),
        (GOOD[:-1] + ', "metadata": {"a": NaN}}', "NaN is no JSON number. Send null instead."),
        (GOOD[:-1] + ', "metadata": {"a": Infinity}}', "Infinity is no JSON number. Send null instead."),
        (GOOD[:-1] + ', "metadata": {"a": -Infinity}}', "-Infinity is no JSON number. Send null instead."),
        (GOOD[:-1] + ', "metadata": {"a": 1e999}}', "The number 1e999 is too large for a double."),
        (GOOD[:-1] + ', "metadata": {"a": -1e999}}', "The number -1e999 is too large for a double."),
        (GOOD[:-1] + ', "metadata": {"a": 1' + "0" * 309 + "}}", f"The number 1{'0' * 63}… has more than 309 digits."),
        (GOOD[:-1] + ', "ignored": NaN}', "NaN is no JSON number. Send null instead."),
        (GOOD[:-1] + ', "metadata": {"a": ' + "[" * 199 + "]" * 199 + "}}", "Nested deeper than 200 levels."),
        (GOOD[:-1] + ', "metadata": {"a": ' + "[" * 9999 + "]" * 9999 + "}}", "Nested deeper than 200 levels."),
        (GOOD.encode("utf-16"), "The body is UTF-16. Send UTF-8."),
        (
            GOOD.replace("Jane", "Jäne").replace(", ", ",\n").encode("latin-1"),
            "The body is not UTF-8: byte 0xE4 at line 1, column 12.",
        ),
        (
            GOOD.replace(", ", ",\n").replace("+44", "é").encode("latin-1"),
            "The body is not UTF-8: byte 0xE9 at line 2, column 11.",
        ),
        (b"\xff" + GOOD.encode(), "The body is not UTF-8: byte 0xFF at line 1, column 1."),
        (
            GOOD.replace("Jane", "\\ud800"),
            "A string holds half of a surrogate pair (like \\ud83d alone), which is no character.",
        ),
        ("name=Jane+Doe&phone=%2B447123456789&consent=true", "Expecting value at line 1, column 1."),
        (gzip.compress(GOOD.encode()), "The body is compressed (gzip). Send it uncompressed."),
    ],
    ids=lambda value: repr(value)[-40:],
)
def test_says_why_a_body_is_no_json_object(body: str | bytes, message: str) -> None:
    answer = Backend(mode="test").post(body, Content_Type="application/json")

    assert (answer.status_code, answer.json()) == (400, NOT_JSON | {"message": message})
    assert not Lead.objects.exists()


@pytest.mark.parametrize(
    ("content_type", "message"),
    [
        ("", "There is no Content-Type. Send application/json."),
        ("text/plain", "The Content-Type is text/plain. Send application/json."),
        ("text/json", "The Content-Type is text/json. Send application/json."),
        (
            "application/x-www-form-urlencoded",
            "The Content-Type is application/x-www-form-urlencoded. Send application/json.",
        ),
        (
            "multipart/form-data; boundary=x",
            "The Content-Type is multipart/form-data; boundary=x. Send application/json.",
        ),
        ("application/jsonp", "The Content-Type is application/jsonp. Send application/json."),
    ],
)
def test_says_which_content_type_was_sent(content_type: str, message: str) -> None:
    answer = Backend(mode="test").post(GOOD, Content_Type=content_type)

    assert (answer.status_code, answer.json()) == (400, NOT_JSON | {"message": message})


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "GZIP"])
def test_says_that_a_body_is_compressed(coding: str) -> None:
    answer = Backend(mode="test").post(b"\x78\x9c\xab\x56", Content_Encoding=coding)

    message = f"The body is compressed ({coding.lower()}). Send it uncompressed."
    assert (answer.status_code, answer.json()) == (400, NOT_JSON | {"message": message})


def test_takes_plain_json_whatever_the_content_encoding_claims() -> None:
    assert Backend(mode="test").post(GOOD, Content_Encoding="utf-8").status_code == 201


def test_skips_a_byte_order_mark() -> None:
    answer = Backend(mode="test").post(b"\xef\xbb\xbf" + GOOD.encode())

    assert answer.status_code == 201
    assert Lead.objects.get().name == "Jane Doe"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "APPLICATION/JSON"],
)
def test_takes_json_in_any_spelling(content_type: str) -> None:
    assert Backend(mode="test").post(GOOD, Content_Type=content_type).status_code == 201


def test_refuses_a_body_over_128_kb() -> None:
    backend = Backend(mode="test", limit_per_minute=9)
    body = GOOD[:-1] + ', "ignored": "%s"}'
    fits = body % ("x" * (131_072 - len(body) + 2))
    assert len(fits) == 131_072

    refused = backend.post(fits + " ")

    assert (refused.status_code, refused.json()["error"]) == (413, "payload_too_large")
    assert refused["X-Request-Id"]
    assert refused["RateLimit"].startswith('"minute";r=8;')
    assert backend.post(fits).status_code == 201


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_answers_json_whatever_is_accepted(accept: str) -> None:
    answer = Backend(mode="test").post("{", Accept=accept)

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
