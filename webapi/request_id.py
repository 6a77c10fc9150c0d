"""One id for everything that happens during a request: in the answer's X-Request-Id and in every log line."""

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-Id"
_acceptable = re.compile(r"[A-Za-z0-9._-]{1,128}").fullmatch
_current: ContextVar[str] = ContextVar("request_id", default="")


def current() -> str:
    """Return the id of the request under way, "" outside of one."""
    return _current.get()


def begin(offered: str | None) -> str:
    """Start a request's id: the caller's own where it is acceptable, else a new one."""
    request_id = offered if offered and _acceptable(offered) else secrets.token_hex(16)
    _current.set(request_id)
    return request_id


class RequestIdMiddleware:
    """Outermost: gives the request its id and writes it on the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = begin(request.headers.get(HEADER))
        response = self.get_response(request)
        response[HEADER] = request_id
        return response
