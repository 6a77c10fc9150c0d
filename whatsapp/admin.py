"""Django admin of WhatsApp messages."""

from django.contrib import admin
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from leads.admin import OfLeadAdmin
from whatsapp.models import AgentTurn, Message
from workspaces.admin_scope import WorkspaceFilter


@admin.register(Message)
class MessageAdmin(OfLeadAdmin):
    """Conversations, message by message."""

    own_id = "twilio_sid"
    list_display = ("created_at", "lead", "role", "text_start", "status", "error_code")
    list_filter = (WorkspaceFilter, "role", "kind", "status")
    search_fields = ("twilio_sid__exact", "lead__phone__exact")
    search_help_text = _("A message's SID at Twilio, a lead's id or a phone number.")
    ordering = ("-created_at",)

    @admin.display(description=_("text"))
    def text_start(self, message: Message) -> str:
        """Show how it begins."""
        return Truncator(message.text).chars(80)


@admin.register(AgentTurn)
class AgentTurnAdmin(OfLeadAdmin):
    """The agent's replies: how each ended and what it cost."""

    to_workspace = "workspace_id"
    list_display = ("created_at", "lead", "state", "code", "input_tokens", "output_tokens", "cost_usd")
    list_filter = (WorkspaceFilter, "state")
    search_fields = ("lead__phone__exact",)
    search_help_text = _("A lead's id or a phone number.")
    ordering = ("-created_at",)
