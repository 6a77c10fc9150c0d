"""Clients that read slowly: a long answer takes no connection to the database, and not all threads."""

import http.client
import socket

import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.processes import wait_for
from tests.survival.system import System, add_leads, body_of, new_phone

LEADS = 12_000  # about 15 MB, more than the machine's buffers hold
EXPORT = "/admin/voice-ltd/leads.csv"
BUSY = "Too many downloads. Try again in a minute.\n"


@pytest.fixture(scope="module")
def system(launch: Launch) -> System:
    """One process with few connections to the database; two long answers at once, as it has 16 threads."""
    system = launch(threads=16, DATABASE_POOL_SIZE=2)
    add_leads(system, "voice-ltd", LEADS)
    return system


@pytest.fixture(scope="module")
def staff(system: System) -> requests.Session:
    """A superuser's browser."""
    browser = requests.Session()
    browser.get(f"{system.url}/admin/login/", timeout=10)
    form = {
        "username": "staff",
        "password": "correct horse",
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        "next": "/admin/",
    }
    assert browser.post(f"{system.url}/admin/login/", data=form, allow_redirects=False, timeout=10).status_code == 302
    return browser


def begin_export(system: System, staff: requests.Session) -> socket.socket:
    """Ask for the export over a connection that takes little, and wait for its first bytes."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(30)
    client.connect(("127.0.0.1", system.port))
    cookies = "; ".join(f"{name}={value}" for name, value in staff.cookies.items())
    client.sendall(
        f"GET {EXPORT} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n".encode()
    )
    assert client.recv(15, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 200 OK"
    return client


def read_all(client: socket.socket) -> bytes:
    answer = http.client.HTTPResponse(client)
    answer.begin()
    return answer.read()


def test_an_export_that_nobody_reads_keeps_nobody_waiting(system: System, staff: requests.Session) -> None:
    with begin_export(system, staff) as first, begin_export(system, staff):
        assert system.api("voice").post(body_of(new_phone())).status_code == 201
        assert system.api("voice").get("me").status_code == 200
        assert requests.get(f"{system.url}/readyz", timeout=10).status_code == 200

        third = staff.get(f"{system.url}{EXPORT}", timeout=10)

        assert (third.status_code, third.headers["Retry-After"], third.text) == (503, "30", BUSY)
        assert read_all(first).count(b"Jane Doe") >= LEADS


def test_a_reader_who_hangs_up_makes_room(system: System, staff: requests.Session) -> None:
    begin_export(system, staff).close()
    begin_export(system, staff).close()

    def ask() -> requests.Response | None:
        answer = staff.get(f"{system.url}{EXPORT}", timeout=30)
        return answer if answer.status_code == 200 else None

    assert wait_for("room for an export", ask).text.count('"Jane Doe"') >= LEADS
