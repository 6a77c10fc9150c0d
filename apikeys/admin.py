"""Django admin of API keys: made here too, shown once, ended by revoking."""

import re
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apikeys.console import curl_line, describe_state
from apikeys.models import ApiKey, IssuedKey
from database import clock
from workspaces.access import MANAGERS
from workspaces.admin_scope import NOBODY, ScopedAdmin, WorkspaceFilter
from workspaces.once import new_nonce, spend_nonce

# ck_live_934731eb…, or the whole key.
_AS_SHOWN = re.compile(r"(?=ck_|.*…)(?:ck_(?:live|test)_)?([0-9a-f]{1,8})[0-9a-f]*…?", re.IGNORECASE)
TERMS = ("workspace", "name", "mode", "expires_at", "limit_per_minute", "limit_per_hour")


class NewKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The terms of a new key, sent once."""

    asking: ClassVar[HttpRequest]
    nonce = forms.CharField(required=False, widget=forms.HiddenInput)
    expires_at = forms.DateTimeField(
        label=_("Expires at (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Empty: it never expires."),
    )

    class Meta:
        model = ApiKey
        fields: ClassVar = TERMS

    def clean_expires_at(self) -> Any:
        """Refuse a key that is dead at birth."""
        moment = self.cleaned_data["expires_at"]
        if moment is not None and moment <= clock.now():
            raise forms.ValidationError(_("That moment is over already."))
        return moment

    def clean(self) -> dict[str, Any]:
        """Refuse a page that is reloaded: it would make a second key."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not spend_nonce(self.asking, data.get("nonce", "")):
            raise forms.ValidationError(
                _("This form had been sent before, so no second key was made. To make another, open it anew.")
            )
        return data


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """Owners and admins make and revoke keys of their workspaces. A key's hash is shown to nobody."""

    add_roles = MANAGERS
    change_roles = MANAGERS
    # Revoking keeps the trace of who had access.
    delete_roles = NOBODY

    list_display = ("name", "workspace", "shown_prefix", "mode", "created_by", "last_used_at", "state_now")
    list_filter = (WorkspaceFilter, "mode", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("workspace", "created_by")
    search_fields = ("name", "prefix__startswith")
    search_help_text = _("A name, or the beginning of a key.")
    autocomplete_fields = ("workspace",)
    actions = ("revoke_selected",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find a key as it is shown, too. Of a whole key only the prefix is looked at."""
        shown = _AS_SHOWN.fullmatch(search_term.strip())
        if shown is None:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(prefix__startswith=shown[1].lower()), False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the terms; afterwards show everything but the hash."""
        if obj is None:
            return (*TERMS, "nonce")
        rest = ("created_by", "created_at", "last_used_at", "revoked_at", "pages")
        return ("workspace", "name", "shown_prefix", "mode", "expires_at", "limit_per_minute", "limit_per_hour", *rest)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The name and the limits may change; what the holder relies on stays."""
        if obj is None:
            return ()
        return tuple(name for name in self.get_fields(request, obj) if name not in EDITABLE)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form of a new key who asks."""
        if obj is not None:
            return super().get_form(request, obj, change=change, **kwargs)
        form = super().get_form(request, obj, change=change, **(kwargs | {"form": NewKeyForm}))
        return type(form.__name__, (form,), {"asking": request})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Let each form that is shown be sent once."""
        return {**super().get_changeform_initial_data(request), "nonce": new_nonce(request)}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse to be asked about the hash, letter by letter."""
        return not lookup.startswith("token_hash") and super().lookup_allowed(lookup, value, request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Issue a new key; of an old one write only what was changed, so that a revocation meanwhile stays."""
        if change:
            if form.changed_data:
                obj.save(update_fields=form.changed_data)
            return
        terms = {name: form.cleaned_data[name] for name in TERMS}
        issued = ApiKey.objects.issue(created_by_id=request.user.pk, **terms)
        obj.pk, obj.prefix = issued.key.pk, issued.key.prefix
        obj._state.adding = False
        request._issued_key = issued  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the key in this answer, and in no other."""
        issued: IssuedKey = request._issued_key  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": issued.key.name,
            "opts": self.opts,
            "key": issued.key,
            "plaintext": issued.plaintext,
            "curl": curl_line(issued.plaintext),
        }
        response = TemplateResponse(request, "admin/apikeys/apikey/issued.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    @admin.action(description=_("Revoke selected keys"), permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End keys at once."""
        now = clock.now()
        ended = sum(key.revoke(at=now) for key in queryset)
        text = ngettext("%d key is revoked.", "%d keys are revoked.", ended) % ended
        self.message_user(request, text, messages.SUCCESS if ended else messages.INFO)

    @admin.display(description=_("prefix"), ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        """Show what may be shown."""
        return key.shown

    @admin.display(description=_("state"))
    def state_now(self, key: ApiKey) -> str:
        """Say whether it works."""
        return str(describe_state(key, now=clock.now())["label"])

    @admin.display(description=_("roll or revoke"))
    def pages(self, key: ApiKey) -> SafeString:
        """Link to the page where it is rolled and revoked."""
        address = reverse("admin:api-key-list", args=[key.workspace.slug])
        return format_html('<a href="{}">{}</a>', address, address)


EDITABLE = frozenset({"name", "limit_per_minute", "limit_per_hour"})
