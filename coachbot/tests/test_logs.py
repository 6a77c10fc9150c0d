"""Log lines: JSON, with the request's id, and without what is nobody's business."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from django.db import OperationalError

from coachbot.logs import JsonFormatter
from coachbot.tests.test_lane import Way
from conftest import CREDENTIALS
from leads import submit
from webapi.tests.backend import LEADS, VAPI

pytestmark = pytest.mark.django_db

BODY = {
    "name": "Zebulon Quux",
    "phone": "+447123456789",
    "consent": True,
    "email": "zebulon@quux.example",
    "goal": "A very private goal",
    "metadata": {"diagnosis": "Confidential"},
}
PRIVATE = ["Zebulon", "7123456789", "quux", "private goal", "Confidential", CREDENTIALS["vapi"]["api_key"]]


class Lines:
    """What was logged, as it would stand in the file."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(JsonFormatter())

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Listen to everything from INFO on."""
    kept, root = Lines(), logging.getLogger()
    root.addHandler(kept.handler)
    yield kept
    root.removeHandler(kept.handler)


@pytest.fixture(params=["lane", "django"])
def way(request: pytest.FixtureRequest) -> Way:
    from coachbot.wsgi import application

    return Way(application if request.param == "lane" else application._django)


def let_vapi(**answer: Any) -> Callable[[Way, pytest.MonkeyPatch], None]:
    def arrange(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
        responses.post(VAPI, **answer)
        responses.get(VAPI, status=500)

    return arrange


def let_fail(error: Exception) -> Callable[[Way, pytest.MonkeyPatch], None]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return lambda way, monkeypatch: monkeypatch.setattr(submit, "accept_lead", fail)


COURSES: dict[str, tuple[int, Callable[[Way, pytest.MonkeyPatch], object]]] = {
    "taken": (201, let_vapi(json={"id": "call-1"}, status=201)),
    "refused": (502, let_vapi(body="no such customer +447123456789", status=400)),
    "unknown": (201, let_vapi(body=requests.ReadTimeout())),
    "duplicate": (409, lambda way, _: way.make_lead(is_test=False)),
    "crash": (500, let_fail(RuntimeError("a bug"))),
    "database away": (503, let_fail(OperationalError("away"))),
}


def assert_nothing_private(lines: Lines, way: Way) -> None:
    for private in [*PRIVATE, way.backend.key, way.backend.key[8:]]:
        assert private not in lines.text


@responses.activate
@pytest.mark.parametrize("course", COURSES)
def test_nothing_private_and_the_request_id_in_every_line(
    course: str, way: Way, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, arrange = COURSES[course]
    arrange(way, monkeypatch)

    status, _, _ = way.post(BODY, HTTP_X_REQUEST_ID="their-own-id")

    assert int(status[:3]) == expected
    assert_nothing_private(lines, way)
    for line in lines.all():
        assert line["request_id"] == "their-own-id"
        assert {"time", "level", "logger", "message"} <= set(line)


def test_what_was_refused_is_in_no_line(way: Way, lines: Lines) -> None:
    status, _, _ = way.post(BODY | {"email": 7, "phone": "07123456789x"})

    assert status == "400 Bad Request"
    assert_nothing_private(lines, way)


def test_a_crash_is_told_with_its_place(way: Way, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    let_fail(RuntimeError("a bug"))(way, monkeypatch)

    way.post(BODY)

    (line,) = [line for line in lines.all() if line["logger"] == "coachbot.errors"]
    assert line["level"] == "error"
    assert "RuntimeError: a bug" in line["exception"]


@pytest.mark.parametrize("key", ["ck_live_" + "a1b2c3d4" * 4, "sk-secret"])
def test_a_wrong_key_is_in_no_line(way: Way, lines: Lines, key: str) -> None:
    way.ask("GET", f"{LEADS}/x", HTTP_AUTHORIZATION=f"Bearer {key}")

    assert key not in lines.text


def test_the_lane_says_what_it_answered(lines: Lines) -> None:
    from coachbot.wsgi import application

    Way(application).show("nope", HTTP_X_REQUEST_ID="mine")

    (line,) = [line for line in lines.all() if line["logger"] == "coachbot.requests"]
    assert (line["method"], line["status"], line["request_id"]) == ("GET", 404, "mine")
    assert line["duration_ms"] >= 0


def test_writes_one_json_object_a_line() -> None:
    record = logging.LogRecord("a.b", logging.WARNING, "f.py", 1, "two\nlines %s", ("ü",), None)
    record.__dict__["lead"] = 7

    text = JsonFormatter().format(record)

    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["logger"], line["message"], line["lead"]) == ("warning", "a.b", "two\nlines ü", 7)
    assert line["time"].endswith("+00:00")


def test_the_handler_of_the_settings_writes_it() -> None:
    from django.conf import settings

    assert settings.LOGGING["root"] == {"handlers": ["stderr"], "level": "INFO"}
    assert settings.LOGGING["formatters"]["json"]["()"] == "coachbot.logs.JsonFormatter"
