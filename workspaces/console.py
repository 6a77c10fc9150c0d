"""What every operator's page stands in, and the address that leads into a workspace."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import Resolver404, URLPattern, path, resolve
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from database import clock
from workspaces import paths as _paths  # noqa: F401 - registers the converter
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.agent_settings import AgentForm
from workspaces.faults import dismiss_fault
from workspaces.models import Integration, Workspace
from workspaces.once import new_nonce, spend_nonce
from workspaces.secrets import SecretUnreadable
from workspaces.webhook_secrets import end_old_secret, roll_secret

# More than this are found through Django admin's own search.
SWITCHER_LIMIT = 20


def render_page(
    request: WorkspaceRequest, template: str, context: dict[str, Any], *, page: str, status: int = 200
) -> HttpResponse:
    """Render a page inside the workspace's frame; `page` is the name of its link in the navigation."""
    frame = {
        "workspace": request.workspace,
        "workspaces": Workspace.objects.visible_to(request.user).order_by("name")[:SWITCHER_LIMIT],
        "can_manage": request.user.is_superuser or request.role in MANAGERS,
        "page": page,
    }
    return render(request, template, context | frame, status=status)


@workspace_page()
def workspace_home(request: WorkspaceRequest) -> HttpResponse:
    """Send a member to where the work is."""
    return redirect("admin:lead-list", slug=request.workspace.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def edit_agent(request: WorkspaceRequest) -> HttpResponse:
    """Show what the agent is told and allowed, and change it."""
    # A copy of its own: what is refused must not show in the frame.
    own = Workspace.objects.get(pk=request.workspace.pk)
    suggested = import_string(settings.COUNTRIES_OF_LEADS)(own)
    form = AgentForm(request.POST or None, instance=own, suggested_countries=suggested)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved. It holds from the next contact on."))
        return redirect("admin:agent-settings", slug=request.workspace.slug)
    context = {"form": form, "sections": form.sections()}
    return render_page(request, "workspaces/agent.html", context, page="agent", status=400 if form.errors else 200)


@workspace_page(roles=MANAGERS)
def dismiss(request: WorkspaceRequest, provider: str) -> HttpResponse:
    """Take back a notice of a fault, because the manager says that it is mended; the next failure brings it back."""
    # A browser that brings back its tabs asks for the page that a form was answered with.
    if request.method == "POST":
        dismiss_fault(workspace_id=request.workspace.pk, provider=provider)
        messages.success(request, _("The notice is gone. It comes back if it fails again."))
    return redirect("admin:lead-list", slug=request.workspace.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
@sensitive_variables("secret")
def edit_webhook_secret(request: WorkspaceRequest) -> HttpResponse:
    """Say when the secret was rolled and by whom; answer Roll with the new one, once."""
    integration = _find_vapi(request)
    if request.method != "POST" or integration is None:
        return _show_secret(request)
    if "end" in request.POST:
        if end_old_secret(integration):
            messages.success(request, _("The old secret is no longer accepted."))
        return _back_to_secret(request)
    if not spend_nonce(request, request.POST.get("nonce", "")):
        messages.warning(request, _("That form had been sent before, so the secret was not rolled again."))
        return _back_to_secret(request)
    try:
        secret = roll_secret(integration, by_id=request.user.pk, now=clock.now())
    except SecretUnreadable:
        messages.error(request, _("The current secret can't be read: its encryption key is missing."))
        return _back_to_secret(request)
    if secret is None:
        messages.warning(request, _("Somebody else rolled the secret a moment ago."))
        return _back_to_secret(request)
    response = _show_secret(request, secret=secret)
    response.headers["Cache-Control"] = "no-store"
    return response


def _show_secret(request: WorkspaceRequest, **more: Any) -> HttpResponse:
    integration = _find_vapi(request)
    until = integration.old_secret_until if integration else None
    context = {
        "integration": integration,
        "overlaps": until is not None and until > clock.now(),
        "nonce": new_nonce(request),
    }
    return render_page(request, "workspaces/webhook_secret.html", context | more, page="webhook-secret")


def _find_vapi(request: WorkspaceRequest) -> Integration | None:
    """Find the workspace's Vapi integration. Its secrets are read when they are asked for."""
    rows = request.workspace.integrations.filter(provider=Integration.Provider.VAPI).select_related("secret_rolled_by")
    return rows.defer(*Integration.SECRETS).first()


def _back_to_secret(request: WorkspaceRequest) -> HttpResponse:
    return redirect("admin:webhook-secret", slug=request.workspace.slug)


def without_trailing_slash(request: HttpRequest, slug: str, page: str) -> HttpResponse:
    """Answer the other spelling of a page's address."""
    address = request.path_info.rstrip("/")
    try:
        found = resolve(address)
    except Resolver404 as error:
        raise Http404("No such page.") from error
    if "slug" not in found.kwargs or found.url_name == "workspace-other-spelling":
        raise Http404("No such page.")
    return HttpResponseRedirect(request.get_full_path().replace(f"{address}/", address, 1), preserve_request=True)


console_urls: list[URLPattern] = [
    path("<workspace:slug>/settings/agent", edit_agent, name="agent-settings"),
    path("<workspace:slug>/settings/webhook-secret", edit_webhook_secret, name="webhook-secret"),
    path("<workspace:slug>/faults/<slug:provider>/dismiss", dismiss, name="fault-dismiss"),
    path("<workspace:slug>/", workspace_home, name="workspace-home"),
    path("<workspace:slug>", workspace_home),
]
# After the pages of every app.
other_spellings: list[URLPattern] = [
    path("<workspace:slug>/<path:page>/", without_trailing_slash, name="workspace-other-spelling")
]
