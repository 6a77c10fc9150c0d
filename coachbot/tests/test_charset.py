"""A request that names an encoding is read as UTF-8 like any other, and never breaks the server."""

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from conftest import make_workspace
from leadforms.tests.factories import make_published
from tests.door import kept_connection

pytestmark = pytest.mark.django_db

# Codecs of Python's; the last one is what some clients really write.
CHARSETS = ["hex", "undefined", "idna", "punycode", "utf-16", "zip", "no-such", '"utf-8"', "UTF-8"]


def ask(method: str, path: str, content_type: str, body: bytes = b"") -> tuple[int, str]:
    """Send a request that Django's own factory of requests would stumble over."""
    from coachbot.wsgi import application

    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
    }
    setup_testing_defaults(environ)
    begun: list[str] = []
    with kept_connection():
        parts = application(environ, lambda status, _headers, *_: begun.append(status))
        content = b"".join(parts)
        if close := getattr(parts, "close", None):
            close()
    return int(begun[0].partition(" ")[0]), content.decode()


@pytest.mark.parametrize("charset", CHARSETS)
def test_an_address_is_utf8(charset: str) -> None:
    make_published(make_workspace(slug="north"))

    status, page = ask("GET", "/forms/north?name=Zo%C3%AB%FF", f"text/plain; Charset={charset}")

    assert status == 200
    assert 'value="Zoë\ufffd"' in page


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_fields_are_utf8(kind: str, charset: str) -> None:
    make_published(make_workspace(slug="north"))
    part = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nZo\xc3\xab\r\n--x--\r\n'
    body = part if "multipart" in kind else b"name=Zo%C3%AB"

    status, page = ask("POST", "/forms/north", f"{kind};charset={charset}", body)

    assert status == 200
    assert 'value="Zoë"' in page


def test_the_api_says_what_it_wants_instead_of_breaking() -> None:
    assert ask("GET", "/api/public/form?a=%FF", "text/plain; charset=hex")[0] == 401
