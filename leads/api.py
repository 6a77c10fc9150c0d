"""The Public API of leads: DRF's views and their schema over the endpoints of submit.py and read.py."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request

from apikeys.gate import enter
from leads.models import Lead
from leads.read import MAX_LIMIT, delete_lead, list_leads, show_lead
from leads.serializers import LeadAccepted, LeadAnswer, LeadInput, LeadPage
from leads.submit import submit_lead
from webapi.schema import errors
from webapi.views import EndpointView, call_of, response_of


def _query(name: str, description: str, kind: Any = OpenApiTypes.STR, **extra: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description, **extra)


class LeadCollection(EndpointView):
    """All leads of a workspace."""

    @extend_schema(
        operation_id="listLeads",
        summary="List leads, newest first",
        tags=["Leads"],
        parameters=[
            _query("limit", f"How many, 1 to {MAX_LIMIT}. 25 unless given.", OpenApiTypes.INT),
            _query("cursor", "The nextCursor of the page before."),
            _query("status", "Only leads in this status.", enum=Lead.Status.values),
            _query("phone", "Only the lead with this phone, in any spelling."),
            _query("email", "Only leads with exactly this address."),
            _query("createdAfter", "Only leads created after this time.", OpenApiTypes.DATETIME),
            _query("createdBefore", "Only leads created before this time.", OpenApiTypes.DATETIME),
            _query(
                "q",
                "Only leads with these words in their name or email, accents or none, or this phone in any spelling.",
            ),
        ],
        responses={200: LeadPage} | errors(e400="A parameter can't be used."),
    )
    def get(self, request: Request) -> HttpResponse:
        """List leads, newest first. Follow nextCursor until it is null."""
        return response_of(enter(call_of(request), list_leads))

    @extend_schema(
        operation_id="createLead",
        summary="Send a lead",
        tags=["Leads"],
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="1 to 255 characters of your choice. The same key and body within 24 hours get the "
                "first answer again, and nothing happens twice.",
            )
        ],
        request=LeadInput,
        responses={201: LeadAccepted}
        | errors(
            e400="The body can't be read, a value is wrong, or consent is not true.",
            e409="The phone is a lead already (duplicate_phone), or the first request still runs "
            "(idempotency_in_progress).",
            e413="The body is larger than 128 kB.",
            e422="The Idempotency-Key was used with another body.",
            e502="The call could not be placed; nothing was kept, and the same phone may be sent again.",
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        """Send a person who agreed to be contacted: the agent rings or writes at once."""
        return response_of(enter(call_of(request), submit_lead, remembered=True))


class LeadItem(EndpointView):
    """One lead."""

    @extend_schema(
        operation_id="getLead",
        summary="Read a lead",
        tags=["Leads"],
        parameters=[
            OpenApiParameter("If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="An ETag of ours.")
        ],
        responses={200: LeadAnswer, 304: OpenApiResponse(description="Unchanged. Does not count against the limits.")}
        | errors(e404="There is no such lead in this workspace."),
    )
    def get(self, request: Request, lead_id: str) -> HttpResponse:
        """Read a lead and its latest call."""
        return response_of(enter(call_of(request), partial(show_lead, lead_id=lead_id), remembered=True))

    @extend_schema(
        operation_id="deleteLead",
        summary="Erase a lead",
        tags=["Leads"],
        responses={204: OpenApiResponse(description="Erased.")}
        | errors(e404="There is no such lead in this workspace."),
    )
    def delete(self, request: Request, lead_id: str) -> HttpResponse:
        """Erase a lead and all that hangs on it. Its phone may be sent again."""
        return response_of(enter(call_of(request), partial(delete_lead, lead_id=lead_id)))
