"""Clients that send slowly, or read slowly, keep nobody else waiting."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from functools import partial

import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.processes import wait_for
from tests.survival.system import System, at_once, body_of, in_background, new_phone, timed

FORM = "/forms/whatsapp-ltd"
IDLE = 200
PROMPTLY_S = 5
# Every kind of path that takes a body: the form, the API, webhooks, the console and Django's admin.
PATHS = (
    FORM,
    "/api/public/leads",
    "/api/vapi/voice-ltd/events",
    "/api/whatsapp/inbound",
    "/api/inngest",
    "/admin/voice-ltd/leads",
    "/admin/login/",
)
LATE = {"ok": False, "error": "request_timeout", "message": "The request body did not arrive within 1 seconds."}


def begin(system: System, path: str, *, declared: int = 5000) -> socket.socket:
    """Send a head that declares a body, and six bytes of it."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {declared}"]
    lines += ["Content-Type: application/x-www-form-urlencoded"]
    client = socket.create_connection(("127.0.0.1", system.port), timeout=10)
    client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + b"name=J")
    return client


def read_all(client: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


def submit(system: System) -> requests.Response:
    """Fill in the form as a browser does, and send it."""
    page = requests.get(f"{system.url}{FORM}", timeout=10).text
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token, page
    answers = {"token": token[1], "name": "Jane Doe", "phone": new_phone(), "email": "", "consent": "yes"}
    return requests.post(f"{system.url}{FORM}", data=answers, allow_redirects=False, timeout=10)


@pytest.fixture(scope="module")
def system(launch: Launch) -> System:
    """One process with few threads and few connections to the database, so that a held one is noticed."""
    return launch(threads=16, DATABASE_POOL_SIZE=4)


@pytest.fixture(scope="module")
def strict(launch: Launch) -> System:
    """One that waits a second for a body."""
    return launch(threads=4, BODY_TIMEOUT_S=1)


@contextlib.contextmanager
def idle_bodies(system: System) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(begin(system, PATHS[n % len(PATHS)])) for n in range(IDLE)]
        time.sleep(0.5)
        yield clients


def test_200_bodies_that_never_come_hold_nobody_up(system: System) -> None:
    with idle_bodies(system):
        for ask, status in (
            (partial(requests.get, f"{system.url}/readyz", timeout=10), 200),
            (partial(requests.get, f"{system.url}{FORM}", timeout=10), 200),
            (partial(submit, system), 303),
            (partial(system.api("voice").post, body_of(new_phone()), timeout_s=10), 201),
            (partial(system.api("voice").get, "me", timeout_s=10), 200),
            (partial(requests.get, f"{system.url}/admin/login/", timeout=10), 200),
            (partial(requests.post, f"{system.url}/api/vapi/voice-ltd/events", json={}, timeout=10), 401),
        ):
            answer, took_s = timed(ask)
            assert (answer.status_code, took_s < PROMPTLY_S) == (status, True), (answer.url, took_s, answer.text[:300])


def test_a_body_has_a_deadline(strict: System) -> None:
    for path in PATHS:
        with begin(strict, path) as client:
            answer, took_s = timed(partial(read_all, client))

        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n"), (path, answer)
        assert b"\r\nconnection: close\r\n" in answer
        assert b"\r\nx-request-id: " in answer
        assert 0.8 < took_s < 3


def test_a_body_that_drips_has_the_same_deadline(strict: System) -> None:
    started = time.monotonic()
    with begin(strict, FORM) as client, contextlib.suppress(OSError):
        while time.monotonic() < started + 6:
            client.sendall(b"x")
            time.sleep(0.1)

    assert time.monotonic() - started < 4


def test_says_in_json_that_the_body_came_too_late(strict: System) -> None:
    with begin(strict, "/api/public/leads") as client:
        head, _, body = read_all(client).partition(b"\r\n\r\n")

    assert b"content-type: application/json" in head
    assert json.loads(body) == LATE


def test_finishes_what_was_begun_after_sigterm_and_waits_for_no_idle_body(launch: Launch) -> None:
    system = launch(threads=8, BODY_TIMEOUT_S=1)
    phone = new_phone()
    system.simulators.set(latency={"vapi": 1.5})
    assert system.web is not None
    with begin(system, FORM), in_background([partial(system.api("voice").post, body_of(phone))]) as under_way:
        under_way.begin()
        wait_for("Vapi has the call", lambda: len(system.simulators.calls(phone)) == 1)
        assert system.web.terminate(timeout_s=15) == 0
        (answer,) = under_way.answers()

    assert answer is not None
    assert answer.status_code == 201


def test_many_at_once_while_bodies_idle(system: System) -> None:
    with idle_bodies(system):
        answers = at_once([partial(system.api("voice").post, body_of(new_phone())) for _ in range(32)])

    assert {answer.status_code for answer in answers} == {201}
