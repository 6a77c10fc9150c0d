"""Middleware of our own besides the request id and the content security policy."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware import common

from coachbot.errors import answer_unexpected

API_PREFIX = "/api/"
WITHOUT_BODY = frozenset({204, 304})


class CommonMiddleware(common.CommonMiddleware):
    """Django's, without the length that it writes on what can have no body (RFC 9110, 8.6: 204 must not, 304 lies)."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Take the length off again."""
        response = super().process_response(request, response)
        if response.status_code in WITHOUT_BODY:
            del response.headers["Content-Length"]
        return response


class ApiErrorMiddleware:
    """Answer what rises above an API view (a crash, a database that is away) in the API's shape.

    Django turns exceptions into HTML answers around each view; `process_exception` gets them before that does.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer JSON for a crash under /api/; pages keep Django's own error pages."""
        return answer_unexpected(exception) if request.path_info.startswith(API_PREFIX) else None
