"""The fast lane answers what Django would have answered: status, body and every header."""

import io
import json
import re
from collections.abc import Callable
from http.client import responses as phrases
from typing import Any

import pytest
import responses
from django.db import OperationalError
from pytest_django import Settings

from coachbot.lane import FastLane
from conftest import make_lead, make_workspace
from leads import submit
from tests.door import kept_connection
from webapi.tests.backend import LEADS, VAPI, Backend, submission, without

pytestmark = pytest.mark.django_db

# What no two answers have in common.
_own = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{32}\b|;t=\d+|(?<=Z)\b")
Answer = tuple[str, dict[str, str], bytes]
UNKNOWN = "5a7f2a6e-63a4-4f0c-8a52-5a0b9c6f3f10"


class Way:
    """One way to the API, knocked at as a web server does, with a workspace of its own."""

    def __init__(self, application: Any, **of_key: Any) -> None:
        self._application = application
        self.backend = Backend(make_workspace(), **of_key)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: Any) -> Answer:
        """Send a request with the least that WSGI wants."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"Bearer {self.backend.key}",
            "CONTENT_TYPE": "application/json" if body else "",
            "CONTENT_LENGTH": str(len(body)) if body else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        } | headers
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            begun.append((status, headers))

        with kept_connection():
            parts = self._application({k: v for k, v in environ.items() if v is not None}, start_response)
            content = b"".join(parts)
            if close := getattr(parts, "close", None):
                close()
        ((status, sent),) = begun
        assert len({name.lower() for name, _ in sent}) == len(sent), "a header stands twice"
        assert status == f"{int(status[:3])} {phrases[int(status[:3])]}"
        assert dict(sent)["X-Request-Id"]
        return status, {name.lower(): value for name, value in sent}, content

    def post(self, body: Any, **headers: Any) -> Answer:
        """Send a lead."""
        return self.ask("POST", LEADS, body if isinstance(body, bytes) else json.dumps(body).encode(), **headers)

    def make_lead(self, **overrides: Any) -> Any:
        """Make a lead in its workspace."""
        fields = {"is_test": True, "phone": "+447123456789"} | overrides
        return make_lead(self.backend.workspace, **fields)

    def show(self, lead_id: Any, **headers: Any) -> Answer:
        """Read a lead."""
        return self.ask("GET", f"{LEADS}/{lead_id}", **headers)


def show_twice(way: Way) -> Answer:
    lead = way.make_lead()
    tag = way.show(lead.pk)[1]["etag"]
    return way.show(lead.pk, HTTP_IF_NONE_MATCH=tag)


def replay(way: Way, *, then: dict[str, Any] | None = None) -> Answer:
    body = submission(phone="+447123456789")
    way.post(body, HTTP_IDEMPOTENCY_KEY="one")
    return way.post(body | (then or {}), HTTP_IDEMPOTENCY_KEY="one")


def duplicate(way: Way) -> Answer:
    way.make_lead()
    return way.post(submission(phone="+447123456789"))


def over_the_limit(way: Way) -> Answer:
    for _ in range(9):
        way.show(UNKNOWN)
    return way.post(submission())


CALLS: dict[str, tuple[int, Callable[[Way], Answer]]] = {
    "created": (201, lambda way: way.post(submission())),
    "replayed": (201, replay),
    "shown": (200, lambda way: way.show(way.make_lead(metadata={"ü": [1, None]}).pk)),
    "unchanged": (304, show_twice),
    "not JSON": (400, lambda way: way.post(b"{")),
    "no body": (400, lambda way: way.post(b"")),
    "invalid": (400, lambda way: way.post({"name": "", "consent": False})),
    "no consent": (400, lambda way: way.post(without(submission(), "consent"))),
    "bad idempotency key": (400, lambda way: way.post(submission(), HTTP_IDEMPOTENCY_KEY="x" * 256)),
    "no header": (401, lambda way: way.post(submission(), HTTP_AUTHORIZATION=None)),
    "another scheme": (401, lambda way: way.show(UNKNOWN, HTTP_AUTHORIZATION="Basic x")),
    "unknown key": (401, lambda way: way.show(UNKNOWN, HTTP_AUTHORIZATION="Bearer ck_live_" + "0" * 32)),
    "unknown lead": (404, lambda way: way.show(UNKNOWN)),
    "no id": (404, lambda way: way.show("nope")),
    "odd id": (404, lambda way: way.show("\xc3\xbc")),
    "duplicate": (409, duplicate),
    "too large": (413, lambda way: way.post(b" " * 131_073)),
    "another body": (422, lambda way: replay(way, then={"name": "Joan"})),
    "over the limit": (429, over_the_limit),
}


def compared(answer: Answer) -> tuple[str, dict[str, str], str]:
    status, headers, content = answer
    shown = {
        name: _own.sub("*", value) for name, value in headers.items() if name not in {"date", "x-request-id", "etag"}
    }
    return status, shown | {"etag": "*"} if "etag" in headers else shown, _own.sub("*", content.decode())


def assert_same(lane: tuple[str, dict[str, str], str], django: tuple[str, dict[str, str], str]) -> None:
    # The headers first, one by one: what differs is named.
    assert sorted(lane[1].items() - django[1].items()) == sorted(django[1].items() - lane[1].items())
    assert lane == django


def ways(**of_key: Any) -> tuple[Way, Way]:
    from coachbot.wsgi import application

    assert isinstance(application, FastLane)
    return Way(application, **of_key), Way(application._django, **of_key)


@pytest.mark.parametrize("call", CALLS)
def test_answers_as_django_would(call: str) -> None:
    status, make = CALLS[call]
    lane, django = ways(mode="test", limit_per_minute=9, limit_per_hour=99)

    answers = [compared(make(way)) for way in (lane, django)]

    assert_same(*answers)
    assert answers[0][0].startswith(f"{status} ")


@pytest.mark.parametrize("status", [500, 503])
def test_fails_as_django_would(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret detail") if status == 500 else OperationalError("away")

    monkeypatch.setattr(submit, "accept_lead", fail)

    answers = [compared(way.post(submission())) for way in ways(mode="test")]

    assert_same(*answers)
    assert answers[0][0].startswith(f"{status} ")
    assert "secret" not in answers[0][2]


@responses.activate
def test_a_502_is_the_same_either_way() -> None:
    responses.post(VAPI, body='{"message": "Grüße"}', status=400)

    answers = [compared(way.post(submission())) for way in ways()]

    assert_same(*answers)
    assert answers[0][0] == "502 Bad Gateway"


@pytest.mark.parametrize("own", ["mine-1.2_3", "not fit!"])
def test_treats_a_request_id_as_django_would(own: str) -> None:
    for way in ways():
        given = way.show(UNKNOWN, HTTP_X_REQUEST_ID=own)[1]["x-request-id"]
        assert given == own if own == "mine-1.2_3" else re.fullmatch("[0-9a-f]{32}", given)


@pytest.mark.parametrize("host", ["evil.example", "", None, "a b"])
def test_leaves_an_unknown_host_to_django(host: str | None) -> None:
    headers: dict[str, Any] = {"HTTP_HOST": host, "SERVER_NAME": "evil.example"}

    answers = [compared(way.show(UNKNOWN, **headers)) for way in ways()]

    assert_same(*answers)
    assert answers[0][0] == "400 Bad Request"


def test_leaves_plain_http_to_django_where_https_is_wanted(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    from django.core.wsgi import get_wsgi_application

    lane = Way(FastLane(get_wsgi_application()))

    plain = lane.show(UNKNOWN)
    secure = lane.show(UNKNOWN, HTTP_X_FORWARDED_PROTO="https")

    assert plain[0] == "301 Moved Permanently"
    assert plain[1]["location"] == f"https://127.0.0.1{LEADS}/{UNKNOWN}"
    assert secure[0] == "404 Not Found"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", LEADS, "200 OK"),
        ("GET", "/api/public/me", "200 OK"),
        ("HEAD", f"{LEADS}/{UNKNOWN}", "404 Not Found"),
        ("PUT", LEADS, "405 Method Not Allowed"),
        ("POST", f"{LEADS}/", "404 Not Found"),
        ("DELETE", f"{LEADS}/{UNKNOWN}", "404 Not Found"),
    ],
)
def test_lets_everything_else_through(method: str, path: str, status: str) -> None:
    answers = [compared(way.ask(method, path)) for way in ways()]

    assert answers[0][:2] == answers[1][:2]
    assert answers[0][0] == status
