"""The one module that speaks HTTP to providers.

No retries and no redirects here: whether a request may be repeated is for the caller to know. Connections are kept
and shared by all threads. A request is prepared once and goes straight to the adapter, because the merging of
environment and cookies that a requests.Session does costs as much as everything else in a call.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter

from providers.errors import OutcomeUnknown, Unavailable

MAX_BODY_BYTES = 65_536
POOL_SIZE = 1024

# The request never left this machine, so sending it again is safe.
NEVER_SENT = (requests.ConnectTimeout, urllib3.exceptions.NewConnectionError, urllib3.exceptions.NameResolutionError)
# It may have arrived. What is in neither list is a bug of ours and is not caught.
MAYBE_SENT = (
    requests.ReadTimeout,
    requests.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.ReadTimeoutError,
    urllib3.exceptions.DecodeError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` as UTF-8 (bad bytes replaced), at most MAX_BODY_BYTES of it."""

    status: int
    body: str
    headers: Mapping[str, str]
    duration_ms: int


@lru_cache(maxsize=1)
def _adapter() -> HTTPAdapter:
    return HTTPAdapter(pool_connections=16, pool_maxsize=POOL_SIZE, max_retries=0, pool_block=False)


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
) -> Answer:
    """Send one request and wait for its answer, whatever its status.

    `timeout_s` bounds the wait between bytes; connecting has PROVIDER_CONNECT_TIMEOUT_S.
    Raises Unavailable when the request never left, OutcomeUnknown when it may have arrived.
    """
    request = requests.Request(
        method, url, headers=dict(headers or {}), json=json, data=form, params=query, auth=basic_auth
    ).prepare()
    started = time.monotonic()
    try:
        with _adapter().send(
            request, stream=True, timeout=(settings.PROVIDER_CONNECT_TIMEOUT_S, timeout_s), verify=True
        ) as response:
            body = response.raw.read(MAX_BODY_BYTES, decode_content=True)
            _leave_reusable(response)
            return Answer(
                status=response.status_code,
                body=body.decode("utf-8", "replace"),
                headers=response.headers,
                duration_ms=round((time.monotonic() - started) * 1000),
            )
    except MAYBE_SENT as error:
        if _never_sent(error):
            raise Unavailable(_reason(error)) from error
        raise OutcomeUnknown(_reason(error)) from error


def _leave_reusable(response: requests.Response) -> None:
    """Read the end of a short body, so that the connection goes back to the pool; a long one is cut off."""
    if response.raw.read(1):
        response.raw.close()


def _never_sent(error: BaseException) -> bool:
    """Look through the chain of causes: requests wraps urllib3's errors, which say whether a connection came to be."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, NEVER_SENT):
            return True
        reason = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        seen = reason if isinstance(reason, BaseException) else None
    return False


def _reason(error: BaseException) -> str:
    """Say what went wrong in a few words that hold no address and no secret."""
    if isinstance(error, requests.ConnectTimeout):
        return "connecting timed out"
    if isinstance(error, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError) or "timed out" in str(error):
        return "timed out"
    if _never_sent(error):
        return "host not found" if "resol" in str(error).lower() else "connection refused"
    return "connection closed before the answer was complete"
