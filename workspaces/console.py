"""What every operator's page stands in, and the address that leads into a workspace."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import Resolver404, URLPattern, path, resolve, reverse

from workspaces import paths as _paths  # noqa: F401 - registers the converter
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.models import Workspace

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
    """Send a member to the first page their role opens."""
    user: Any = request.user
    if user.is_superuser or request.role in MANAGERS:
        return redirect("admin:api-key-list", slug=request.workspace.slug)
    if user.is_staff:
        return redirect(f"{reverse('admin:leads_lead_changelist')}?workspace={request.workspace.pk}")
    return redirect("admin:form-held", slug=request.workspace.slug)


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
    path("<workspace:slug>/", workspace_home, name="workspace-home"),
    path("<workspace:slug>", workspace_home),
]
# After the pages of every app.
other_spellings: list[URLPattern] = [
    path("<workspace:slug>/<path:page>/", without_trailing_slash, name="workspace-other-spelling")
]
