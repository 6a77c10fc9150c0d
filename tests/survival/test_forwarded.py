"""What a visitor says of itself in the headers of proxies is believed by nobody, at the real server."""

import re
import socket

import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.system import System, new_phone

FORM = "/forms/whatsapp-ltd"
ADDRESS = "SELECT c.ip FROM leads_consent c JOIN leads_lead l ON l.id = c.lead_id WHERE l.phone = ?"


@pytest.fixture(scope="module")
def system(launch: Launch) -> System:
    """One behind a proxy."""
    return launch(threads=8, TRUSTED_PROXIES=1, FORM_MIN_SECONDS=0)


@pytest.fixture(scope="module")
def secure(launch: Launch) -> System:
    """One whose visitors are sent to https."""
    return launch(threads=4, TRUSTED_PROXIES=1, PUBLIC_BASE_URL="https://127.0.0.1", ALLOWED_HOSTS="127.0.0.1")


def status_of(system: System, path: str, *lines: str) -> int:
    """Send a GET with headers as they stand, and return the status."""
    head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", system.port), timeout=10) as client:
        client.sendall(head.encode())
        return int(client.recv(65_536).split(b" ", 2)[1])


def submit(system: System, phone: str, headers: dict[str, str]) -> None:
    page = requests.get(f"{system.url}{FORM}", timeout=10).text
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token
    answers = {"token": token[1], "name": "Jane Doe", "phone": phone, "consent": "yes"}
    answer = requests.post(f"{system.url}{FORM}", data=answers, headers=headers, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize("forged", ["X_Forwarded_For", "X-Forwarded_For", "x_forwarded-for"])
def test_underscores_put_no_other_address_into_the_evidence(system: System, forged: str) -> None:
    phone = new_phone()

    submit(system, phone, {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", forged: "192.0.2.66"})

    assert [str(ip).partition("/")[0] for (ip,) in system.database.query(ADDRESS, phone)] == ["198.51.100.7"]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["X-Forwarded-Proto: https"], 200),
        (["X-Forwarded-Proto: http"], 301),
        (["X_Forwarded_Proto: https"], 301),
        (["X-Forwarded-Proto: http", "X_Forwarded_Proto: https"], 301),
        (["X_Forwarded-Proto: https", "X-Forwarded-Proto: http"], 301),
        (["X-Forwarded-Proto: https, http"], 301),
        (["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"], 301),
        (["X-Forwarded-Proto: http, https"], 200),
    ],
)
def test_nobody_talks_the_redirect_to_https_away(secure: System, lines: list[str], status: int) -> None:
    assert status_of(secure, FORM, *lines) == status
    # The API's fast lane goes by the same.
    assert status_of(secure, "/api/public/leads/x", *lines) == (401 if status == 200 else 301)
