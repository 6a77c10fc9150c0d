"""Clients that speak HTTP in odd ways, at the real server."""

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.processes import wait_for
from tests.survival.system import System, body_of, new_phone

TOO_LARGE = {"ok": False, "error": "payload_too_large", "message": "The request body is larger than 128 kB."}


@pytest.fixture(scope="module")
def system(launch: Launch) -> System:
    """One process with few threads, so that a stuck one is noticed."""
    return launch(threads=4)


def headers(system: System) -> dict[str, str]:
    return {"Authorization": f"Bearer {system.keys['voice']}", "Content-Type": "application/json"}


def in_pieces(body: bytes) -> Iterator[bytes]:
    """Make requests send it chunked, without a Content-Length."""
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


def test_takes_a_body_that_comes_in_pieces(system: System) -> None:
    body = json.dumps(body_of(new_phone(), metadata={"a": "x" * 30_000}, ignored="x" * 80_000)).encode()

    answer = requests.post(f"{system.url}/api/public/leads", data=in_pieces(body), headers=headers(system), timeout=10)

    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("pieces", [True, False], ids=["in pieces", "whole"])
def test_refuses_a_body_of_a_megabyte(system: System, pieces: bool) -> None:
    phone = new_phone()
    body = json.dumps(body_of(phone, goal="x" * 1_000_000)).encode()

    answer = requests.post(
        f"{system.url}/api/public/leads",
        data=in_pieces(body) if pieces else body,
        headers=headers(system),
        timeout=10,
    )

    assert (answer.status_code, answer.json()) == (413, TOO_LARGE)
    assert system.count_leads(phone) == 0


def test_refuses_a_request_without_a_body(system: System) -> None:
    answer = requests.post(f"{system.url}/api/public/leads", headers=headers(system), timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (400, "Request body must be valid JSON.")


def test_stores_nothing_and_goes_on_when_clients_hang_up_midway(system: System) -> None:
    phones = [new_phone() for _ in range(8)]  # twice as many as there are threads
    with contextlib.ExitStack() as stack:
        for phone in phones:
            body = json.dumps(body_of(phone)).encode()
            lines = [f"{name}: {value}" for name, value in headers(system).items()]
            lines = ["POST /api/public/leads HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *lines]
            client = stack.enter_context(socket.create_connection(("127.0.0.1", system.port), timeout=5))
            client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body[:-1])

    assert system.api("voice").post(body_of(new_phone()), timeout_s=10).status_code == 201
    assert [system.count_leads(phone) for phone in phones] == [0] * len(phones)


def test_places_the_call_when_the_client_hangs_up_before_the_answer(system: System) -> None:
    phone = new_phone()
    system.simulators.set(latency={"vapi": 0.5})
    with contextlib.suppress(requests.ReadTimeout):
        system.api("voice").post(body_of(phone), idempotency_key=phone, timeout_s=0.2)

    answer = system.api("voice").insist(body_of(phone), idempotency_key=phone)

    assert answer.status_code == 201
    assert (system.count_leads(phone), len(system.simulators.calls(phone))) == (1, 1)
    wait_for("the phone rings", lambda: system.simulators.rang(phone) == 1)


def report(system: System, body: bytes | Iterator[bytes]) -> requests.Response:
    """Send what Vapi would send, without its secret."""
    return requests.post(f"{system.url}/api/vapi/voice-ltd/events", data=body, timeout=20)


def test_takes_large_bodies_where_they_belong_and_refuses_larger_ones(system: System) -> None:
    # Read whole before anybody asks for the secret, up to what the path takes.
    assert report(system, b" " * 8_000_000).status_code == 401
    assert report(system, in_pieces(b" " * 8_000_000)).status_code == 401
    assert report(system, b" " * 9_000_000).status_code == 401


@pytest.mark.parametrize("pieces", [True, False], ids=["in pieces", "whole"])
def test_a_form_is_told_that_its_body_is_too_large(system: System, pieces: bool) -> None:
    body = b"name=" + b"x" * 300_000
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = requests.post(
        f"{system.url}/forms/whatsapp-ltd", data=in_pieces(body) if pieces else body, headers=form, timeout=10
    )

    assert answer.status_code == 413


def test_a_form_in_pieces_is_read_like_any_other(system: System) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"name=Ada+Byron&goal=" + b"x" * 100_000

    answer = requests.post(f"{system.url}/forms/whatsapp-ltd", data=in_pieces(body), headers=form, timeout=10)

    assert answer.status_code == 200
    assert 'value="Ada Byron"' in answer.text
