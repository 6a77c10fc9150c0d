"""The Public API's OpenAPI document: made once for each process, served at /api/public/openapi.json."""

import json
from typing import Any

from django.http import HttpResponse
from django.utils.module_loading import import_string
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from coachbot.openapi_details import complete
from webapi.build_once import build_once
from webapi.views import EndpointView


@build_once
def describe_api() -> dict[str, Any]:
    """Return the document; drf-spectacular fails where two threads make it at the same time."""
    # Imported by name and here: untyped, and a good part of a second that only this page needs.
    generator: Any = import_string("drf_spectacular.generators.SchemaGenerator")
    # Through JSON: what is shown is what is served.
    document: dict[str, Any] = json.loads(json.dumps(generator().get_schema(request=None, public=True), default=str))
    return complete(document)


@build_once
def _document() -> bytes:
    return json.dumps(describe_api(), indent=2, ensure_ascii=False).encode()


class OpenApiDocument(EndpointView):
    """What machines read of the API. Needs no key."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Answer the document."""
        return HttpResponse(
            _document(),
            content_type="application/vnd.oai.openapi+json",
            headers={"Cache-Control": "public, max-age=300"},
        )
