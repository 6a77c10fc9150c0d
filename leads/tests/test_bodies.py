"""Whatever a client sends is either refused in a documented way or stored and read back as it was."""

import base64
import itertools
import json
from typing import Any

import pytest

from apikeys.models import Mode
from conftest import make_key, make_workspace
from leads.names import clean_name
from tests.door import Answered, knock
from tests.properties import HealthCheck, given, settings
from tests.properties import strategies as st

pytestmark = pytest.mark.django_db

NOT_JSON = {"ok": False, "error": "Request body must be valid JSON."}
# No database: examples are not kept between runs, and nothing is written beside the code.
ANY = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_numbers = itertools.count(1)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5), max_leaves=20
)


class Backend:
    """A customer's backend with a test key: everything is real but the call."""

    def __init__(self) -> None:
        self._headers = {"authorization": f"Bearer {make_key(make_workspace(), mode=Mode.TEST)}"}

    def post(
        self, body: bytes | str | dict[str, Any], content_type: str = "application/json", **headers: str
    ) -> Answered:
        if isinstance(body, dict):
            body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        raw = body.encode() if isinstance(body, str) else body
        return knock("POST", "/api/public/leads", raw, content_type=content_type, headers=self._headers | headers)

    def get(self, path: str, **query: str) -> Answered:
        return knock("GET", f"/api/public/{path}", headers=self._headers, query=query)

    def read_back(self, answer: Answered) -> dict[str, Any]:
        assert answer.status_code == 201, answer.content
        read = self.get(f"leads/{answer.json()['leadId']}")
        assert read.status_code == 200
        lead: dict[str, Any] = read.json()["lead"]
        return lead


@pytest.fixture
def backend() -> Backend:
    return Backend()


def lead(**fields: Any) -> dict[str, Any]:
    return {"name": "Jane Doe", "phone": f"+4471{next(_numbers):08d}", "consent": True} | fields


def assert_documented(answer: Answered, *statuses: int) -> None:
    """A 4xx in the one shape of errors."""
    assert answer.status_code in statuses, (answer.status_code, answer.content[:500])
    body = answer.json()
    assert body["ok"] is False
    assert set(body) <= {"ok", "error", "message", "issues"}
    for issue in body.get("issues", []):
        assert set(issue) == {"path", "message"}
        assert issue["path"]
    assert answer.headers["X-Request-Id"]


def assert_not_json(answer: Answered) -> None:
    """The fixed error, and a message that says why."""
    body = answer.json()
    assert body.pop("message")
    assert (answer.status_code, body) == (400, NOT_JSON)


@ANY
@given(metadata=st.dictionaries(texts, values, max_size=8))
def test_reads_back_any_metadata_as_it_was_or_refuses_it(backend: Backend, metadata: dict[str, Any]) -> None:
    answer = backend.post(lead(metadata=metadata))

    if answer.status_code == 201:
        stored = backend.read_back(answer)["metadata"]
        # repr tells 1 from 1.0 and True, and the order of keys.
        assert repr(stored) == repr(metadata)
    else:
        assert "\\u0000" in json.dumps(metadata)
        assert_documented(answer, 400)


@ANY
@given(field=st.sampled_from(["name", "phone", "consent", "email", "goal", "metadata", "formResponses"]), value=values)
def test_answers_any_value_in_any_field(backend: Backend, field: str, value: Any) -> None:
    answer = backend.post(lead(**{field: value}))

    if answer.status_code != 201:
        assert_documented(answer, 400, 409)


