"""The operator's pages of leads: the list, one lead, and what can be done about them."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from database import clock
from leads import console_alerts, console_lead, console_opt_outs
from leads.erasure import erase_leads
from leads.export import stream_csv
from leads.listing import SORTS, read_filter, read_page
from leads.models import Lead, LeadQuerySet
from leads.planned import planned_at
from leads.status import change_status
from leads.suppression import opted_out_of
from leads.unreached import LABEL as NO_ANSWER_LABEL
from leads.unreached import NO_ANSWER, unreached_of
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.console import render_page
from workspaces.models import Channel

PAGE = "leads"


@require_safe
@workspace_page()
def list_leads(request: WorkspaceRequest) -> HttpResponse:
    """Show the leads that the address asks for."""
    chosen = read_filter(request.GET)
    leads = chosen.apply(_leads(request), workspace=request.workspace)
    place = _place(request)
    page = read_page(leads, sort=chosen.sort, **place)
    channel = request.workspace.channel
    planned = planned_at(page.leads, workspace=request.workspace, now=clock.now())
    unreached = unreached_of(page.leads, channel=channel)
    opted_out = opted_out_of(page.leads, workspace=request.workspace)
    context = {
        "rows": [
            {
                "lead": lead,
                "look": console_lead.LOOKS[Lead.Status(lead.status)],
                "planned_at": planned.get(lead.pk),
                "opted_out": lead.pk in opted_out,
                "unreached": lead.pk in unreached and lead.pk not in planned,
            }
            for lead in page.leads
        ],
        "chosen": chosen,
        "statuses": Lead.Status.choices,
        "standings": [(value, label, value in chosen.statuses) for value, label in _standings(channel)],
        "sources": [(value, label, value in chosen.sources) for value, label in Lead.Source.choices],
        "kinds": [("", _("All leads")), ("live", _("Live leads")), ("test", _("Test leads"))],
        "sorts": list(zip(SORTS, (_("Newest first"), _("Oldest first")), strict=True)),
        "before": chosen.query(before=page.before) if page.before else "",
        "after": chosen.query(after=page.after) if page.after else "",
        "everything": not page.leads and not chosen.is_set and not _leads(request).exists(),
        "may_delete": may_delete(request),
        "query": chosen.query(),
        "here": chosen.query(**place),
    }
    return render_page(request, "leads/list.html", context, page=PAGE)


@require_safe
@workspace_page()
def export_list(request: WorkspaceRequest) -> StreamingHttpResponse:
    """Hand out exactly what the address asks for, as CSV."""
    chosen = read_filter(request.GET)
    leads = chosen.apply(_leads(request), workspace=request.workspace)
    name = f"leads-{request.workspace.slug}-{timezone.localdate(timezone=ZoneInfo(request.workspace.timezone))}.csv"
    return StreamingHttpResponse(
        stream_csv(leads),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@workspace_page()
def change_many(request: WorkspaceRequest) -> HttpResponse:
    """Move the chosen leads to a status, or delete them; what can't be undone is asked about first."""
    chosen = read_filter(request.GET)
    here = chosen.query(**_place(request))
    back = reverse("admin:lead-list", args=[request.workspace.slug]) + here
    ids, status = _ids(request), request.POST.get("status", "")
    leads = _leads(request).filter(pk__in=ids)
    if request.method != "POST":
        # A browser that brings back its tabs asks for the page that a form was answered with.
        return redirect(back)
    if not ids:
        messages.error(request, _("Choose the leads first."))
        return redirect(back)
    if request.POST.get("action") == "delete":
        return _delete_many(request, leads, here, back)
    if status not in Lead.Status.values:
        messages.error(request, _("Choose a status first."))
        return redirect(back)
    now, by_id = clock.now(), request.user.pk
    moved = sum(
        change_status(pk, status, now=now, frm=Lead.Status.values, by_id=by_id)
        for pk in leads.values_list("pk", flat=True)
    )
    text = ngettext("%(count)d lead changed.", "%(count)d leads changed.", moved) % {"count": moved}
    messages.success(request, text)
    return redirect(back)


def may_delete(request: WorkspaceRequest) -> bool:
    """Tell whether the request's user may erase leads here."""
    return bool(request.user.is_superuser) or request.role in MANAGERS


def _delete_many(request: WorkspaceRequest, leads: LeadQuerySet, here: str, back: str) -> HttpResponse:
    if not may_delete(request):
        raise PermissionDenied("Owners and admins delete leads.")
    if not request.POST.get("sure"):
        context: dict[str, Any] = {"leads": list(leads), "query": here, "back": back}
        return render_page(request, "leads/delete_many.html", context, page=PAGE)
    gone = erase_leads(leads, now=clock.now())
    messages.success(request, ngettext("%(count)d lead deleted.", "%(count)d leads deleted.", gone) % {"count": gone})
    return redirect(back)


def _standings(channel: str) -> list[tuple[str, Any]]:
    """List what the list can be filtered by: the statuses, and where there are calls those that nobody answered."""
    return [*Lead.Status.choices, *([(NO_ANSWER, NO_ANSWER_LABEL)] if channel == Channel.VOICE else [])]


def _place(request: WorkspaceRequest) -> dict[str, str]:
    """Read which page of the list the address names."""
    return {name: request.GET.get(name, "") for name in ("after", "before")}


def _ids(request: WorkspaceRequest) -> list[str]:
    return [value for value in request.POST.getlist("lead") if console_lead.as_uuid(value) is not None]


def _leads(request: WorkspaceRequest) -> LeadQuerySet:
    return Lead.objects.filter(workspace=request.workspace)


_ONE = "<workspace:slug>/leads/<uuid:lead_id>"
console_urls: list[URLPattern] = [
    path("<workspace:slug>/leads", list_leads, name="lead-list"),
    path("<workspace:slug>/leads.csv", export_list, name="lead-list-export"),
    path("<workspace:slug>/leads/change", change_many, name="lead-change-many"),
    path(_ONE, console_lead.show, name="lead-page"),
    path(f"{_ONE}/timeline", console_lead.timeline, name="lead-timeline"),
    path(f"{_ONE}/status", console_lead.set_status, name="lead-status"),
    path(f"{_ONE}/take-over", console_lead.take, name="lead-take-over"),
    path(f"{_ONE}/hand-back", console_lead.give_back, name="lead-hand-back"),
    path(f"{_ONE}/write", console_lead.write, name="lead-write"),
    path(f"{_ONE}/contact-again", console_lead.contact_again, name="lead-contact-again"),
    path(f"{_ONE}/note", console_lead.add_note, name="lead-note"),
    path(f"{_ONE}/opt-out", console_lead.opt_out, name="lead-opt-out"),
    path(f"{_ONE}/export", console_lead.export, name="lead-export"),
    path(f"{_ONE}/delete", console_lead.delete, name="lead-delete"),
    *console_alerts.urls,
    *console_opt_outs.urls,
]
