"""The page of one lead: who it is, what happened, and what an operator can do about it."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from database import clock
from leads import again, suppression, takeover
from leads.channels import CannotWrite, get_channel
from leads.erasure import erase_leads
from leads.models import Consent, Lead, LeadEvent, Suppression
from leads.names import is_placeholder
from leads.own_export import describe_whole
from leads.planned import planned_at
from leads.status import change_status
from leads.timeline import Item, read_timeline
from leads.unreached import unreached_of
from leads.wording import answers_in_words
from webapi.calls import etag, matches
from webapi.json_api import plain
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.console import render_page
from workspaces.models import Channel, Workspace

PAGE = "leads"
MAX_NOTE = 5000
# So many of the newest are rendered at every look; the page asks for the others once.
SHOWN_AT_MOST = 100
MAX_MESSAGE = 4000
LOOKS = {
    Lead.Status.NEW: "quiet",
    Lead.Status.IN_CONVERSATION: "info",
    Lead.Status.BOOKED: "ok",
    Lead.Status.UNQUALIFIED: "quiet",
    Lead.Status.NEEDS_HUMAN: "warning",
}
_PROFILE = {
    "goal": gettext_lazy("Goal"),
    "budget": gettext_lazy("Budget"),
    "schedulePref": gettext_lazy("Preferred times"),
    "notes": gettext_lazy("Notes of the agent"),
}
_TAKEN = {
    Channel.WHATSAPP: gettext_lazy("You have the conversation. The agent is silent until you hand it back."),
    Channel.VOICE: gettext_lazy(
        "You have this lead. The agent doesn't call until you hand it back; a call that goes on now is not cut off."
    ),
}
_GIVEN_BACK = {
    Channel.WHATSAPP: gettext_lazy("The agent has the conversation again, and knows what was said."),
    Channel.VOICE: gettext_lazy("The agent may call again: where a call is planned, or when you press Call again."),
}
# What is done to a lead; its answer stands for leading back to the lead's page.
Action = Callable[[WorkspaceRequest, Lead], HttpResponse | None]


@require_safe
@workspace_page()
def show(request: WorkspaceRequest, lead_id: UUID) -> HttpResponse:
    """Show everything about a lead."""
    return _page(request, find_lead(request, lead_id))


def _page(
    request: WorkspaceRequest, lead: Lead, *, message: str = "", note: str = "", status: int = 200
) -> HttpResponse:
    """Render a lead's page; `message` and `note` are what was written and could not be taken."""
    items = read_timeline(lead)
    shown = items if "all" in request.GET else items[-SHOWN_AT_MOST:]
    context = _live(lead, shown) | {
        "earlier": len(items) - len(shown),
        "consent": Consent.objects.filter(lead=lead).first(),
        "answers": answers_in_words(lead),
        "metadata": _pairs(lead.metadata),
        "statuses": Lead.Status.choices,
        "may_delete": bool(request.user.is_superuser) or request.role in MANAGERS,
        "message": message,
        "note": note,
        "max_message": MAX_MESSAGE,
        "max_note": MAX_NOTE,
    }
    return render_page(request, "leads/lead.html", context, page=PAGE, status=status)


@require_safe
@workspace_page()
def timeline(request: WorkspaceRequest, lead_id: UUID) -> HttpResponse:
    """Answer the parts of the page that change by themselves; 304 when they are as the browser has them.

    Of the timeline it is the newest: what is on the page from before stays there.
    """
    lead = find_lead(request, lead_id)
    context = _live(lead, read_timeline(lead)[-SHOWN_AT_MOST:]) | {"workspace": request.workspace}
    body = render_to_string("leads/_live.html", context, request=request).encode()
    tag = etag(body)
    if matches(request.headers.get("If-None-Match"), tag):
        return HttpResponse(status=304, headers={"ETag": tag})
    return HttpResponse(body, headers={"ETag": tag})


