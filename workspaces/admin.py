"""Django admin of workspaces, members and integrations."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from database import clock
from workspaces.access import MANAGERS, OWNERS, Role, roles_of
from workspaces.admin_integrations import CREDENTIALS, IntegrationForm, field_names
from workspaces.admin_scope import SUPERUSERS, ScopedAdmin, WorkspaceFilter
from workspaces.models import Integration, Membership, Workspace
from workspaces.slugs import SlugTaken, change_slug, check_free, claim_slug


class WorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A workspace's settings; its slug is free in the past of all the others, too."""

    class Meta:
        model = Workspace
        fields: ClassVar = ("slug",)
        help_texts: ClassVar = {
            "slug": _(
                "The address of the form and of these pages. After a change, links to the form under the old address "
                "are led on for 30 days; then they stop working."
            )
        }

    def clean_slug(self) -> str:
        """Refuse one that still leads to another workspace."""
        slug = str(self.cleaned_data["slug"])
        try:
            check_free(slug, workspace_id=self.instance.pk, now=clock.now())
        except SlugTaken as taken:
            raise forms.ValidationError(str(taken)) from taken
        return slug


@admin.register(Workspace)
class WorkspaceAdmin(ScopedAdmin):
    """Superusers make workspaces; owners and admins change their own."""

    form = WorkspaceForm
    to_workspace = "id"
    add_roles = SUPERUSERS
    change_roles = MANAGERS
    delete_roles = OWNERS

    list_display = ("name", "slug", "channel", "agent_enabled", "member_count", "created_at")
    list_filter = ("channel", "agent_enabled")
    search_fields = ("name", "slug")
    ordering = ("name",)
    readonly_fields = ("pages", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "slug", "channel", "agent_enabled", "pages")}),
        (_("The agent"), {"fields": ("agent_name", "persona", "offer", "pricing", "qualification_criteria")}),
        (_("Place"), {"fields": ("default_region", "timezone")}),
        (_("Calls"), {"fields": ("callers_become_leads",)}),
        (_("History"), {"fields": ("created_at", "updated_at")}),
    )
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count the members with the rows."""
        rows: QuerySet[Any] = super().get_queryset(request).annotate(members=Count("memberships"))
        return rows

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A workspace stays on its channel for life."""
        return (*self.readonly_fields, "channel") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse while there are leads: each must be erased at its provider as well, so they are deleted first."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not obj.leads.exists())

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the page again where somebody else was faster with the slug; nothing is saved then."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except SlugTaken as taken:
            self.message_user(request, str(taken), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Leave the old slug's links leading here for a while."""
        now = clock.now()
        if change and "slug" in form.changed_data:
            old = form.initial["slug"]
            until = change_slug(workspace_id=obj.pk, old=old, new=obj.slug, now=now)
            words = {"old": old, "until": date_format(until, "j F Y")}
            text = _("Links to /forms/%(old)s are led on until %(until)s. Change them before that day.") % words
            self.message_user(request, text, messages.WARNING)
        super().save_model(request, obj, form, change)
        if not change:
            claim_slug(obj.slug, workspace_id=obj.pk, now=now)

    @admin.display(description=_("members"), ordering="members")
    def member_count(self, workspace: Any) -> int:
        """Show how many work there."""
        return int(workspace.members)

    @admin.display(description=_("operator's pages"))
    def pages(self, workspace: Workspace) -> SafeString:
        """Link to the pages of the workspace."""
        if workspace._state.adding:
            return SafeString("–")
        address = reverse("admin:workspace-home", args=[workspace.slug])
        return format_html('<a href="{}">{}</a>', address, address)


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    """A member and their role; a workspace keeps an owner."""

    asking: ClassVar[HttpRequest]

    class Meta:
        model = Membership
        fields: ClassVar = ("workspace", "user", "role")

    def clean(self) -> dict[str, Any]:
        """Refuse to demote the last owner, and a role greater than the asking user's own."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        workspace = data.get("workspace") or getattr(self.instance, "workspace", None)
        if workspace is None or "role" not in data:
            return data
        own_role = roles_of(self.asking).get(workspace.pk)
        is_superuser = getattr(self.asking.user, "is_superuser", False)
        if data["role"] == Role.OWNER and not (is_superuser or own_role == Role.OWNER):
            self.add_error("role", _("Only an owner makes owners."))
        if not self.instance._state.adding and data["role"] != Role.OWNER and is_last_owner(self.instance):
            self.add_error("role", _("A workspace keeps at least one owner."))
        return data


def is_last_owner(membership: Membership) -> bool:
    """Say whether the workspace would be left without an owner. Inside a transaction it stays true until its end."""
    if transaction.get_connection().in_atomic_block:
        Workspace.objects.select_for_update().filter(pk=membership.workspace_id).first()
    owners = Membership.objects.filter(workspace_id=membership.workspace_id, role=Role.OWNER)
    stored_as_owner = owners.filter(pk=membership.pk).exists()
    return stored_as_owner and not owners.exclude(pk=membership.pk).exists()


@admin.register(Membership)
class MembershipAdmin(ScopedAdmin):
    """Owners and admins add and remove members of their workspaces; only owners change roles."""

    form = MembershipForm
    add_roles = MANAGERS
    change_roles = OWNERS
    delete_roles = MANAGERS

    list_display = ("user", "workspace", "role", "created_at")
    list_filter = (WorkspaceFilter, "role")
    list_select_related = ("user", "workspace")
    search_fields = ("user__username__istartswith", "user__email__istartswith")
    search_help_text = _("The beginning of a username or an email address.")
    autocomplete_fields = ("workspace", "user")
    ordering = ("workspace__name", "user__username")
    # One by one, so that each is asked about.
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The role changes; who it is and where stays."""
        return ("workspace", "user", "created_at") if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form who asks."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"asking": request})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep the last owner; owners are removed by owners."""
        if not super().has_delete_permission(request, obj):
            return False
        if obj is None or obj.role != Role.OWNER:
            return True
        return self.may(request, OWNERS, obj) and not is_last_owner(obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Look once more, now that nobody else can remove the other owner."""
        if is_last_owner(obj):
            raise PermissionDenied("A workspace keeps at least one owner.")
        super().delete_model(request, obj)


@admin.register(Integration)
class IntegrationAdmin(ScopedAdmin):
    """A workspace's accounts at providers. Their secrets are written here and never shown."""

    form = IntegrationForm
    add_roles = MANAGERS
    change_roles = MANAGERS
    delete_roles = MANAGERS

    list_display = ("provider", "workspace", "updated_at")
    list_display_links = ("provider",)
    list_filter = (WorkspaceFilter, "provider")
    list_select_related = ("workspace",)
    search_fields = ("workspace__name", "workspace__slug")
    autocomplete_fields = ("workspace",)

    class Media:
        js = ("js/integration.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the secrets where they are: a list must not fail because a key is missing."""
        return super().get_queryset(request).defer(*Integration.SECRETS)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Another provider is another integration."""
        return ("workspace", "provider", "created_at", "updated_at") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for one provider's credentials; before it is chosen, show them all."""
        head = (None, {"fields": ("workspace", "provider")})
        providers = [obj.provider] if obj else list(CREDENTIALS)
        credentials = [
            (
                Integration.Provider(provider).label,
                {
                    "fields": field_names(provider),
                    "classes": (f"credentials-{provider}",),
                    "description": _paste_at(provider),
                },
            )
            for provider in providers
        ]
        times = [(_("History"), {"fields": ("created_at", "updated_at")})] if obj else []
        return [head, *credentials, (_("Options"), {"fields": ("options",), "description": OPTIONS_HELP}), *times]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by the workspace or the provider's name."""
        found = Q(provider__istartswith=search_term)
        by_workspace, duplicates = super().get_search_results(request, queryset, search_term)
        return (by_workspace | queryset.filter(found) if search_term else by_workspace), duplicates


def _paste_at(provider: str) -> str:
    """Say what is to be entered at the provider itself, which waits for it there."""
    if provider != Integration.Provider.TWILIO:
        return ""
    words = _("Paste this at Twilio as the sender's webhook for incoming messages (POST):")
    return format_html("{} <code>{}{}</code>", words, settings.PUBLIC_BASE_URL, reverse("whatsapp-inbound"))


OPTIONS_HELP = _(
    'Not secret. Twilio: {"content_sid": "HX…", "content_variables": {"1": "first_name"}}. OpenAI: {"model": "…"}.'
)
