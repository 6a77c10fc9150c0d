"""The operator's page of what was kept back from the form: look, release, discard; and how many a day are contacted."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import models
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from database import clock
from leadforms import held, spam
from leadforms.models import MAX_DAILY_CAP, HeldQuerySet, HeldSubmission, LeadForm
from leadforms.wording import answers_in_words
from leads.intake import DuplicatePhone
from leads.models import Dispatch
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.console import render_page
from workspaces.models import Channel

PAGE = "held"
PAGE_SIZE = 25
UNDECIDED = "undecided"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_moment = re.compile(r"[0-9]{1,17}").fullmatch
_cursor = re.compile(r"([0-9]{1,17})-([0-9a-f]{32})").fullmatch


class State(models.TextChoices):
    """Which ones are shown."""

    WAITING = "waiting", gettext_lazy("Waiting")
    RELEASED = "released", gettext_lazy("Released")
    DISCARDED = "discarded", gettext_lazy("Discarded")


_FILTERS = {
    State.WAITING: Q(released_at=None, discarded_at=None),
    State.RELEASED: Q(released_at__isnull=False),
    State.DISCARDED: Q(discarded_at__isnull=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What of the list is looked at. `before` is the cursor that a page begins at, "" for the newest."""

    state: State = State.WAITING
    reason: str = ""
    before: str = ""

    def address(self, request: WorkspaceRequest) -> str:
        """Return where it is."""
        query = {"state": self.state.value} if self.state != State.WAITING else {}
        query |= {name: value for name, value in (("reason", self.reason), ("before", self.before)) if value}
        address = reverse("admin:form-held", args=[request.workspace.slug])
        return f"{address}?{urlencode(query)}" if query else address

    def rows(self, request: WorkspaceRequest) -> HeldQuerySet:
        """Find what is there."""
        rows = request.workspace.held_submissions.filter(_FILTERS[self.state])
        rows = rows.filter(reason=self.reason) if self.reason else rows
        if (place := _cursor(self.before)) is not None:
            at = _EPOCH + timedelta(microseconds=int(place[1]))
            rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=UUID(place[2])))
        return rows


