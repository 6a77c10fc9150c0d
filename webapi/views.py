"""DRF's door to framework-free endpoints: routing, methods and the schema are DRF's, the answer is ours."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from database import clock
from webapi import request_id
from webapi.calls import Answer, ApiCall


def call_of(request: Request) -> ApiCall:
    """Read what a client sent from Django's request."""
    inner = request._request
    return ApiCall(
        method=request.method or "",
        headers=inner.META,
        stream=inner,
        now=clock.now(),
        request_id=request_id.current(),
        query=inner.GET,
    )


def response_of(answer: Answer) -> HttpResponse:
    """Write an answer as Django's response."""
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json", headers=answer.headers)
    if not answer.body:
        del response["Content-Type"]
    return response


class EndpointView(APIView):
    """A view whose methods call `apikeys.gate.enter`, which knows the key and the limits: DRF checks neither."""

    authentication_classes: Any = []
    permission_classes: Any = []

    # No OPTIONS: DRF's answer to it would be the one thing here that needs no key.
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Write no headers of DRF's own: Allow belongs on a 405, and the fast lane has none either."""
        return {}