def _live(lead: Lead, items: list[Item]) -> dict[str, Any]:
    """Gather what is shown of a lead and may change while somebody looks at it."""
    now = clock.now()
    planned = planned_at([lead], workspace=lead.workspace, now=now).get(lead.pk)
    return {
        "lead": lead,
        "look": LOOKS[Lead.Status(lead.status)],
        "items": items,
        "needed_for": _needed_for(lead),
        "window": get_channel(lead.channel).window(lead, now=now),
        "name_is_placeholder": is_placeholder(lead.name),
        "opted_out": suppression.is_suppressed(lead.workspace_id, lead.phone),
        "again_refused": again.why_not(lead, now=now),
        "planned_at": planned,
        "unreached": planned is None and bool(unreached_of([lead], channel=lead.channel)),
        "profile": [(_label(name, lead.workspace), value) for name, value in _pairs(lead.profile)],
    }


def _needed_for(lead: Lead) -> str:
    """Say why a human is needed, "" where none is or nobody said."""
    if lead.status != Lead.Status.NEEDS_HUMAN:
        return ""
    moves = LeadEvent.objects.filter(lead_id=lead.pk, kind=LeadEvent.Kind.STATUS).order_by("-at", "-pk")
    last = moves.values_list("data__reason", flat=True).first()
    return last if isinstance(last, str) else ""


def find_lead(request: WorkspaceRequest, lead_id: UUID) -> Lead:
    """Find a lead of the workspace. Raises Http404 for any other, as for none."""
    lead = Lead.objects.select_related("workspace", "taken_over_by").filter(workspace=request.workspace, pk=lead_id)
    found = lead.first()
    if found is None:
        raise Http404("No such lead.")
    return found


def as_uuid(text: str) -> UUID | None:
    """Read an id; None for what is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _action(act: Action) -> Callable[..., HttpResponse]:
    """Make a view of something that is done to a lead: it leads back to the lead's page, with what came of it."""

    @workspace_page()
    def view(request: WorkspaceRequest, lead_id: UUID) -> HttpResponse:
        lead = find_lead(request, lead_id)
        # A browser that brings back its tabs asks for the page that a form was answered with.
        answer = act(request, lead) if request.method == "POST" else None
        return answer or redirect("admin:lead-page", slug=request.workspace.slug, lead_id=lead_id)

    return view


def _set_status(request: WorkspaceRequest, lead: Lead) -> None:
    status = request.POST.get("status", "")
    if status not in Lead.Status.values:
        messages.error(request, _("Choose a status first."))
        return
    change_status(lead.pk, status, now=clock.now(), frm=Lead.Status.values, by_id=request.user.pk)


def _take(request: WorkspaceRequest, lead: Lead) -> None:
    if takeover.take_over(lead.pk, by_id=request.user.pk, now=clock.now()):
        messages.success(request, _TAKEN[Channel(lead.channel)])
    elif lead.taken_over_by and lead.taken_over_by != request.user:
        text = _("%(name)s has taken over this conversation already. The agent is silent.")
        messages.warning(request, text % {"name": lead.taken_over_by.get_username()})


def _give_back(request: WorkspaceRequest, lead: Lead) -> None:
    if takeover.hand_back(lead.pk, by_id=request.user.pk, now=clock.now()):
        messages.success(request, _GIVEN_BACK[Channel(lead.channel)])


def _write(request: WorkspaceRequest, lead: Lead) -> HttpResponse | None:
    text = _text(request)
    if not text:
        messages.error(request, _("Write something first."))
        return None
    if len(text) > MAX_MESSAGE:
        return _too_long(request, lead, MAX_MESSAGE, message=text)
    now, by_id = clock.now(), request.user.pk
    try:
        # Both or neither: what can't be sent takes nothing over.
        with transaction.atomic():
            if lead.workspace.writing_takes_over:
                takeover.take_over(lead.pk, by_id=by_id, now=now)
            get_channel(lead.channel).write(lead, text, by_id=by_id, now=now)
    except CannotWrite as refusal:
        messages.error(request, str(refusal))
        return _page(request, lead, message=text, status=409)
    return _to_the_newest(request, lead)


