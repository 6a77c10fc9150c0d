"""Django admin of call sessions."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from leads.admin import OfLeadAdmin
from voice.models import CallSession
from workspaces.admin_scope import WorkspaceFilter, payload


@admin.register(CallSession)
class CallSessionAdmin(OfLeadAdmin):
    """Calls as Vapi told of them."""

    own_id = "vapi_call_id"
    list_display = ("vapi_call_id", "lead", "status", "outcome", "duration_s", "cost_usd", "created_at")
    list_filter = (WorkspaceFilter, "status", "outcome")
    search_fields = ("vapi_call_id__exact", "lead__phone__exact")
    search_help_text = _("A call's id at Vapi, a lead's id or a phone number.")
    readonly_fields = (
        *("id", "lead", "dispatch", "inbound", "vapi_call_id", "status", "vapi_status", "outcome", "ended_reason"),
        *("started_at", "ended_at", "duration_s", "cost_usd", "has_recording", "summary", "transcript_shown"),
        *("created_at", "updated_at"),
    )
    fields = readonly_fields

    @admin.display(description=_("transcript"))
    def transcript_shown(self, call: CallSession) -> SafeString:
        """Show who said what."""
        return payload(call.transcript)