class CapForm(forms.Form):
    """How many leads of the form are contacted a day."""

    daily_cap = forms.IntegerField(
        label=gettext_lazy("Contacts a day"),
        min_value=0,
        max_value=MAX_DAILY_CAP,
        help_text=gettext_lazy("Who comes after them waits here. With 0 everybody waits until somebody releases them."),
        widget=forms.NumberInput(attrs={"class": "input input-short", "inputmode": "numeric"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page()
def list_held(request: WorkspaceRequest) -> HttpResponse:
    """Show what was kept back, newest first; take a decision on one or on the chosen ones."""
    # Enter in a box sends the form without a decision: what was chosen stays chosen.
    if request.method == "POST" and request.POST.get("many") != UNDECIDED:
        _decide(request)
        # To the page it was sent from, by its own address.
        return redirect(_place(request).address(request))
    return _show(request)


@require_POST
@workspace_page(roles=MANAGERS)
def change_cap(request: WorkspaceRequest) -> HttpResponse:
    """Change the day's cap."""
    form = CapForm(request.POST)
    if not form.is_valid():
        return _show(request, cap_form=form)
    if not LeadForm.objects.filter(workspace=request.workspace).update(**form.cleaned_data):
        raise Http404("No form yet.")
    messages.success(request, _("Saved. It counts from now on; what waits here stays."))
    return redirect(Place().address(request))


def _show(request: WorkspaceRequest, *, cap_form: CapForm | None = None) -> HttpResponse:
    place, now = _place(request), clock.now()
    found = list(place.rows(request).select_related("decided_by")[: PAGE_SIZE + 1])
    rows = found[:PAGE_SIZE]
    form = LeadForm.objects.select_related("workspace").filter(workspace=request.workspace).first()
    cap = form.daily_cap if form else 0
    context = {
        "has_form": form is not None,
        "form": cap_form or CapForm(initial={"daily_cap": cap}),
        "cap": cap,
        "taken": spam.contacts_taken(form, now=now) if form else 0,
        "made_way": spam.made_way(request.workspace),
        "most": held.MOST_WAITING,
        "rows": _describe(request, rows),
        "state": place.state,
        "tabs": [{"state": one, "address": Place(state=one).address(request)} for one in State],
        "reason": place.reason,
        "every_reason": Place().address(request),
        "reasons": _reasons(request, place) if place.state == State.WAITING else [],
        "older": replace(place, before=_cursor_of(rows[-1])).address(request) if len(found) > PAGE_SIZE else "",
        "newest": replace(place, before="").address(request) if place.before else "",
        "all_chosen": request.GET.get("chosen") == "all",
        "here": place.address(request),
        "seen": _microseconds(now),
        "kept_days": settings.HELD_RETENTION_DAYS,
    }
    return render_page(request, "leadforms/held.html", context, page=PAGE)


def _reasons(request: WorkspaceRequest, place: Place) -> list[dict[str, Any]]:
    """Count what waits for each reason; nothing to choose from where there is one."""
    waiting = request.workspace.held_submissions.waiting().order_by()
    counts = dict(waiting.values_list("reason").annotate(Count("pk")))
    if len(counts) < 2 and not place.reason:
        return []
    return [
        {
            "label": reason.label,
            "count": counts.get(reason.value, 0),
            "address": Place(reason=reason.value).address(request),
            "is_current": place.reason == reason.value,
        }
        for reason in HeldSubmission.Reason
        if reason.value in counts or place.reason == reason.value
    ]


def _cursor_of(row: HeldSubmission) -> str:
    return f"{_microseconds(row.created_at)}-{row.pk.hex}"


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _place(request: WorkspaceRequest) -> Place:
    query = request.GET
    state, reason, before = (query.get(name, "") for name in ("state", "reason", "before"))
    return Place(
        state=State(state) if state in State.values else State.WAITING,
        reason=reason if reason in HeldSubmission.Reason.values else "",
        before=before if _cursor(before) else "",
    )


def _describe(request: WorkspaceRequest, rows: list[HeldSubmission]) -> list[dict[str, Any]]:
    """Gather what the page says about each."""
    ids = [row.lead_id for row in rows if row.lead_id]
    still_there = set(request.workspace.leads.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    all_chosen, chosen = request.GET.get("chosen") == "all", request.POST.getlist("chosen")
    return [
        {
            "held": row,
            "chosen": all_chosen or str(row.pk) in chosen,
            "answers": answers_in_words(
                workspace_id=row.workspace_id,
                version_id=row.form_version_id,
                responses=row.submission["form_responses"],
            ),
            "rest": row.submission,
            "metadata": (row.submission["metadata"] or {}).items(),
            "consent": row.consent,
            "lead": _lead_address(request, row.lead_id) if row.lead_id in still_there else "",
        }
        for row in rows
    ]


def _lead_address(request: WorkspaceRequest, lead_id: UUID | None) -> str:
    """Return where a lead is looked at."""
    return reverse("admin:lead-page", args=[request.workspace.slug, lead_id]) if lead_id else ""


def _decide(request: WorkspaceRequest) -> None:
    """Do what was asked for, and say what came of it."""
    post, by_id, now = request.POST, request.user.pk, clock.now()
    if one := post.get("release"):
        _release_one(request, _find(request, [one]).first())
        return
    many = post.get("many", "")
    if many == "discard_all":
        _discard_all(request, now=now)
        return
    asked = next((name for name in ("discard", "put_back") if name in post), many)
    rows = _find(request, post.getlist("chosen") if many else [post.get(asked, "")])
    if not rows.exists():
        messages.info(request, _("Nothing was chosen."))
    elif asked == "release":
        _release_many(request, rows)
    elif asked == "discard":
        _say_discarded(request, held.discard(rows, by_id=by_id, now=now))
    elif asked == "put_back":
        count = held.put_back(rows)
        messages.success(request, ngettext("%(n)d waits again.", "%(n)d wait again.", count) % {"n": count})


def _discard_all(request: WorkspaceRequest, *, now: datetime) -> None:
    """Discard what waits for one reason, as far as it was there when somebody looked."""
    seen, place = request.POST.get("seen", ""), _place(request)
    until = _EPOCH + timedelta(microseconds=int(seen)) if _moment(seen) else now
    rows = request.workspace.held_submissions.filter(reason=place.reason, created_at__lte=until)
    _say_discarded(request, held.discard(rows, by_id=request.user.pk, now=now))


def _say_discarded(request: WorkspaceRequest, count: int) -> None:
    messages.success(request, ngettext("%(n)d discarded.", "%(n)d discarded.", count) % {"n": count})


def _find(request: WorkspaceRequest, ids: list[str]) -> HeldQuerySet:
    """Find submissions of this workspace by ids that somebody posted, a page of them at most."""
    known: list[UUID] = []
    for text in ids[:PAGE_SIZE]:
        try:
            known.append(UUID(text))
        except ValueError:
            continue
    return request.workspace.held_submissions.filter(pk__in=known).select_related("workspace")


def _release_one(request: WorkspaceRequest, row: HeldSubmission | None) -> None:
    if row is None:
        raise Http404("No such submission.")
    try:
        outcome = held.release(row, by_id=request.user.pk, now=clock.now())
    except held.AlreadyDecided:
        messages.info(request, _("%(name)s had been released or discarded before.") % {"name": row.name})
    except DuplicatePhone as known:
        text = _("%(name)s’s number is a lead already, so nobody was contacted again. The submission stays here.")
        messages.warning(request, _with_link(request, text % {"name": row.name}, known.lead_id))
    else:
        level = messages.WARNING if outcome.status == Dispatch.Status.FAILED else messages.SUCCESS
        text = _say(row, outcome)
        messages.add_message(request, level, _with_link(request, text, outcome.lead_id))


def _say(row: HeldSubmission, outcome: held.Released) -> str:
    """Say what became of a released submission."""
    if outcome.status == Dispatch.Status.FAILED:
        text = _("%(name)s is a lead now, but could not be contacted: %(reason)s. Please get in touch yourself.")
    elif outcome.status == Dispatch.Status.SKIPPED:
        text = _("%(name)s is a lead now. Nobody is contacted while the agent is off: get in touch yourself.")
    elif outcome.status == Dispatch.Status.DONE and row.workspace.channel == Channel.VOICE:
        text = _("%(name)s is a lead now, and the call was started.")
    else:
        text = _("%(name)s is a lead now and will be contacted in a moment.")
    return text % {"name": row.name, "reason": outcome.reason.rstrip(".")}


def _release_many(request: WorkspaceRequest, rows: HeldQuerySet) -> None:
    outcome = held.release_many(rows, by_id=request.user.pk, now=clock.now())
    if outcome.released:
        made = ngettext("%(n)d is a lead now.", "%(n)d are leads now.", outcome.released) % {"n": outcome.released}
        if request.workspace.agent_enabled:
            then = _("The agent contacts them in a moment.")
        else:
            then = _("Nobody is contacted while the agent is off.")
        messages.success(request, f"{made} {then}")
    if outcome.known:
        names = ", ".join(row.name for row in outcome.known)
        text = _("Their numbers are leads already, so these stay here: %(names)s.")
        messages.warning(request, text % {"names": names})


def _with_link(request: WorkspaceRequest, text: str, lead_id: UUID | None) -> SafeString | str:
    address = _lead_address(request, lead_id)
    return format_html('{} <a href="{}">{}</a>', text, address, _("Open the lead")) if address else text
