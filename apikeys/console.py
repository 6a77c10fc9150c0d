"""The operator's page of API keys: make, roll, revoke."""

import json
import shlex
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from apikeys.forms import NewKeyForm, RollForm
from apikeys.models import ApiKey, IssuedKey
from database import clock
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.console import render_page
from workspaces.once import new_nonce, spend_nonce

PAGE = "api-keys"
SHOWN_AT_MOST = 500
# A key that ends so soon is shown as ending.
SOON = timedelta(hours=72)
# Reserved for drama by Ofcom: nobody answers it.
SAMPLE = {"name": "Jane Doe", "phone": "+447700900123", "consent": True}


def endpoint() -> str:
    """Where leads are sent to."""
    return f"{settings.PUBLIC_BASE_URL.rstrip('/')}/api/public/leads"


@sensitive_variables("key")
def curl_line(key: str) -> str:
    """Write a request that can be pasted into a shell as it is."""
    return (
        f"curl -X POST {shlex.quote(endpoint())} \\\n"
        f"  -H 'Authorization: Bearer {key}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(json.dumps(SAMPLE))}"
    )


def describe_state(key: ApiKey, *, now: datetime) -> dict[str, Any]:
    """Say in what state a key is, with the look of its badge and the moment that matters."""
    state = key.state(now)
    if state == "expiring" and key.expires_at is not None and key.expires_at - now <= SOON:
        return {"label": _("Ends soon"), "look": "warning", "until": key.expires_at, "works": True}
    if state in {"active", "expiring"}:
        return {"label": _("Active"), "look": "ok", "until": key.expires_at, "works": True}
    if state == "expired":
        return {"label": _("Expired"), "look": "quiet", "since": key.expires_at, "works": False}
    return {"label": _("Revoked"), "look": "danger", "since": key.revoked_at, "works": False}


@require_safe
@workspace_page(roles=MANAGERS)
def list_keys(request: WorkspaceRequest) -> HttpResponse:
    """Show the workspace's keys, those that work first."""
    now = clock.now()
    keys = request.workspace.api_keys.select_related("created_by")[:SHOWN_AT_MOST]
    rows: list[dict[str, Any]] = [{"key": key, "state": describe_state(key, now=now)} for key in keys]
    rows.sort(key=lambda row: not row["state"]["works"])
    return render_page(request, "apikeys/list.html", {"rows": rows, "endpoint": endpoint()}, page=PAGE)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def new_key(request: WorkspaceRequest) -> HttpResponse:
    """Ask for a key's terms; answer Generate with the key, once."""
    now = clock.now()
    form = NewKeyForm(request.POST or None, workspace=request.workspace, now=now)
    if request.method == "POST" and form.is_valid():
        if not spend_nonce(request, form.cleaned_data["nonce"]):
            return _sent_before(request)
        issued = ApiKey.objects.issue(workspace=request.workspace, created_by_id=request.user.pk, **form.terms())
        return _show_once(request, issued)
    nonce = form.data.get("nonce") or new_nonce(request)
    return render_page(request, "apikeys/new.html", {"form": form, "nonce": nonce}, page=PAGE)


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def roll_key(request: WorkspaceRequest, pk: UUID) -> HttpResponse:
    """Ask for the old key's grace; answer Roll with the new key, once."""
    key, now = _find(request, pk), clock.now()
    if not describe_state(key, now=now)["works"]:
        messages.warning(request, _("“%(name)s” no longer works. Make a new key instead.") % {"name": key.name})
        return _back(request)
    form = RollForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not spend_nonce(request, form.cleaned_data["nonce"]):
            return _sent_before(request)
        return _show_once(request, key.roll(at=now, grace=form.grace(), by_id=request.user.pk), rolled=key)
    nonce = form.data.get("nonce") or new_nonce(request)
    return render_page(request, "apikeys/roll.html", {"form": form, "key": key, "nonce": nonce}, page=PAGE)


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def revoke_key(request: WorkspaceRequest, pk: UUID) -> HttpResponse:
    """Ask whether it is meant; then end the key at once."""
    key = _find(request, pk)
    if request.method != "POST":
        return render_page(request, "apikeys/revoke.html", {"key": key}, page=PAGE)
    if key.revoke(at=clock.now()):
        messages.success(request, _("“%(name)s” is revoked. It no longer opens anything.") % {"name": key.name})
    else:
        messages.info(request, _("“%(name)s” had been revoked before.") % {"name": key.name})
    return _back(request)


def _find(request: WorkspaceRequest, pk: UUID) -> ApiKey:
    key = request.workspace.api_keys.filter(pk=pk).first()
    if key is None:
        raise Http404("No such key.")
    return key


def _back(request: WorkspaceRequest) -> HttpResponse:
    return redirect("admin:api-key-list", slug=request.workspace.slug)


def _sent_before(request: WorkspaceRequest) -> HttpResponse:
    messages.warning(
        request,
        _(
            "That form had been sent before, so no second key was made. A key is shown only once: "
            "if you did not copy it, revoke it and make another."
        ),
    )
    return _back(request)


@sensitive_variables()
def _show_once(request: WorkspaceRequest, issued: IssuedKey, rolled: ApiKey | None = None) -> HttpResponse:
    context = {
        "key": issued.key,
        "plaintext": issued.plaintext,
        "curl": curl_line(issued.plaintext),
        "rolled": rolled,
    }
    response = render_page(request, "apikeys/issued.html", context, page=PAGE)
    response.headers["Cache-Control"] = "no-store"
    return response


_base = "<workspace:slug>/settings/api-keys"
console_urls: list[URLPattern] = [
    path(_base, list_keys, name="api-key-list"),
    path(f"{_base}/new", new_key, name="api-key-new"),
    path(f"{_base}/<uuid:pk>/roll", roll_key, name="api-key-roll"),
    path(f"{_base}/<uuid:pk>/revoke", revoke_key, name="api-key-revoke"),
]
