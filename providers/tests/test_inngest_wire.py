"""Inngest's event API, as the SDK speaks it to a server on this machine."""

import json
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from providers import inngest
from providers.errors import Unavailable

with warnings.catch_warnings():
    # The SDK still writes its models the way pydantic deprecates.
    warnings.simplefilter("ignore")
    import inngest as sdk  # noqa: F401

EVENT = inngest.Event(id="d1", name="agent/turn.requested", data={"lead_id": "l1"})


@dataclass
class Server:
    """What came in, and what goes out."""

    status: int = 200
    body: bytes = b'{"ids": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"], "status": 200}'
    requests: list[tuple[str, Any]] = field(default_factory=list)


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """Serve /e/<key> and point the client there."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append((self.path, json.loads(body)))
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        settings.INNGEST_DEV = ""
        settings.INNGEST_EVENT_KEY = "key"
        settings.INNGEST_BASE_URL = f"http://127.0.0.1:{httpd.server_address[1]}"
        inngest.forget()
        yield state
        client = inngest.client()
        client._http_client._http_client_sync.close()
        inngest.forget()
        httpd.shutdown()


def test_sends_our_id_and_ids_only(server: Server) -> None:
    assert inngest.send_events([EVENT]) == ["01ARZ3NDEKTSV4RRFFQ69G5FAV"]

    ((path, (event,)),) = server.requests
    assert path == "/e/key"
    assert (event["id"], event["name"], event["data"]) == ("d1", "agent/turn.requested", {"lead_id": "l1"})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b'{"ids": [], "status": 200}'),
        (401, b'{"error": "Event key not found", "status": 401}'),
        (400, b"{}"),
    ],
)
def test_whatever_is_no_acknowledgement_is_tried_again_later(server: Server, status: int, body: bytes) -> None:
    server.status, server.body = status, body

    with pytest.raises(Unavailable) as caught:
        inngest.send_events([EVENT])

    assert caught.value.code == "inngest_away"
    assert "key" not in caught.value.message.split()


def test_does_not_wait_again_right_after_an_outage(server: Server) -> None:
    server.status, server.body = 400, b"{}"
    with pytest.raises(Unavailable):
        inngest.send_events([EVENT])
    started = time.monotonic()

    with pytest.raises(Unavailable):
        inngest.send_events([EVENT])

    assert time.monotonic() - started < 0.05
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("dev", "expected"), [("", False), ("0", False), ("false", False), ("1", True), ("http://127.0.0.1:8288", True)]
)
def test_is_production_unless_told_otherwise(settings: Settings, dev: str, expected: bool) -> None:
    settings.INNGEST_DEV = dev

    assert inngest.is_development() is expected
