"""Who may do what in a workspace."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from workspaces.models import Membership, Workspace

Role = Membership.Role
MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
EVERYONE = frozenset(Role)


class WorkspaceRequest(HttpRequest):
    """A request inside a workspace; `role` is None for a superuser who is no member."""

    workspace: Workspace
    role: Membership.Role | None


def role_in(workspace: Workspace, user: AbstractBaseUser | AnonymousUser) -> Membership.Role | None:
    """Find a user's role, None for who is no member."""
    found = Membership.objects.filter(workspace=workspace, user_id=user.pk).values_list("role", flat=True).first()
    return Role(found) if found else None


def workspace_page(*, roles: frozenset[Membership.Role] = EVERYONE) -> Callable[..., Callable[..., HttpResponse]]:
    """Guard a view of /admin/<slug>/…: it gets a WorkspaceRequest, and its roles alone (and superusers) come in.

    Who is signed out goes to the login; who is no member gets a 404, as if there were no such workspace;
    a member whose role is too small gets a 403.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: Any, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            if not (request.user.is_authenticated and request.user.is_active):
                return redirect_to_login(request.get_full_path())
            workspace = Workspace.objects.visible_to(request.user).filter(slug=slug).first()
            if workspace is None:
                raise Http404("No such workspace.")
            role = role_in(workspace, request.user)
            if role not in roles and not request.user.is_superuser:
                raise PermissionDenied("Your role does not open this page.")
            request.workspace, request.role = workspace, role
            return view(request, *args, **kwargs)

        return guarded

    return decorate