@ANY
@given(body=st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_answers_any_bytes(backend: Backend, body: bytes) -> None:
    answer = backend.post(body)

    if answer.status_code != 201:
        assert_documented(answer, 400)


@ANY
@given(name=texts)
def test_stores_any_name_trimmed_and_otherwise_as_it_was(backend: Backend, name: str) -> None:
    answer = backend.post(lead(name=name))

    if answer.status_code == 201:
        assert backend.read_back(answer)["name"] == name.strip()
    else:
        assert not clean_name(name) or "\x00" in name
        assert_documented(answer, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b'{"name": "caf\xe9"}',
        b'{"metadata": {"n": NaN}}',
        b'{"metadata": {"n": Infinity}}',
        b'{"metadata": {"n": -Infinity}}',
        b'{"metadata": {"n": 1e400}}',
        b'{"metadata": {"n": 1' + b"0" * 400 + b"}}",
        b'{"metadata": {"n": 1' + b"0" * 5000 + b"}}",
        b'{"name": "Jane", "name": "Joan"}',
        b'{"metadata": {"a": 1, "a": 1}}',
        b'{"name": "\\ud800"}',
        b'{"name": "\\udc00\\ud800"}',
        b'{"metadata": {"\\uD83D": 1}}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"metadata": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"metadata": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
        b"[" * 100_000,
        b'{"name": "Jane"} {}',
        b'{"name": "Jane",}',
        b"{'name': 'Jane'}",
        b'{"name": "\x01"}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_refuses_what_is_not_a_json_object(backend: Backend, body: bytes) -> None:
    answer = backend.post(body)

    assert_not_json(answer)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_refuses_other_content_types(backend: Backend, content_type: str) -> None:
    answer = backend.post(lead(), content_type=content_type)

    assert_not_json(answer)


@pytest.mark.parametrize("size", [131_073, 1_000_000, 5_000_000])
def test_refuses_a_body_over_128_kb(backend: Backend, size: int) -> None:
    answer = backend.post(lead(goal="x" * size))

    assert_documented(answer, 413)
    assert answer.json()["error"] == "payload_too_large"


def test_takes_a_body_of_just_under_128_kb(backend: Backend) -> None:
    body = lead(metadata={"a": "x" * 30_000}, ignored="")
    body["ignored"] = "x" * (131_072 - len(json.dumps(body, separators=(",", ":"))))

    assert backend.post(body).status_code == 201


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_stores_or_refuses_any_depth(backend: Backend, opening: str, closing: str) -> None:
    # Around a thousand Python's own parser gives up, wherever on the stack it happens to be.
    for depth in (90, 98, 99, 100, 101, 300, 700, *range(800, 1001, 4), 2000):
        nested = opening * depth + "1" + closing * depth
        phone = lead()["phone"]
        answer = backend.post(f'{{"name":"Jane","phone":"{phone}","consent":true,"metadata":{{"a":{nested}}}}}')

        if depth <= 90 or answer.status_code == 201:
            assert json.dumps(backend.read_back(answer)["metadata"], separators=(",", ":")) == f'{{"a":{nested}}}'
        else:
            assert_documented(answer, 400)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "nul\x00"},
        {"goal": "nul\x00"},
        {"email": "nul\x00@example.com"},
        {"phone": "+44712345\x006789"},
        {"metadata": {"nul\x00": 1}},
        {"metadata": {"a": [{"b": "nul\x00"}]}},
        {"formResponses": {"q1": "nul\x00"}},
        {"formResponses": {"nul\x00": "x"}},
        {"metadata": {str(n): n for n in range(10_000)}},
        {"metadata": {str(n): n for n in range(51)}},
        {"metadata": {"a": "x" * 32_768}},
        {"metadata": []},
        {"formResponses": {"q1": 1}},
        {"name": "x" * 121},
        {"name": " \t\n "},
        {"goal": "x" * 2001},
        {"consent": "true"},
        {"consent": 1},
        {"consent": None},
        {"phone": "+1-800-FLOWERS"},
        {"phone": 441234567890},
        {"phone": "٠٧١٢٣٤٥٦٧٨٩"},
        {"phone": "+44²¹²³⁴⁵⁶⁷⁸⁹"},
    ],
    ids=lambda fields: ascii(fields)[:40],
)
def test_names_the_field_at_fault(backend: Backend, fields: dict[str, Any]) -> None:
    answer = backend.post(lead(**fields))

    assert_documented(answer, 400)
    assert {issue["path"][0] for issue in answer.json()["issues"]} == set(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "שלום עולם"},
        {"name": "\u202eenaJ\u202c"},
        {"name": "Ja\u200bne\u200d\ufeff Doe"},
        {"name": "👩‍👩‍👧‍👦 Müller-Ø'Brien; DROP TABLE leads_lead;--"},
        {"name": "x" * 120},
        {"name": "𝒥" * 120},
        {"goal": "x" * 2000},
        {"goal": "first\r\nsecond\u2028third\x7f"},
        {"metadata": {"__proto__": {"polluted": True}, "constructor": {"prototype": 1}}},
        {"metadata": {"z": 1, "a": 2, "": 3, " ": 4, "\t": 5}},
        {"metadata": {"n": [0, -1, 1.5, 1e300, 12345678901234567890, 10**300, 5e-324, True, False, None]}},
        {"metadata": {"text": "{{name}} ${name} %s %(name)s {0} <script>alert(1)</script> \\u0000"}},
        {"metadata": {str(n): n for n in range(50)}},
        {"metadata": {}},
    ],
    ids=lambda fields: ascii(fields)[:40],
)
def test_stores_and_reads_back_byte_for_byte(backend: Backend, fields: dict[str, Any]) -> None:
    stored = backend.read_back(backend.post(lead(**fields)))

    assert {name: json.dumps(stored[name]) for name in fields} == {
        name: json.dumps(value) for name, value in fields.items()
    }


FILTERS = ["q", "phone", "email", "status", "cursor", "limit", "createdAfter", "createdBefore"]
ODD = [
    "\x00",
    "a\x00b",
    "'",
    "%",
    "\\",
    "é",
    "𝒥" * 500,
    "-1",
    "1e9",
    "9" * 400,
    "{}",
    "%00",
    "null",
    "0001-01-01T00:00:00+23:59",
    base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+23:59","' + b"0" * 32 + b'"]').decode(),
]


@pytest.mark.parametrize("name", FILTERS)
def test_answers_any_filter(backend: Backend, name: str) -> None:
    for value in ODD:
        answer = backend.get("leads", **{name: value})

        if answer.status_code != 200:
            assert_documented(answer, 400)
            assert [issue["path"] for issue in answer.json()["issues"]] == [[name]]


@ANY
@given(name=st.sampled_from(FILTERS), value=texts)
def test_answers_any_text_in_a_filter(backend: Backend, name: str, value: str) -> None:
    answer = backend.get("leads", **{name: value})

    if answer.status_code != 200:
        assert_documented(answer, 400)


@pytest.mark.parametrize(
    "lead_id", ["%00", "0", "x" * 5000, "%F0%9D%92%A5", "%ff", "0" * 8 + "-0000-0000-0000-00000000000g"]
)
def test_does_not_find_what_is_no_id(backend: Backend, lead_id: str) -> None:
    answer = backend.get(f"leads/{lead_id}")

    assert (answer.status_code, answer.json()) == (404, {"ok": False, "error": "Lead not found."})


@ANY
@given(key=st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=300))
def test_answers_any_idempotency_key(backend: Backend, key: str) -> None:
    body = lead()

    first = backend.post(body, **{"idempotency-key": key})
    second = backend.post(body, **{"idempotency-key": key})

    if first.status_code == 201:
        assert (second.status_code, second.content) == (201, first.content)
        assert second.headers["Idempotency-Replayed"] == "true"
    else:
        assert_documented(first, 400)
        assert (second.status_code, second.content) == (400, first.content)
