"""Django admin of WhatsApp messages."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from leads.admin import lead_matches
from whatsapp.models import AgentTurn, Message
from workspaces.admin_scope import ReadOnlyAdmin, WorkspaceFilter


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """Conversations, message by message."""

    to_workspace = "lead__workspace_id"
    list_display = ("created_at", "lead", "role", "text_start", "status", "error_code")
    list_filter = (WorkspaceFilter, "role", "kind", "status")
    list_select_related = ("lead",)
    search_fields = ("twilio_sid__exact", "lead__phone__exact")
    search_help_text = _("A message's SID at Twilio, a lead's id or a phone number.")
    ordering = ("-created_at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by an id or by the lead's phone."""
        term = search_term.strip()
        return queryset.filter(Q(twilio_sid=term) | lead_matches(term)), False

    @admin.display(description=_("text"))
    def text_start(self, message: Message) -> str:
        """Show how it begins."""
        return Truncator(message.text).chars(80)


@admin.register(AgentTurn)
class AgentTurnAdmin(ReadOnlyAdmin):
    """The agent's replies: how each ended and what it cost."""

    to_workspace = "workspace_id"
    list_display = ("created_at", "lead", "state", "code", "input_tokens", "output_tokens", "cost_usd")
    list_filter = (WorkspaceFilter, "state")
    list_select_related = ("lead",)
    search_fields = ("lead__phone__exact",)
    search_help_text = _("A lead's id or a phone number.")
    ordering = ("-created_at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by the lead."""
        return queryset.filter(lead_matches(search_term.strip())), False
