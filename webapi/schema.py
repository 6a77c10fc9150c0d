"""What every endpoint of the API has in common, for the OpenAPI document: the shape of errors."""

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class IssueShape(serializers.Serializer[None]):
    """What is wrong with one value."""

    path = serializers.ListField(child=serializers.JSONField())
    message = serializers.CharField()


class ErrorShape(serializers.Serializer[None]):
    """Every error."""

    ok = serializers.BooleanField()
    error = serializers.CharField()
    message = serializers.CharField(required=False)
    issues = IssueShape(many=True, required=False)
    leadId = serializers.UUIDField(required=False)  # noqa: N815


def errors(**described: str) -> dict[int, OpenApiResponse]:
    """Describe the refusals of an endpoint, as `e404="…"`; every endpoint has 401, 429, 500 and 503."""
    common = {
        "e401": "The Authorization header is missing, wrong, or its key does not work.",
        "e429": "The key's rate limit is used up; Retry-After says for how many seconds.",
        "e500": "Something went wrong on our side.",
        "e503": "Briefly unavailable; try again after Retry-After.",
    }
    return {
        int(name[1:]): OpenApiResponse(ErrorShape, description=text)
        for name, text in sorted((common | described).items())
    }
