"""Django admin of what agents did: tool calls and appointments."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from agents.models import Booking, ToolCall
from leads.admin import lead_matches
from workspaces.admin_scope import ReadOnlyAdmin, WorkspaceFilter, payload


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnlyAdmin):
    """What agents asked for, and what they were told."""

    to_workspace = "lead__workspace_id"
    list_display = ("created_at", "lead", "name", "channel", "ok")
    list_filter = (WorkspaceFilter, "ok")
    list_select_related = ("lead",)
    search_fields = ("call_id__exact", "lead__phone__exact")
    search_help_text = _("A call's id, a lead's id or a phone number.")
    readonly_fields = (
        *("lead", "channel", "call_id", "name", "arguments_shown", "result_shown", "ok"),
        *("created_at", "started_at", "finished_at"),
    )
    fields = readonly_fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by an id or by the lead's phone."""
        term = search_term.strip()
        return queryset.filter(Q(call_id=term) | lead_matches(term)), False

    @admin.display(description=_("arguments"))
    def arguments_shown(self, call: ToolCall) -> SafeString:
        """Show them as they came."""
        return payload(call.arguments)

    @admin.display(description=_("result"))
    def result_shown(self, call: ToolCall) -> SafeString:
        """Show what the agent was told."""
        return payload(call.result)


@admin.register(Booking)
class BookingAdmin(ReadOnlyAdmin):
    """Appointments, made or not."""

    to_workspace = "lead__workspace_id"
    list_display = ("start", "lead", "status", "attendee_email", "uid", "reason", "created_at")
    list_filter = (WorkspaceFilter, "status")
    list_select_related = ("lead",)
    search_fields = ("uid__exact", "lead__phone__exact")
    search_help_text = _("A booking's id at Cal.com, a lead's id or a phone number.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by an id or by the lead's phone."""
        term = search_term.strip()
        return queryset.filter(Q(uid=term) | lead_matches(term)), False
