"""The address that a request is said to come from."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from webapi.client_ip import believe_scheme, client_ip


def ip_of(remote: str, forwarded: str = "") -> str | None:
    request = RequestFactory().get("/", REMOTE_ADDR=remote)
    if forwarded:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_ip(request)


def test_without_proxies_nobody_else_is_believed(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 0

    assert ip_of("192.0.2.7", "198.51.100.1") == "192.0.2.7"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (2, "198.51.100.1", "198.51.100.1"),
        (1, "198.51.100.1:55012", "198.51.100.1"),
        (1, "[2001:db8::1]:55012", "2001:db8::1"),
        (1, "::ffff:198.51.100.1", "198.51.100.1"),
        (1, "unknown", None),
        (1, "", "10.0.0.1"),
    ],
)
def test_what_the_outermost_proxy_of_ours_wrote_is_it(
    settings: Settings, proxies: int, forwarded: str, expected: str | None
) -> None:
    settings.TRUSTED_PROXIES = proxies

    assert ip_of("10.0.0.1", forwarded) == expected


def test_a_unix_socket_has_none() -> None:
    assert ip_of("") is None


@pytest.mark.parametrize(
    ("proxies", "told", "expected"),
    [
        (1, "https", "https"),
        (1, "https, http", "http"),
        (1, "http,https", "https"),
        (2, "http, https, http", "https"),
        (2, "https,", "https"),
        (0, "https, http", ""),
    ],
)
def test_the_scheme_is_what_the_outermost_proxy_of_ours_wrote(
    settings: Settings, proxies: int, told: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    environ = {"HTTP_X_FORWARDED_PROTO": told}

    believe_scheme(environ)

    assert environ == {"HTTP_X_FORWARDED_PROTO": expected}
