"""Who may do what in a workspace."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from workspaces.models import Membership, Workspace

Role = Membership.Role
OWNERS = frozenset({Role.OWNER})
MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
EVERYONE = frozenset(Role)


class WorkspaceRequest(HttpRequest):
    """A request inside a workspace; `role` is None for a superuser who is no member."""

    workspace: Workspace
    role: Membership.Role | None


def role_in(workspace: Workspace, user: Any) -> Membership.Role | None:
    """Find a user's role, None for who is no member."""
    found = Membership.objects.filter(workspace=workspace, user_id=user.pk).values_list("role", flat=True).first()
    return Role(found) if found else None


def roles_of(request: HttpRequest) -> dict[UUID, Membership.Role]:
    """Return the role of the request's user in each of their workspaces, asked once a request."""
    known: dict[UUID, Membership.Role] | None = getattr(request, "_roles_of_user", None)
    if not request.user.is_authenticated:
        return {}
    if known is None:
        rows = Membership.objects.filter(user_id=request.user.pk).values_list("workspace_id", "role")
        known = {workspace_id: Role(role) for workspace_id, role in rows}
        request._roles_of_user = known  # type: ignore[attr-defined]
    return known


def workspaces_with(request: HttpRequest, roles: frozenset[Membership.Role]) -> list[UUID]:
    """Name the workspaces in which the request's user has one of the roles."""
    return [workspace_id for workspace_id, role in roles_of(request).items() if role in roles]


def workspace_page(*, roles: frozenset[Membership.Role] = EVERYONE) -> Callable[..., Callable[..., HttpResponse]]:
    """Guard a view of /admin/<slug>/…: it gets a WorkspaceRequest, and its roles alone (and superusers) come in.

    Who is signed out goes to the login; who is no member gets a 404, as if there were no such workspace;
    a member whose role is too small gets a 403. No answer is kept by a cache.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: Any, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            if not (request.user.is_authenticated and request.user.is_active):
                return redirect_to_login(_page_of(request))
            workspace = Workspace.objects.visible_to(request.user).filter(slug=slug).first()
            if workspace is None:
                raise Http404("No such workspace.")
            role = role_in(workspace, request.user)
            if role not in roles and not request.user.is_superuser:
                raise PermissionDenied("Your role does not open this page.")
            request.workspace, request.role = workspace, role
            return view(request, *args, **kwargs)

        return never_cache(guarded)

    return decorate


def _page_of(request: HttpRequest) -> str:
    """Return the page to go on with: the one that was asked for, or whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    sent_from = urlsplit(request.headers.get("Referer", ""))
    if sent_from.netloc != request.get_host():
        return "/"
    return f"{sent_from.path}?{sent_from.query}" if sent_from.query else sent_from.path
