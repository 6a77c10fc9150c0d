"""Django admin of leads and dispatches."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from database import clock
from leads import admin_journal as _journal  # noqa: F401 - registers the journal
from leads.console_lead import as_uuid
from leads.erasure import erase_leads
from leads.export import find_consent, stream_csv
from leads.models import Dispatch, Lead
from leads.phone import NotAPhoneNumber, clean, normalise
from leads.status import change_status
from leads.wording import answers_in_words
from workspaces.access import EVERYONE, MANAGERS
from workspaces.admin_scope import KnownValuesFilter, ReadOnlyAdmin, ScopedAdmin, WorkspaceFilter, payload
from workspaces.models import Channel, LogEntry

DELETE_AT_MOST = 500


@admin.register(Lead)
class LeadAdmin(ScopedAdmin):
    """Everybody in a workspace works its leads; owners and admins delete them. They are made by the API alone."""

    view_roles = EVERYONE
    change_roles = EVERYONE
    delete_roles = MANAGERS

    list_display = ("name", "phone", "email", "workspace", "status", "source", "is_test", "created_at")
    list_filter = (WorkspaceFilter, "status", "source", "channel", "is_test")
    list_select_related = ("workspace",)
    search_fields = ("phone", "email", "name")
    search_help_text = _("A phone number, an email address or a name, or the beginning of one; or a lead's id.")
    readonly_fields = (
        *("id", "workspace", "phone", "channel", "source", "is_test", "metadata_shown", "answers_shown"),
        *("consent_shown", "booking_uid", "booking_start", "created_at", "updated_at", "first_contact"),
    )
    fieldsets = (
        (None, {"fields": ("name", "phone", "email", "goal", "status", "first_contact", "qualification_notes")}),
        (_("What it came with"), {"fields": ("answers_shown", "metadata_shown")}),
        (_("Consent"), {"fields": ("consent_shown",)}),
        (_("Booking"), {"fields": ("booking_uid", "booking_start")}),
        (
            _("Record"),
            {"fields": ("id", "workspace", "channel", "source", "is_test", "created_at", "updated_at")},
        ),
    )
    actions = ("export_csv", "delete_selected")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by what an index can answer: the whole phone, an id, or how a name or an address begins."""
        return queryset.filter(_matches(search_term.strip())), False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write only what was changed: the agent may be writing to the same lead. The status leaves its line."""
        obj.updated_at = clock.now()
        obj.save(update_fields=[*(name for name in form.changed_data if name != "status"), "updated_at"])
        if "status" in form.changed_data:
            change_status(obj.pk, obj.status, now=obj.updated_at, frm=Lead.Status.values, by_id=request.user.pk)

    def count_what_goes(self, rows: Any) -> dict[str, int]:
        """Count the journal's entries too, which no foreign key holds."""
        journal = _count_journal(list(rows))
        counts = super().count_what_goes(rows)
        return counts | ({str(LogEntry._meta.verbose_name_plural): journal} if journal else {})

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Erase the lead with all its traces."""
        erase_leads(Lead.objects.filter(pk=obj.pk), now=clock.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Erase leads with all their traces."""
        erase_leads(Lead.objects.filter(pk__in=[lead.pk for lead in queryset]), now=clock.now())

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may read leads may take them along."""
        return self.may(request, self.view_roles)

    @admin.action(description=_("Export as CSV"), permissions=["export"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> StreamingHttpResponse:
        """Download the selected leads; with "select all", exactly what is filtered."""
        name = f"leads-{clock.now():%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(stream_csv(queryset), content_type="text/csv; charset=utf-8", headers=headers)

    @admin.action(description=_("Delete selected leads"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Ask, with what goes along; not for more at a time than one page can confirm."""
        if len(queryset.values_list("pk")[: DELETE_AT_MOST + 1]) > DELETE_AT_MOST:
            text = _("At most %(number)d leads can be deleted at a time.") % {"number": DELETE_AT_MOST}
            self.message_user(request, text, messages.ERROR)
            return None
        return delete_selected(self, request, queryset)

    @admin.display(description=_("first contact"))
    def first_contact(self, lead: Lead) -> str:
        """Say what became of the newest promise to contact the lead, why, and what is left to do."""
        dispatch = lead.dispatches.order_by("-created_at").first()
        if dispatch is None:
            return "–"
        words = [dispatch.get_status_display(), dispatch.reason, str(_TO_DO.get(dispatch.status, ""))]
        return " – ".join(word for word in words if word)

    @admin.display(description=_("metadata"))
    def metadata_shown(self, lead: Lead) -> SafeString:
        """Show it as it came."""
        return payload(lead.metadata)

    @admin.display(description=_("answers"))
    def answers_shown(self, lead: Lead) -> SafeString:
        """Show them in the words of the form at the time."""
        return facts(answers_in_words(lead))

    @admin.display(description=_("given by the lead"))
    def consent_shown(self, lead: Lead) -> SafeString:
        """Show the evidence: what stood beside the box, when it was ticked, and where."""
        consent = find_consent(lead)
        if consent is None:
            return format_html("{}", _("Stated by the system that sent the lead; no text of ours was shown."))
        return facts(
            [
                (_("Text"), consent.text),
                (_("Version"), consent.version),
                (_("Given at"), f"{consent.given_at:%Y-%m-%d %H:%M:%S} UTC"),
                (_("IP address"), consent.ip or "–"),
                (_("Browser"), consent.user_agent or "–"),
                (_("Page"), consent.page_url or "–"),
                (_("In a frame on"), consent.embedded_by or "–"),
            ]
        )


