"""The Public API of the form: DRF's view and its schema over the endpoint of show.py."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apikeys.gate import enter
from leadforms.content import Operator, QuestionType
from leadforms.show import show_form
from webapi.schema import errors
from webapi.views import EndpointView, call_of, response_of

ANSWERABLE = [(kind.value, kind.label) for kind in QuestionType if kind != QuestionType.STATEMENT]


class RulesShape(serializers.Serializer[None]):
    """Limits of an answer, each there where the question has it. `min` and `max` are decimal texts."""

    minLength = serializers.IntegerField(required=False)  # noqa: N815
    maxLength = serializers.IntegerField(required=False)  # noqa: N815
    min = serializers.CharField(required=False)
    max = serializers.CharField(required=False)
    whole = serializers.BooleanField(required=False)
    earliest = serializers.DateField(required=False)
    latest = serializers.DateField(required=False)
    minChoices = serializers.IntegerField(required=False)  # noqa: N815
    maxChoices = serializers.IntegerField(required=False)  # noqa: N815
    scale = serializers.IntegerField(required=False, help_text="A rating's highest step; 5 where it is absent.")


class ConditionShape(serializers.Serializer[None]):
    """A comparison with the answer to an earlier question."""

    question = serializers.CharField()
    operator = serializers.ChoiceField(choices=Operator.choices)
    value = serializers.CharField(allow_null=True)


class ShowIfShape(serializers.Serializer[None]):
    """When the question is asked: all of the conditions hold, or any."""

    match = serializers.ChoiceField(choices=["all", "any"])
    conditions = ConditionShape(many=True)


class QuestionShape(serializers.Serializer[None]):
    """A question, or a value that the hosted page takes from its address."""

    id = serializers.CharField(help_text="The key in formResponses. Stays the same when the question is reworded.")
    type = serializers.ChoiceField(choices=ANSWERABLE)
    # The base class has attributes of these names; DRF takes the fields out before that matters.
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField(allow_null=True)
    required = serializers.BooleanField(  # type: ignore[assignment]
        help_text="On the hosted page. The API takes a lead without any answer."
    )
    options = serializers.ListField(child=serializers.CharField())
    rules = RulesShape()
    showIf = ShowIfShape(allow_null=True)  # noqa: N815
    parameter = serializers.CharField(allow_null=True, help_text="Type hidden: the parameter of the page's address.")
    step = serializers.CharField(allow_null=True, help_text="The title of the step it stands in.")


class FormShape(serializers.Serializer[None]):
    """What is published."""

    version = serializers.IntegerField(help_text="Counts up with each publication.")
    publishedAt = serializers.DateTimeField()  # noqa: N815
    questions = QuestionShape(many=True)


class FormAnswer(serializers.Serializer[None]):
    """The workspace's form."""

    ok = serializers.BooleanField()
    form = FormShape()


class FormItem(EndpointView):
    """The form of a workspace."""

    @extend_schema(
        operation_id="getForm",
        summary="Read the form's questions",
        tags=["Form"],
        parameters=[
            OpenApiParameter("If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="An ETag of ours.")
        ],
        responses={200: FormAnswer, 304: OpenApiResponse(description="Unchanged. Does not count against the limits.")}
        | errors(e404="No form is published in this workspace."),
    )
    def get(self, request: Request) -> HttpResponse:
        """Read the questions of the published form with their ids, the keys of formResponses."""
        return response_of(enter(call_of(request), show_form))
