"""The one module that speaks HTTP to providers.

No retries and no redirects here: whether a request may be repeated is for the caller to know. Connections are kept
and shared by all threads. A request is prepared once and goes straight to the adapter, because the merging of
environment and cookies that a requests.Session does costs as much as everything else in a call; so proxies and
.netrc of the environment are not looked at either. Certificates are always verified, against certifi's bundle.
"""

import base64
import http.client
import io
import json as json_module
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from providers.errors import OutcomeUnknown, Rejected, Unavailable
from webapi.build_once import build_once

MAX_BODY_BYTES = 65_536
POOL_SIZE = 1024

# The request never left this machine, so sending it again is safe. A failed TLS handshake is among them: the
# connections below say NewConnectionError for everything that goes wrong before there is somebody to talk to.
NEVER_SENT = (requests.ConnectTimeout, NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
# It may have arrived. What is in neither list is a bug of ours and is not caught. A kept connection that the other
# side closed while the request was under way is in here too: whether it was read before the end, nobody can tell.
MAYBE_SENT = (
    requests.ReadTimeout,
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.ReadTimeoutError,
    urllib3.exceptions.DecodeError,
    urllib3.exceptions.SSLError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` as UTF-8 (bad bytes replaced), at most `max_body_bytes` of it."""

    status: int
    body: str
    headers: Mapping[str, str]
    duration_ms: int


class _BoundedReader(io.RawIOBase):
    """A socket's incoming bytes until a moment, so that one byte every few seconds can't hold a thread for hours."""

    def __init__(self, sock: socket.socket, *, timeout_s: float | None) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """An answer of which status line, headers and body together may take as long as the read timeout, no longer."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_BoundedReader(sock, timeout_s=sock.gettimeout()))


class _Connection(HTTPConnection):
    response_class = _BoundedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _BoundedResponse

    def connect(self) -> None:
        """Connect and shake hands. A request is written after that, so no failure in here is a doubtful one."""
        try:
            super().connect()
        except urllib3.exceptions.ConnectTimeoutError:
            raise
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(self, "TLS handshake timed out") from error
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise NewConnectionError(self, "TLS handshake failed") from error


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


@build_once
def _adapter() -> HTTPAdapter:
    adapter = HTTPAdapter(pool_connections=16, pool_maxsize=POOL_SIZE, max_retries=0, pool_block=False)
    adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return adapter


def send(
    method: str,
    url: str,
    *,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
    json: object = None,
    form: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    basic_auth: tuple[str, str] | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    total: bool = False,
) -> Answer:
    """Send one request and wait for its answer, whatever its status.

    `timeout_s` bounds the whole answer, from the request's last byte to the body's; connecting has
    PROVIDER_CONNECT_TIMEOUT_S. With `total` it bounds connecting as well, for a caller whose own time is up then
    (looking up the host's name alone can't be bounded).

    Raises Unavailable when the request never left, OutcomeUnknown when it may have arrived, Rejected when a header
    (a credential, that is) holds what no header can.
    """
    request = _prepared(method, url, headers=headers, json=json, form=form, query=query, basic_auth=basic_auth)
    started = time.monotonic()
    try:
        with _adapter().send(request, stream=True, timeout=_timeout(timeout_s, total=total), verify=True) as response:
            body = response.raw.read(max_body_bytes, decode_content=True)
            _leave_reusable(response)
            return Answer(
                status=response.status_code,
                body=_text(body, max_body_bytes),
                headers=response.headers,
                duration_ms=_since(started),
            )
    except MAYBE_SENT as error:
        if _never_sent(error):
            raise Unavailable(_reason(error), duration_ms=_since(started)) from error
        raise OutcomeUnknown(_reason(error), duration_ms=_since(started)) from error


def _prepared(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None,
    json: object,
    form: Mapping[str, str] | None,
    query: Mapping[str, str] | None,
    basic_auth: tuple[str, str] | None,
) -> requests.PreparedRequest:
    """Fill in a request by hand: our URLs, headers and bodies need none of the guessing that `prepare()` does."""
    request = requests.PreparedRequest()
    request.method = method
    request.url = f"{url}?{urlencode(query)}" if query else url
    request.headers = CaseInsensitiveDict({"User-Agent": "Coachbot", "Accept": "application/json", **(headers or {})})
    request.body = None
    if json is not None:
        request.body = json_module.dumps(json, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        request.headers["Content-Type"] = "application/json"
    elif form is not None:
        request.body = urlencode(form).encode()
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    if request.body is not None or method == "POST":
        request.headers["Content-Length"] = str(len(request.body or b""))
    if basic_auth is not None:
        token = base64.b64encode(":".join(basic_auth).encode()).decode()
        request.headers["Authorization"] = f"Basic {token}"
    for value in request.headers.values():
        _check_header(value)
    return request


def _check_header(value: str) -> None:
    """Refuse what the wire can't carry: somebody pasted a credential with a line break or a curly quote in it."""
    if not (value.isascii() and value.isprintable()):
        raise Rejected("a credential holds a character that can't be sent; enter it again")


def _timeout(timeout_s: float, *, total: bool) -> Any:
    if not total:
        return (settings.PROVIDER_CONNECT_TIMEOUT_S, timeout_s)
    # Connecting is two waits, the handshake being the second; what they leave is the answer's.
    connect_s = min(settings.PROVIDER_CONNECT_TIMEOUT_S, timeout_s / 3)
    return urllib3.Timeout(connect=connect_s, read=timeout_s, total=timeout_s)


def _leave_reusable(response: requests.Response) -> None:
    """Read the end of a short body, so that the connection goes back to the pool; a long one is cut off."""
    if response.raw.read(1, decode_content=True):
        response.raw.close()


def _text(body: bytes, limit: int) -> str:
    """Decode, and keep within the limit where replacing bad bytes made it longer."""
    text = body.decode("utf-8", "replace")
    encoded = text if text.isascii() else text.encode()
    return text if len(encoded) <= limit else text.encode()[:limit].decode("utf-8", "ignore")


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _never_sent(error: BaseException) -> bool:
    """Look through the chain of causes: requests wraps urllib3's errors, which say whether a connection came to be."""
    return any(isinstance(cause, NEVER_SENT) for cause in _causes(error))


def _causes(error: BaseException) -> list[BaseException]:
    """List an error and what it wraps, outermost first."""
    causes: list[BaseException] = []
    seen: object = error
    while isinstance(seen, BaseException) and seen not in causes:
        causes.append(seen)
        seen = getattr(seen, "reason", None) or next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
    return causes


def _reason(error: BaseException) -> str:
    """Say what went wrong in a few words that hold no address and no secret."""
    causes = _causes(error)
    if any(isinstance(cause, urllib3.exceptions.NameResolutionError) for cause in causes):
        return "host not found"
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        return "TLS handshake failed" if "TLS handshake" in str(causes[-1]) else _why_not_connected(causes[-1])
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "timed out"
    return "connection closed before the answer was complete"


def _why_not_connected(error: BaseException) -> str:
    cause = error.__cause__
    if isinstance(cause, ConnectionRefusedError) or "refused" in str(error):
        return "connection refused"
    return "could not connect"
