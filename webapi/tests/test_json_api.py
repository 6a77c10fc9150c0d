"""JSON as the API writes and reads it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from webapi.calls import etag, matches
from webapi.errors import ApiError
from webapi.json_api import dump, iso, load_object


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2026, 6, 7, 13, 3, 37, 162_000, tzinfo=UTC), "2026-06-07T13:03:37.162Z"),
        (datetime(2026, 6, 7, 13, 3, 37, 999_999, tzinfo=UTC), "2026-06-07T13:03:37.999Z"),
        (datetime(2026, 6, 7, 13, 3, 37, tzinfo=UTC), "2026-06-07T13:03:37.000Z"),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2025-12-31T22:00:00.000Z"),
        (None, None),
    ],
)
def test_times_are_utc_with_milliseconds(at: datetime | None, written: str | None) -> None:
    assert iso(at) == written


def test_writes_compact_utf_8() -> None:
    assert dump({"ok": True, "name": "Jäne 👋", "at": datetime(2026, 1, 1, tzinfo=UTC)}) == (
        '{"ok":true,"name":"Jäne 👋","at":"2026-01-01T00:00:00.000Z"}'.encode()
    )


def test_refuses_to_write_what_is_no_json() -> None:
    with pytest.raises(TypeError, match="set is not JSON"):
        dump({"a": {1}})


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 1}', b'{"a": [{"b": 1, "b": 2}]}', b'{"a": 1e309}', b"[1]", b"\xff"])
def test_refuses_what_json_does_not_allow(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        load_object(body)

    assert (caught.value.status, caught.value.body["error"]) == (400, "Request body must be valid JSON.")


def test_keeps_order_and_kinds_of_numbers() -> None:
    assert repr(load_object(b'{"z": 1, "a": 1.0, "m": -0.0, "e": 1e2}')) == "{'z': 1, 'a': 1.0, 'm': -0.0, 'e': 100.0}"


def test_a_tag_is_strong_and_of_the_body() -> None:
    assert etag(b"a") == etag(b"a") != etag(b"b")
    assert matches(f'W/"x", {etag(b"a")}', etag(b"a"))
    assert not matches('"x"', etag(b"a"))
    assert not matches(None, etag(b"a"))
