"""Django admin of what agents did: tool calls and appointments."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from agents.models import Booking, ToolCall
from leads.admin import OfLeadAdmin
from workspaces.admin_scope import WorkspaceFilter, payload


@admin.register(ToolCall)
class ToolCallAdmin(OfLeadAdmin):
    """What agents asked for, and what they were told."""

    own_id = "call_id"
    list_display = ("created_at", "lead", "name", "channel", "ok")
    list_filter = (WorkspaceFilter, "ok")
    search_fields = ("call_id__startswith", "lead__phone__exact")
    search_help_text = _("A call's id, a lead's id or a phone number.")
    readonly_fields = (
        *("lead", "channel", "call_id", "name", "arguments_shown", "result_shown", "ok"),
        *("created_at", "started_at", "finished_at"),
    )
    fields = readonly_fields

    @admin.display(description=_("arguments"))
    def arguments_shown(self, call: ToolCall) -> SafeString:
        """Show them as they came."""
        return payload(call.arguments)

    @admin.display(description=_("result"))
    def result_shown(self, call: ToolCall) -> SafeString:
        """Show what the agent was told."""
        return payload(call.result)


@admin.register(Booking)
class BookingAdmin(OfLeadAdmin):
    """Appointments, made or not."""

    own_id = "uid"
    list_display = ("start", "lead", "status", "attendee_email", "uid", "reason", "created_at")
    list_filter = (WorkspaceFilter, "status")
    search_fields = ("uid__exact", "lead__phone__exact")
    search_help_text = _("A booking's id at Cal.com, a lead's id or a phone number.")