def _contact_again(request: WorkspaceRequest, lead: Lead) -> None:
    try:
        again.contact_again(lead, by_id=request.user.pk, now=clock.now())
    except again.CannotContact as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("On its way. What comes of it shows below."))


def _add_note(request: WorkspaceRequest, lead: Lead) -> HttpResponse | None:
    text = _text(request)
    if not text:
        messages.error(request, _("Write something first."))
        return None
    if len(text) > MAX_NOTE:
        return _too_long(request, lead, MAX_NOTE, note=text)
    LeadEvent.objects.create(
        lead=lead, kind=LeadEvent.Kind.NOTE, data={"text": text}, at=clock.now(), by_id=request.user.pk
    )
    return _to_the_newest(request, lead)


def _text(request: WorkspaceRequest) -> str:
    """Read what was written. A form sends two characters for a line's end, which the browser counted as one."""
    return request.POST.get("text", "").replace("\x00", "").replace("\r\n", "\n").strip()


def _too_long(request: WorkspaceRequest, lead: Lead, limit: int, **written: str) -> HttpResponse:
    messages.error(
        request, _("Too long: %(limit)d characters are the most. Nothing was sent or kept.") % {"limit": limit}
    )
    return _page(request, lead, status=400, **written)


def _to_the_newest(request: WorkspaceRequest, lead: Lead) -> HttpResponse:
    """Show where it stands now. The page's script takes `#newest` for: what was written has been taken."""
    return redirect(reverse("admin:lead-page", args=[request.workspace.slug, lead.pk]) + "#newest")


def _opt_out(request: WorkspaceRequest, lead: Lead) -> None:
    now, by_id = clock.now(), request.user.pk
    suppression.suppress(
        workspace_id=lead.workspace_id, phone=lead.phone, reason=Suppression.Reason.OPERATOR, now=now, by_id=by_id
    )
    messages.success(request, _("Nobody calls or writes to this phone any more."))


set_status = _action(_set_status)
take = _action(_take)
give_back = _action(_give_back)
write = _action(_write)
contact_again = _action(_contact_again)
add_note = _action(_add_note)
opt_out = _action(_opt_out)


@require_safe
@workspace_page()
def export(request: WorkspaceRequest, lead_id: UUID) -> HttpResponse:
    """Hand out everything that is kept of a person, as JSON (GDPR art. 15 and 20)."""
    lead = find_lead(request, lead_id)
    body = json.dumps(describe_whole(lead), ensure_ascii=False, indent=2, default=plain)
    name = f"lead-{lead.pk}.json"
    return HttpResponse(
        body, content_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page()
def delete(request: WorkspaceRequest, lead_id: UUID) -> HttpResponse:
    """Ask, then erase the lead with all that hangs on it."""
    lead = find_lead(request, lead_id)
    if request.role not in MANAGERS and not request.user.is_superuser:
        raise PermissionDenied("Owners and admins delete leads.")
    if request.method != "POST":
        return render_page(request, "leads/delete.html", {"lead": lead}, page=PAGE)
    erase_leads(Lead.objects.filter(pk=lead.pk, workspace=request.workspace), now=clock.now())
    messages.success(request, _("%(name)s is deleted.") % {"name": lead.name})
    return redirect("admin:lead-list", slug=request.workspace.slug)


def _label(name: str, workspace: Workspace) -> str:
    """Name what the agent noted as the workspace does."""
    own = {field["name"]: field["label"] for field in workspace.qualification_fields}
    return str(own.get(name) or _PROFILE.get(name) or name)


def _pairs(values: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Write values as a person reads them; what is no text stands as JSON."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in (values or {}).items()
        if value not in (None, "")
    ]
