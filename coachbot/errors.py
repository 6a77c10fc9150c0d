"""Every exception → the answer a caller gets."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from django.template.loader import render_to_string
from rest_framework import exceptions
from rest_framework.response import Response

from webapi.errors import ApiError, payload_too_large, unavailable
from webapi.json_api import dump
from workspaces.connections import DATABASE_AWAY, purge_dead

logger = logging.getLogger(__name__)

# The last two: a body that breaks off, and one that was read as a form already and is none. Django calls them crashes.
UNREADABLE = (
    exceptions.ParseError,
    SuspiciousOperation,
    BadRequest,
    MultiPartParserError,
    UnreadablePostError,
    RawPostDataException,
)


def describe(exception: Exception) -> ApiError:
    """Translate any exception into the answer a caller gets; what nobody anticipated is logged and becomes a 500."""
    if isinstance(exception, DATABASE_AWAY):
        logger.warning("database unavailable: %s", type(exception).__name__)
        purge_dead()
        return unavailable()
    match exception:
        case ApiError():
            return exception
        case exceptions.MethodNotAllowed():
            return ApiError(405, "method_not_allowed")
        case exceptions.NotFound() | Http404():
            return ApiError(404, "not_found")
        case RequestDataTooBig():
            return payload_too_large()
        case exceptions.PermissionDenied() | PermissionDenied():
            return ApiError(403, "forbidden")
    if isinstance(exception, UNREADABLE):
        return ApiError(400, "bad_request", message="The request could not be understood.")
    logger.error("unexpected error", exc_info=exception)
    return ApiError(500, "internal_error", message="Something went wrong on our side. It has been logged.")


def answer_exception(exception: Exception, context: Mapping[str, Any]) -> Response:
    """Answer what a DRF view raised (REST_FRAMEWORK's EXCEPTION_HANDLER)."""
    error = describe(exception)
    headers = error.headers
    if isinstance(exception, exceptions.MethodNotAllowed):
        headers = headers | {"Allow": ", ".join(context["view"].allowed_methods)}
    return Response(error.body, status=error.status, headers=headers)


def answer_unexpected(exception: Exception) -> HttpResponse:
    """Answer what a view that is not DRF's raised under /api/."""
    return _as_json(describe(exception))


def _as_json(error: ApiError) -> HttpResponse:
    """Write an error as the endpoints do, to the byte."""
    return HttpResponse(dump(error.body), status=error.status, headers=error.headers, content_type="application/json")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown path: JSON under /api/, a page elsewhere (Django's handler404)."""
    from django.views.defaults import page_not_found

    if request.path_info.startswith("/api/"):
        return _as_json(ApiError(404, "not_found"))
    return page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses before a view is asked, an unknown Host above all (handler400)."""
    from django.views.defaults import bad_request as page

    if request.path_info.startswith("/api/"):
        return _as_json(ApiError(400, "bad_request"))
    return page(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what a page raised, or what rose outside of any view (handler500)."""
    from django.views.defaults import server_error as page

    exception = sys.exc_info()[1]
    if request.path_info.startswith("/api/"):
        return _as_json(describe(exception) if isinstance(exception, Exception) else ApiError(500, "internal_error"))
    if isinstance(exception, UNREADABLE):
        return bad_request(request, exception)
    if not isinstance(exception, DATABASE_AWAY):
        return page(request)
    away = describe(exception)
    return HttpResponse(render_to_string("503.html"), status=away.status, headers=away.headers)
