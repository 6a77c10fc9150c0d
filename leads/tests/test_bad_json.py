"""What is no JSON object gets one sentence, whatever is wrong with it."""

import pytest

from leads.models import Lead
from webapi.tests.backend import Backend

pytestmark = pytest.mark.django_db

NOT_JSON = {"ok": False, "error": "Request body must be valid JSON."}
GOOD = '{"name": "Jane Doe", "phone": "+447123456789", "consent": true}'


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "{",
        "null",
        "true",
        "7",
        '"text"',
        "[]",
        f"[{GOOD}]",
        GOOD + GOOD,
        GOOD[:-1] + ",}",
        GOOD.replace('"', "'"),
        GOOD[:-1] + ', "name": "Joan"}',
        GOOD[:-1] + ', "metadata": {"a": 1, "a": 1}}',
        GOOD[:-1] + ', "metadata": {"a": NaN}}',
        GOOD[:-1] + ', "metadata": {"a": Infinity}}',
        GOOD[:-1] + ', "metadata": {"a": -Infinity}}',
        GOOD[:-1] + ', "metadata": {"a": 1e999}}',
        GOOD[:-1] + ', "metadata": {"a": -1e999}}',
        GOOD[:-1] + ', "ignored": NaN}',
        GOOD.encode("utf-16"),
        GOOD.replace("Jane", "Jäne").encode("latin-1"),
        b"\xff" + GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("Jane", "\\ud800"),
        "name=Jane+Doe&phone=%2B447123456789&consent=true",
    ],
    ids=lambda body: repr(body)[-40:],
)
def test_refuses_what_is_no_json_object(body: str | bytes) -> None:
    answer = Backend(mode="test").post(body, Content_Type="application/json")

    assert (answer.status_code, answer.json()) == (400, NOT_JSON)
    assert not Lead.objects.exists()


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"],
)
def test_refuses_another_content_type(content_type: str) -> None:
    answer = Backend(mode="test").post(GOOD, Content_Type=content_type)

    assert (answer.status_code, answer.json()) == (400, NOT_JSON)


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
