"""The operator's design page: looks, texts, what comes after sending, language, embedding. What is saved, works."""

from typing import BinaryIO, cast

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from database import clock
from leadforms.design import read_design
from leadforms.design_forms import COLORS, DesignForm, values_of
from leadforms.embedding import snippets_for
from leadforms.logos import LogoBusyError, LogoError, delete_logo, draw_logo, find_logo, save_logo
from leadforms.models import LeadForm
from leadforms.publishing import find_form
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.console import render_page

PAGE = "design"


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def edit_design(request: WorkspaceRequest) -> HttpResponse:
    """Show the design; save what was chosen, unless it can't be read or somebody else saved meanwhile."""
    stored = find_form(request.workspace, now=clock.now())
    before = values_of(stored, read_design(stored.design))
    if request.method != "POST":
        return _show(request, stored, DesignForm(initial=before))
    form = DesignForm(_with_offer(request.POST), initial=before)
    if not form.is_valid():
        return _show(request, stored, form)
    if not _save(stored, form):
        return _show_stale(request, form)
    messages.success(request, _("Saved. Visitors see it from now on."))
    return _back(request)


@require_http_methods(["POST"])
@workspace_page(roles=MANAGERS)
def change_logo(request: WorkspaceRequest) -> HttpResponse:
    """Put an uploaded picture in the logo's place, or take the logo away. Either is seen at once."""
    now = clock.now()
    stored = find_form(request.workspace, now=now)
    if "delete" in request.POST:
        if delete_logo(stored):
            messages.success(request, _("The logo is gone. Visitors see the workspace's name in its place."))
        return _back(request)
    upload = request.FILES.get("logo")
    try:
        if upload is None:
            raise LogoError(_("Choose a picture first."))
        save_logo(stored, draw_logo(cast(BinaryIO, upload), size=upload.size or 0), now=now)
    except LogoError as error:
        form = DesignForm(initial=values_of(stored, read_design(stored.design)))
        busy = isinstance(error, LogoBusyError)
        answer = _show(request, stored, form, logo_problem=str(error), status=503 if busy else 200)
        if busy:
            answer.headers["Retry-After"] = "5"
        return answer
    messages.success(request, _("The logo is saved. Visitors see it from now on."))
    return _back(request)


def _save(stored: LeadForm, form: DesignForm) -> bool:
    """Write what was chosen. False: somebody saved since the page was opened, and nothing is written."""
    as_opened = LeadForm.objects.filter(pk=stored.pk, design_revision=form.cleaned_data["revision"])
    return as_opened.update(**form.stored(), design_revision=F("design_revision") + 1) == 1


def _show_stale(request: WorkspaceRequest, form: DesignForm) -> HttpResponse:
    """Keep what was typed, say what the other one saved, and let the next save decide."""
    stored = request.workspace.lead_form
    stored.refresh_from_db()
    theirs = values_of(stored, read_design(stored.design))
    mine = values_of(LeadForm(**form.stored(), design_revision=stored.design_revision), form.design())
    shown = DesignForm(mine, initial=theirs)
    shown.is_valid()
    differing = [
        (str(shown[name].label), _in_words(shown, name)) for name in shown.fields if mine[name] != theirs[name]
    ]
    return _show(request, stored, shown, differing=differing, status=409)


def _show(
    request: WorkspaceRequest,
    stored: LeadForm,
    form: DesignForm,
    *,
    differing: list[tuple[str, str]] | None = None,
    logo_problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "readouts": form.readouts(),
        "colors": [form[name] for name in COLORS],
        "logo": find_logo(stored),
        "logo_problem": logo_problem,
        "stale": differing is not None,
        "differing": differing or [],
        "snippets": snippets_for(request.workspace),
        "origins": stored.embed_origins,
        "published": stored.published_id is not None,
    }
    return render_page(request, "leadforms/design.html", context, page=PAGE, status=status)


def _in_words(form: DesignForm, name: str) -> str:
    """Say what a field starts with as its page says it."""
    value = form.initial[name]
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(dict(getattr(form.fields[name], "choices", ())).get(value, value))


def _with_offer(data: QueryDict) -> QueryDict:
    """Put an offered colour in its place: `use` is "field:#rrggbb", from a button that needs no script."""
    field, _colon, color = data.get("use", "").partition(":")
    if field not in COLORS:
        return data
    changed = data.copy()
    changed[field] = color
    return changed


def _back(request: WorkspaceRequest) -> HttpResponse:
    return redirect("admin:form-design", slug=request.workspace.slug)
