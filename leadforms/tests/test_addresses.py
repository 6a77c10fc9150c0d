"""Addresses that visitors are sent to, and sites that may show the form."""

from urllib.parse import urlsplit

import pytest

from leadforms.addresses import AddressError, read_origin, read_redirect, safe_origins
from tests.properties import given
from tests.properties import strategies as st


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("https://example.com/thanks?from=form#top", "https://example.com/thanks?from=form#top"),
        ("  http://example.com  ", "http://example.com"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://münchen.example/dänke schön", "https://xn--mnchen-3ya.example/d%C3%A4nke%20sch%C3%B6n"),
        ("https://example.com/?to=a@b", "https://example.com/?to=a@b"),
    ],
)
def test_reads_the_address_of_a_page(typed: str, read: str) -> None:
    assert read_redirect(typed) == read


@pytest.mark.parametrize(
    "typed",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://example.com",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//example.com",
        "/thanks",
        "example.com",
        "https:example.com",
        "https://",
        "https:///thanks",
        "https://maya:secret@example.com/",
        "https://maya@example.com/",
        "https://example.com\\@evil.example/",
        "https://example.com:99999/",
        "https://exam ple.com/",
        "https://example.com/\r\nSet-Cookie: a=b",
        "https://" + "a" * 2000 + ".example",
    ],
)
def test_refuses_what_is_no_page_of_the_web(typed: str) -> None:
    with pytest.raises(AddressError):
        read_redirect(typed)


@given(typed=st.text() | st.text().map(lambda text: f"https://{text}") | st.text().map("https://example.com/{}".format))
def test_what_is_read_is_plain_and_of_the_web(typed: str) -> None:
    try:
        read = read_redirect(typed)
    except AddressError:
        return
    assert read.lower().startswith(("https://", "http://"))
    assert read.isascii()
    assert not set(read) & set(' \t\r\n"<>\\')
    assert "@" not in urlsplit(read).netloc


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("HTTPS://Example.com/", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:5500/", "http://127.0.0.1:5500"),
    ],
)
def test_reads_the_site_that_may_show_the_form(typed: str, read: str) -> None:
    assert read_origin(typed) == read


@pytest.mark.parametrize(
    "typed",
    [
        *("http://example.com", "example.com", "*", "https://*", "https://*.example.com", "'self'", "https:", "data:"),
        *("https://example.com/contact", "https://example.com?x", "https://a@example.com", "https://-a.example"),
        *("https://example.com;script-src *", "https://example.com https://other.example", "https://example.com,x"),
    ],
)
def test_refuses_what_names_no_single_site(typed: str) -> None:
    with pytest.raises(AddressError):
        read_origin(typed)


@given(stored=st.none() | st.integers() | st.text() | st.lists(st.none() | st.text() | st.integers() | st.booleans()))
def test_nothing_but_sites_goes_into_a_header(stored: object) -> None:
    for origin in safe_origins(stored):
        assert read_origin(origin) == origin
        assert not set(origin) & set(" ;,'\"\r\n")
