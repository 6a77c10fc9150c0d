"""The Public API of the key itself."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apikeys.gate import enter
from apikeys.me import show_caller
from apikeys.models import Mode
from webapi.schema import errors
from webapi.views import EndpointView, call_of, response_of
from workspaces.models import Channel


class WorkspaceShape(serializers.Serializer[None]):
    """The workspace that a key opens."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    channel = serializers.ChoiceField(choices=Channel.choices)


class KeyShape(serializers.Serializer[None]):
    """The key itself."""

    name = serializers.CharField()
    prefix = serializers.CharField()
    mode = serializers.ChoiceField(choices=Mode.choices)
    createdAt = serializers.DateTimeField()  # noqa: N815
    expiresAt = serializers.DateTimeField(allow_null=True)  # noqa: N815


class LimitsShape(serializers.Serializer[None]):
    """Requests a minute and an hour; null: no limit."""

    perMinute = serializers.IntegerField(allow_null=True)  # noqa: N815
    perHour = serializers.IntegerField(allow_null=True)  # noqa: N815


class MeAnswer(serializers.Serializer[None]):
    """What a key opens."""

    ok = serializers.BooleanField()
    workspace = WorkspaceShape()
    key = KeyShape()
    limits = LimitsShape()


class Me(EndpointView):
    """The key that asks."""

    @extend_schema(
        operation_id="getMe",
        summary="Look at your own key",
        tags=["Key"],
        responses={200: MeAnswer} | errors(),
    )
    def get(self, request: Request) -> HttpResponse:
        """Tell which workspace, channel, name and limits this key has."""
        return response_of(enter(call_of(request), show_caller))
