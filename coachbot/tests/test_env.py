"""A mail server's URL means what mail programs mean by it."""

import pytest

from coachbot import env


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("smtps://me:p%25@mail.example.com:465", (False, True)),
        ("smtp+tls://me:p%25@mail.example.com:465", (True, False)),
    ],
)
def test_smtps_is_tls_from_the_first_byte(monkeypatch: pytest.MonkeyPatch, url: str, tls: tuple[bool, bool]) -> None:
    monkeypatch.setenv("EMAIL_URL", url)

    found = env.email("EMAIL_URL")

    assert (found.get("EMAIL_USE_TLS", False), found.get("EMAIL_USE_SSL", False)) == tls
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_HOST_PASSWORD"]) == ("mail.example.com", 465, "p%")
