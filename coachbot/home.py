"""The front door: every visitor is sent on to where they belong."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from workspaces.models import Workspace


@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """Send a user to their first workspace, a visitor to the login."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    workspace = Workspace.objects.visible_to(request.user).order_by("name").first()
    if workspace is None:
        return render(request, "console/no_workspace.html")
    return redirect("admin:workspace-home", slug=workspace.slug)
