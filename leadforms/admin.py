"""Django admin of forms: to be read. They are made, published and designed on the workspace's own pages."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from leadforms.models import ConsentText, FormVersion, HeldSubmission, LeadForm
from workspaces.admin_scope import ReadOnlyAdmin, WorkspaceFilter, payload


@admin.register(LeadForm)
class LeadFormAdmin(ReadOnlyAdmin):
    """The form of each workspace."""

    list_display = ("workspace", "published", "language", "daily_cap", "draft_revision", "draft_saved_at")
    list_filter = (WorkspaceFilter,)
    list_select_related = ("workspace", "published__form__workspace")
    ordering = ("workspace__name",)
    readonly_fields = (
        *("workspace", "page", "published", "language", "daily_cap", "embed_origins"),
        *("draft_revision", "draft_saved_at", "draft_saved_by", "draft_shown", "design_shown"),
    )
    fields = readonly_fields

    @admin.display(description=_("builder"))
    def page(self, form: LeadForm) -> SafeString:
        """Link to where it is edited."""
        address = reverse("admin:form-builder", args=[form.workspace.slug])
        return format_html('<a href="{}">{}</a>', address, address)

    @admin.display(description=_("draft"))
    def draft_shown(self, form: LeadForm) -> SafeString:
        """Show the document."""
        return payload(form.draft)

    @admin.display(description=_("design"))
    def design_shown(self, form: LeadForm) -> SafeString:
        """Show the document."""
        return payload(form.design)


@admin.register(FormVersion)
class FormVersionAdmin(ReadOnlyAdmin):
    """What was published, each as it was."""

    to_workspace = "form__workspace_id"
    list_display = ("number", "workspace", "published_at", "published_by", "consent_number")
    list_filter = (WorkspaceFilter,)
    list_select_related = ("form__workspace", "published_by", "consent_text")
    search_fields = ("pk__exact",)
    search_help_text = _("A version's id, as leads keep it.")
    ordering = ("-published_at",)
    readonly_fields = (
        *("id", "workspace", "number", "published_at", "published_by", "changes_shown", "consent_text"),
        "content_shown",
    )
    fields = readonly_fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by id."""
        if not search_term:
            return queryset, False
        try:
            return queryset.filter(pk=UUID(search_term.strip())), False
        except ValueError:
            return queryset.none(), False

    @admin.display(description=_("workspace"))
    def workspace(self, version: FormVersion) -> str:
        """Name the workspace."""
        return str(version.form.workspace)

    @admin.display(description=_("consent text"))
    def consent_number(self, version: FormVersion) -> int:
        """Name the wording by its number."""
        return version.consent_text.number

    @admin.display(description=_("changes"))
    def changes_shown(self, version: FormVersion) -> SafeString:
        """List what was new."""
        return format_html_join(SafeString("<br>"), "{}", ((change,) for change in version.changes or ["–"]))

    @admin.display(description=_("content"))
    def content_shown(self, version: FormVersion) -> SafeString:
        """Show the document."""
        return payload(version.content)


@admin.register(ConsentText)
class ConsentTextAdmin(ReadOnlyAdmin):
    """Each wording that people were asked to agree to."""

    list_display = ("number", "workspace", "start", "created_at", "created_by")
    list_filter = (WorkspaceFilter,)
    list_select_related = ("workspace", "created_by")
    ordering = ("-created_at",)

    @admin.display(description=_("text"))
    def start(self, text: ConsentText) -> str:
        """Show how it begins."""
        return Truncator(text.text).chars(80)


@admin.register(HeldSubmission)
class HeldSubmissionAdmin(ReadOnlyAdmin):
    """What was kept back from the form. It is released or discarded on the workspace's own page."""

    list_display = ("created_at", "workspace", "name", "phone", "reason", "released_at", "discarded_at")
    list_filter = (WorkspaceFilter, "reason")
    list_select_related = ("workspace",)
    search_fields = ("phone__startswith", "name__istartswith")
    search_help_text = _("The beginning of a phone number, as it is stored, or of a name.")
    readonly_fields = (
        *("id", "workspace", "page", "form_version", "reason", "name", "phone", "ip", "created_at"),
        *("released_at", "discarded_at", "decided_by", "lead_id", "submission_shown", "consent_shown"),
    )
    fields = readonly_fields

    @admin.display(description=_("release or discard"))
    def page(self, held: HeldSubmission) -> SafeString:
        """Link to where it is decided."""
        address = reverse("admin:form-held", args=[held.workspace.slug])
        return format_html('<a href="{}">{}</a>', address, address)

    @admin.display(description=_("submission"))
    def submission_shown(self, held: HeldSubmission) -> SafeString:
        """Show it as it came."""
        return payload(held.submission)

    @admin.display(description=_("consent"))
    def consent_shown(self, held: HeldSubmission) -> SafeString:
        """Show the evidence."""
        return payload(held.consent)
