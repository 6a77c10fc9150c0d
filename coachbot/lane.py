"""The fast lane: the two busiest calls of the API answered before Django's middleware.

POST /api/public/leads and GET /api/public/leads/<id> need neither sessions nor cookies nor templates, and Django's
way through all of that costs more than the work itself. The endpoints are the ones that the DRF views call; the
headers are the ones that the middleware writes (a test compares both ways). What is unusual in any way, an unknown
host or plain HTTP where HTTPS is wanted, goes to Django as always.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.http.request import split_domain_port, validate_host

from apikeys.gate import enter
from coachbot import csp
from coachbot.errors import describe
from database import clock
from leads.read import show_lead
from leads.submit import submit_lead
from webapi import request_id
from webapi.calls import Answer, ApiCall, refused
from webapi.client_ip import believe_scheme

logger = logging.getLogger("coachbot.requests")

StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
Handler = Callable[[ApiCall], Answer]

LEADS = "/api/public/leads"
_one_lead = re.compile(LEADS + r"/([^/]+)").fullmatch


class FastLane:
    """A WSGI application in front of Django's."""

    def __init__(self, django: WsgiApp) -> None:
        self._django = django
        self._headers = list(common_headers().items())

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer here what belongs here."""
        believe_scheme(environ)
        handler = _handler(environ)
        if handler is None or not _usual(environ):
            return self._django(environ, start_response)
        started = time.monotonic()
        own_id = request_id.begin(environ.get("HTTP_X_REQUEST_ID"))
        answer = _answer(handler, environ, own_id)
        body = answer.body
        headers = [*self._headers, *answer.headers.items(), (request_id.HEADER, own_id)]
        if body:
            headers += [("Content-Type", "application/json")]
        if answer.status not in {204, 304}:
            headers += [("Content-Length", str(len(body)))]
        logger.info(
            "request",
            extra={
                "method": environ["REQUEST_METHOD"],
                "status": answer.status,
                "duration_ms": round((time.monotonic() - started) * 1000, 1),
            },
        )
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [body]


def common_headers() -> dict[str, str]:
    """Build the headers that Django's middleware writes on every answer."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": str(settings.SECURE_REFERRER_POLICY),
        "Cross-Origin-Opener-Policy": str(settings.SECURE_CROSS_ORIGIN_OPENER_POLICY),
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
        **csp.HEADERS,
    }
    if settings.HTTPS and settings.SECURE_HSTS_SECONDS:
        subdomains = "; includeSubDomains; preload" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}{subdomains}"
    return headers


def _handler(environ: dict[str, Any]) -> Handler | None:
    path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
    if path == LEADS and method == "POST":
        return partial(enter, endpoint=submit_lead, remembered=True)
    if method == "GET" and (found := _one_lead(path)):
        return partial(enter, endpoint=partial(show_lead, lead_id=found[1]), remembered=True)
    return None


def _answer(handler: Handler, environ: dict[str, Any], own_id: str) -> Answer:
    call = ApiCall(
        method=environ["REQUEST_METHOD"],
        headers=environ,
        stream=environ["wsgi.input"],
        now=clock.now(),
        request_id=own_id,
    )
    try:
        return handler(call)
    except Exception as error:  # noqa: BLE001 - the outermost edge: describe() logs what nobody anticipated
        return refused(describe(error))
    finally:
        close_old_connections()


def _usual(environ: dict[str, Any]) -> bool:
    secure = environ["wsgi.url_scheme"] == "https"
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        secure = environ.get(name) == value
    return _known_host(environ.get("HTTP_HOST", "")) and (secure or not settings.SECURE_SSL_REDIRECT)


@lru_cache(maxsize=256)
def _known_host(host: str) -> bool:
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
