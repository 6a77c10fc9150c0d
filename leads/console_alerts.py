"""A member's own page: whether they are told by e-mail, and who else is."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from workspaces.access import WorkspaceRequest, workspace_page
from workspaces.console import render_page
from workspaces.models import Membership

PAGE = "alerts"
SHOWN_AT_MOST = 100


class AlertsForm(forms.Form):
    """Where to, and whether at all."""

    email = forms.EmailField(
        label=gettext_lazy("Your e-mail address"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "email"}),
    )
    email_alerts = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """Want an address of who wants mail."""
        data = super().clean() or {}
        if data.get("email_alerts") and not data.get("email") and "email" not in self.errors:
            self.add_error("email", _("Enter the address that the mails shall go to."))
        return data


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page()
def edit_alerts(request: WorkspaceRequest) -> HttpResponse:
    """Show who is told, and let a member change it for themselves."""
    members = Membership.objects.filter(workspace=request.workspace).select_related("user")
    user: Any = request.user
    own = members.filter(user_id=user.pk).first()
    form = None
    if own is not None:
        initial = {"email": own.user.email, "email_alerts": own.email_alerts}
        form = AlertsForm(request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST" and form.is_valid():
            _save(own, form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("admin:alerts", slug=request.workspace.slug)
    context = {
        "form": form,
        "members": members.filter(user__is_active=True).order_by("user__username")[:SHOWN_AT_MOST],
        "sends_email": settings.SENDS_EMAIL,
    }
    status = 400 if form is not None and form.errors else 200
    return render_page(request, "leads/alerts.html", context, page=PAGE, status=status)


def _save(own: Membership, data: dict[str, Any]) -> None:
    own.email_alerts = data["email_alerts"]
    own.save(update_fields=["email_alerts"])
    own.user.email = data["email"]
    own.user.save(update_fields=["email"])


urls: list[URLPattern] = [path("<workspace:slug>/settings/alerts", edit_alerts, name="alerts")]
