"""The operator's pages of what was published: its history, a version, restoring one, taking the form off."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from database import clock
from leadforms import publishing
from leadforms.builder import PAGE, REPLACED, name_of, show_preview
from leadforms.changes import describe_changes
from leadforms.content import read_content
from leadforms.models import FormVersion, LeadForm
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.console import render_page

SHOWN_AT_MOST = 200


def _find(request: WorkspaceRequest, number: int) -> tuple[LeadForm, FormVersion]:
    form = publishing.find_form(request.workspace, now=clock.now())
    version = form.versions.select_related("published_by").filter(number=number).first()
    if version is None:
        raise Http404("No such version.")
    return form, version


@require_safe
@workspace_page(roles=MANAGERS)
def list_versions(request: WorkspaceRequest) -> HttpResponse:
    """Show what was published, the latest first."""
    form = publishing.find_form(request.workspace, now=clock.now())
    versions = form.versions.select_related("published_by").defer("content")[:SHOWN_AT_MOST]
    rows = [
        {"version": each, "by": name_of(each.published_by), "is_live": each.pk == form.published_id}
        for each in versions
    ]
    return render_page(request, "leadforms/history.html", {"rows": rows, "form": form}, page=PAGE)


@require_safe
@workspace_page(roles=MANAGERS)
def show_version(request: WorkspaceRequest, number: int) -> HttpResponse:
    """Show a version as visitors saw it."""
    form, version = _find(request, number)
    context = {"version": version, "by": name_of(version.published_by), "is_live": version.pk == form.published_id}
    return render_page(request, "leadforms/version.html", context, page=PAGE)


@require_safe
@workspace_page(roles=MANAGERS)
def preview_version(request: WorkspaceRequest, number: int) -> HttpResponse:
    """Render a version, for the frame of its page."""
    form, version = _find(request, number)
    return show_preview(request, form, read_content(version.content))


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def restore_version(request: WorkspaceRequest, number: int) -> HttpResponse:
    """Ask whether a version shall become the draft, saying what the draft would lose; then do it."""
    form, version = _find(request, number)
    problem = ""
    if request.method == "POST":
        replaced = form.draft
        try:
            publishing.restore(form, version, revision=_revision(request), by_id=request.user.pk, now=clock.now())
        except publishing.StaleDraft as error:
            problem = _("%(name)s saved the draft meanwhile. Look at what would be lost now.") % {
                "name": error.saved_by or name_of(None)
            }
            form.refresh_from_db()
        else:
            request.session[REPLACED] = replaced
            messages.success(request, _("Version %(number)d is your draft now.") % {"number": number})
            return redirect("admin:form-builder", slug=request.workspace.slug)
    return render_page(request, "leadforms/restore.html", _losses(form, version) | {"problem": problem}, page=PAGE)


def _revision(request: WorkspaceRequest) -> int:
    revision = request.POST.get("revision", "")
    return int(revision) if revision.isdecimal() and len(revision) < 10 else 0


def _losses(form: LeadForm, version: FormVersion) -> dict[str, Any]:
    draft, content = read_content(form.draft), read_content(version.content)
    latest = form.versions.first()
    return {
        "form": form,
        "version": version,
        "by": name_of(version.published_by),
        "unpublished": latest is None or read_content(latest.content) != draft,
        "changes": describe_changes(draft, content),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def unpublish_form(request: WorkspaceRequest) -> HttpResponse:
    """Ask whether it is meant; then take the form off its address."""
    form = publishing.find_form(request.workspace, now=clock.now())
    if request.method != "POST":
        return render_page(request, "leadforms/unpublish.html", {"form": form}, page=PAGE)
    publishing.unpublish(form)
    messages.success(request, _("The form is no longer published. Its address says so to visitors."))
    return redirect("admin:form-builder", slug=request.workspace.slug)