def facts(pairs: Iterable[tuple[Any, Any]]) -> SafeString:
    """Show names and values as a table."""
    rows = format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', pairs)
    return format_html('<table class="facts"><tbody>{}</tbody></table>', rows) if rows else SafeString("–")


_TO_DO: dict[str, Any] = {
    Dispatch.Status.FAILED.value: _(
        "It is not tried again: get in touch with this person yourself, and mend the cause for those who come next."
    ),
    Dispatch.Status.SKIPPED.value: _("Nobody was contacted: get in touch with this person yourself."),
}


def _count_journal(leads: list[Lead]) -> int:
    """Count the entries that leads.erasure deletes: those of the leads, and those that hold a phone's submission."""
    own = [lead.pk for lead in leads]
    phones: defaultdict[tuple[UUID, bool], list[str]] = defaultdict(list)
    for lead in leads:
        phones[lead.workspace_id, lead.is_test].append(lead.phone)
    count = LogEntry.objects.filter(lead_id__in=own).count()
    for (workspace_id, is_test), numbers in phones.items():
        refused = LogEntry.objects.filter(workspace_id=workspace_id, submission__isnull=False)
        refused = refused.filter(submission__phone__in=numbers, submission__is_test=is_test)
        count += refused.exclude(lead_id__in=own).count()
    return count


def _matches(term: str) -> Q:
    if not term:
        return Q()
    if lead_id := as_uuid(term):
        return Q(pk=lead_id)
    if "@" in term:
        return Q(email__in=(term, term.lower())) | Q(email__startswith=term)
    found = Q(name__istartswith=term)
    digits = "".join(filter(str.isdecimal, clean(term)))
    if len(digits) >= 3:
        found |= Q(phone__startswith=f"+{digits.removeprefix('00')}")
        with suppress(NotAPhoneNumber):
            found |= Q(phone=normalise(term))
    return found


class ChannelFilter(KnownValuesFilter):
    """How the lead is contacted."""

    title = _("channel")
    parameter_name = "channel"
    values = Channel.choices


class OfLeadAdmin(ReadOnlyAdmin):
    """What hangs on leads: searched by an id of its own, by the lead's id or phone, or by how its name begins."""

    to_workspace = "lead__workspace_id"
    list_select_related: ClassVar[tuple[str, ...]] = ("lead",)
    # The column of its own id; "" where nobody looks for one.
    own_id = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by what the help text says."""
        term = search_term.strip()
        found = _matches_lead(term)
        if self.own_id:
            found |= Q(**{self.own_id: as_uuid(term) if self.own_id == "pk" else term})
        return queryset.filter(found), False


@admin.register(Dispatch)
class DispatchAdmin(OfLeadAdmin):
    """What became of each promise to contact a lead."""

    to_workspace = "workspace_id"
    own_id = "pk"
    list_display = ("id", "lead", "workspace", "channel", "status", "reason", "attempts", "due_at", "finished_at")
    list_filter = (WorkspaceFilter, "status", ChannelFilter)
    list_select_related = ("lead", "workspace")
    search_fields = ("pk__exact", "lead__phone__exact")
    search_help_text = _("A dispatch's id, a lead's id or a phone number.")


def _matches_lead(term: str) -> Q:
    if lead_id := as_uuid(term):
        return Q(lead_id=lead_id)
    try:
        return Q(lead__phone=normalise(term))
    except NotAPhoneNumber:
        return Q(lead__name__istartswith=term)
