"""The operator's list of phones that nobody may contact."""

import logging
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from database import clock
from leads import phone as phones
from leads import suppression
from leads.models import Suppression
from leads.search import matching_phone
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.console import render_page
from workspaces.models import Workspace

PAGE = "opt-outs"
SHOWN_AT_MOST = 200
MAX_REASON = 200
logger = logging.getLogger(__name__)


@require_safe
@workspace_page()
def list_opt_outs(request: WorkspaceRequest) -> HttpResponse:
    """Show the newest, or those that a phone is looked for by."""
    return _render(request, q=request.GET.get("q", "").replace("\x00", "").strip()[:32])


@workspace_page()
def add(request: WorkspaceRequest) -> HttpResponse:
    """Put a phone on the list."""
    if request.method != "POST":
        # A browser that brings back its tabs asks for the page that a form was answered with.
        return redirect("admin:opt-out-list", slug=request.workspace.slug)
    given = request.POST.get("phone", "")
    try:
        phone = phones.normalise(given, region=request.workspace.default_region)
    except phones.NotAPhoneNumber:
        return _render(
            request, given=given, problem=_("Enter a phone number with its country code, like +447123456789.")
        )
    new = suppression.suppress(
        workspace_id=request.workspace.pk,
        phone=phone,
        reason=Suppression.Reason.OPERATOR,
        now=clock.now(),
        by_id=request.user.pk,
    )
    messages.success(
        request,
        _("Nobody calls or writes to %(phone)s any more.") % {"phone": phone}
        if new
        else _("It is on the list already."),
    )
    return redirect("admin:opt-out-list", slug=request.workspace.slug)


@require_POST
@workspace_page()
def lift(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take a phone off the list."""
    row = Suppression.objects.filter(workspace=request.workspace, pk=pk).first()
    if row is not None:
        _lift(request, row)
    return redirect("admin:opt-out-list", slug=request.workspace.slug)


def _lift(request: WorkspaceRequest, row: Suppression) -> None:
    reason = " ".join(request.POST.get("reason", "").replace("\x00", "").split())[:MAX_REASON]
    if not row.phone:
        messages.error(request, _("The person was erased. Only they themselves can allow contact again."))
        return
    if row.is_own_word:
        if not may_lift_own_word(request):
            raise PermissionDenied("Owners and admins lift what a lead said itself.")
        if not reason:
            messages.error(
                request,
                _("The lead said stop itself. Enter why %(phone)s may be contacted again.") % {"phone": row.phone},
            )
            return
    suppression.lift(
        workspace_id=row.workspace_id, phone=row.phone, detail=reason, now=clock.now(), by_id=request.user.pk
    )
    logger.info(
        "opt-out lifted", extra={"workspace": str(row.workspace_id), "user": request.user.pk, "kind": row.reason}
    )
    messages.success(request, _("%(phone)s may be contacted again. No message is sent now.") % {"phone": row.phone})


def may_lift_own_word(request: WorkspaceRequest) -> bool:
    """Tell whether a member may lift what a lead said itself."""
    return request.user.is_superuser or request.role in MANAGERS


def _render(request: WorkspaceRequest, *, q: str = "", given: str = "", problem: str = "") -> HttpResponse:
    rows = Suppression.objects.filter(workspace=request.workspace).select_related("created_by")
    if q:
        rows = rows.filter(_matching(q, workspace=request.workspace))
    context: dict[str, Any] = {
        "rows": list(rows[:SHOWN_AT_MOST]),
        "at_most": SHOWN_AT_MOST,
        "q": q,
        "may_lift_own_word": may_lift_own_word(request),
        "given": given,
        "problem": problem,
    }
    return render_page(request, "leads/opt_outs.html", context, page=PAGE, status=400 if problem else 200)


def _matching(q: str, *, workspace: Workspace) -> Q:
    """Match by a part of a phone; by a whole one also where its owner was erased."""
    region = workspace.default_region
    found = matching_phone(q, region=region) or Q(pk__in=[])
    with suppress(phones.NotAPhoneNumber):
        found |= Q(phone_digest=suppression.phone_digest(workspace.pk, phones.normalise(q, region=region)))
    return found


urls: list[URLPattern] = [
    path("<workspace:slug>/settings/opt-outs", list_opt_outs, name="opt-out-list"),
    path("<workspace:slug>/settings/opt-outs/add", add, name="opt-out-add"),
    path("<workspace:slug>/settings/opt-outs/<int:pk>/lift", lift, name="opt-out-lift"),
]
