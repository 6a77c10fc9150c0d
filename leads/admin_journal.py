"""Django admin of the journal, from where a submission that was not kept can be sent again."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from database import clock
from leads.models import Lead
from workspaces.admin_scope import KnownValuesFilter, ReadOnlyAdmin, WorkspaceFilter, payload
from workspaces.journal import masked_text
from workspaces.models import Integration, LogEntry

# Each is a call to a provider, made while the page waits.
SEND_AT_MOST = 20


class ProviderFilter(KnownValuesFilter):
    """Whom the entry is about."""

    title = _("provider")
    parameter_name = "provider"
    values = (*Integration.Provider.choices, ("inngest", "Inngest"))


class SubmittedFilter(admin.SimpleListFilter):
    """Whether an entry's submission can be sent again, or its phone has come through since."""

    title = _("submission")
    parameter_name = "again"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer both."""
        return [("open", _("can be sent again")), ("closed", _("came through since"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the entries with a submission whose phone is no lead, or is one."""
        if self.value() not in {"open", "closed"}:
            return queryset
        return queryset.filter(submission__isnull=False, came_through=self.value() == "closed")


def with_came_through(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate `came_through`: the phone of an entry's submission is a lead of the workspace, of the same kind."""
    leads = Lead.objects.filter(workspace_id=OuterRef("workspace_id"), phone=OuterRef("submitted_phone"))
    is_test = Q(submission__is_test=True)
    came_through = (is_test & Exists(leads.filter(is_test=True))) | (~is_test & Exists(leads.filter(is_test=False)))
    annotated: QuerySet[Any] = rows.annotate(submitted_phone=KT("submission__phone")).annotate(
        came_through=ExpressionWrapper(came_through, output_field=BooleanField())
    )
    return annotated


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """What crossed the border with a provider, as the journal keeps it: masked."""

    list_display = (
        *("created_at", "workspace", "direction", "provider", "operation", "outcome", "submitted", "status_code"),
        *("duration_ms", "request_id"),
    )
    list_filter = (
        *(WorkspaceFilter, ProviderFilter, "outcome", "direction"),
        SubmittedFilter,
    )
    list_select_related = ("workspace",)
    search_fields = ("request_id__exact", "lead_id__exact")
    search_help_text = _("A request id or a lead's id.")
    readonly_fields = (
        *("created_at", "workspace", "direction", "provider", "operation", "outcome", "status_code", "duration_ms"),
        *("request_id", "lead_shown", "request_shown", "response_shown", "submission_shown"),
    )
    fields = readonly_fields
    ordering = ("-id",)
    actions = ("send_again",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by request id, or by the id of a lead."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(request_id=term)
        try:
            return found | queryset.filter(lead_id=UUID(term)), False
        except ValueError:
            return found, False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Say of each entry whether its phone has come through since."""
        return with_came_through(super().get_queryset(request))

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Whoever may read the journal may send from it."""
        return self.may(request, self.view_roles)

    @admin.action(description=_("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Submit once more what the journal kept, and say of each what became of it."""
        rows = list(queryset.order_by("id")[: SEND_AT_MOST + 1])
        if len(rows) > SEND_AT_MOST:
            text = _("At most %(number)d can be sent again at a time.") % {"number": SEND_AT_MOST}
            self.message_user(request, text, messages.ERROR)
            return
        for row in rows:
            level, text = _send(row)
            self.message_user(request, f"{row.created_at:%Y-%m-%d %H:%M:%S} {row.provider}: {text}", level)

    @admin.display(description=_("submission"))
    def submitted(self, row: Any) -> Any:
        """Say whether it holds a submission, and whether that is still to be sent."""
        if not row.submission:
            return "–"
        return _("came through since") if row.came_through else _("can be sent again")

    @admin.display(description=_("lead"))
    def lead_shown(self, row: LogEntry) -> SafeString:
        """Link to the lead, if there still is one."""
        if row.submission and (lead := find_lead_since(row)):
            link = reverse("admin:leads_lead_change", args=[lead.pk])
            return format_html('<a href="{}">{}</a>', link, _("The phone has come through since."))
        if row.lead_id is None or not Lead.objects.filter(pk=row.lead_id, workspace_id=row.workspace_id).exists():
            return format_html("{}", row.lead_id or "–")
        return format_html('<a href="{}">{}</a>', reverse("admin:leads_lead_change", args=[row.lead_id]), row.lead_id)

    @admin.display(description=_("request"))
    def request_shown(self, row: LogEntry) -> SafeString:
        """Show what was sent."""
        return payload(row.request)

    @admin.display(description=_("response"))
    def response_shown(self, row: LogEntry) -> SafeString:
        """Show what came back."""
        return payload(row.response)

    @admin.display(description=_("submission, not kept as a lead"))
    def submission_shown(self, row: LogEntry) -> SafeString:
        """Show what the customer had submitted, masked like the rest: it is stored as it came, to be sent again."""
        return payload(masked_text(row.submission) if row.submission else "")


def find_lead_since(row: LogEntry) -> Lead | None:
    """Find the lead that a refused submission's phone has become since."""
    submission: Any = row.submission
    kind = bool(submission.get("is_test"))
    same = Lead.objects.filter(workspace_id=row.workspace_id, phone=submission.get("phone"), is_test=kind)
    return same.first()


def _send(row: LogEntry) -> tuple[int, Any]:
    from leads.dispatch import NotSent, send_again
    from leads.intake import DuplicatePhone
    from providers.errors import ProviderError

    if not row.submission:
        return messages.WARNING, _("it holds no submission.")
    try:
        send_again(row, now=clock.now())
    except DuplicatePhone:
        return messages.WARNING, _("the phone has come in meanwhile; the lead is there.")
    except (NotSent, ProviderError):
        return messages.ERROR, _("refused again; the newest entry says why.")
    return messages.SUCCESS, _("sent.")
