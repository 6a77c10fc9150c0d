"""The Form Builder: its page, and what its scripts ask for as JSON.

Each endpoint takes and answers a JSON object. Refused: 400 with `issues` where the content is no form's, 409 with
who saved when where the draft is newer than the caller's, 413 over MAX_BODY, 422 with `problems` where the form can't
be published as it is.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from database import clock
from leadforms import builder_words, publishing
from leadforms.content import Content, ContentError, as_document, read_content
from leadforms.hosted import render_form
from leadforms.models import LeadForm
from webapi.errors import ApiError, error_body
from webapi.json_api import dump, iso, load_object
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page
from workspaces.console import render_page

PAGE = "form"
MAX_BODY = 524_288
# Where the draft that a restored version replaced waits for the builder, which offers to bring it back.
REPLACED = "replaced_form_draft"


def public_address(request: WorkspaceRequest) -> str:
    """Where visitors find the form."""
    return f"{settings.PUBLIC_BASE_URL.rstrip('/')}/forms/{request.workspace.slug}"


def name_of(user: Any) -> str:
    """Call a user by name; somebody whose account is gone is still somebody."""
    return (user.get_full_name() or user.get_username()) if user else _("somebody")


@require_safe
@workspace_page(roles=MANAGERS)
def show_builder(request: WorkspaceRequest) -> HttpResponse:
    """Show the builder with the draft."""
    form = publishing.find_form(request.workspace, now=clock.now())
    content = read_content(form.draft)
    context = {
        "form": form,
        "version": form.published,
        "address": public_address(request),
        "changed": is_changed(form, content),
        "data": _page_data(request, form, content),
        "type_groups": builder_words.type_groups(),
        "limits": builder_words.LIMITS,
    }
    return render_page(request, "leadforms/builder.html", context, page=PAGE)


def _page_data(request: WorkspaceRequest, form: LeadForm, content: Content) -> dict[str, Any]:
    """Everything the scripts start with."""
    return {
        "workspace": str(request.workspace.pk),
        "user": str(request.user.pk),
        "timeZone": request.workspace.timezone,
        "published": form.published.number if form.published else None,
        "replaced": request.session.pop(REPLACED, None),
        "schema": builder_words.schema(),
        "texts": builder_words.texts(),
        **_draft_data(form, content),
    }


def _draft_data(form: LeadForm, content: Content) -> dict[str, Any]:
    return {
        "content": as_document(content),
        "revision": form.draft_revision,
        "savedAt": iso(form.draft_saved_at),
        "savedBy": name_of(form.draft_saved_by),
        **_state(form, content),
    }


def _state(form: LeadForm, content: Content) -> dict[str, Any]:
    problems = [{"target": each.target, "message": str(each.message)} for each in publishing.find_problems(content)]
    return {"problems": problems, "changed": is_changed(form, content)}


def is_changed(form: LeadForm, content: Content) -> bool:
    """Tell whether visitors see something else than this content."""
    return form.published is None or read_content(form.published.content) != content


Endpoint = Callable[[WorkspaceRequest, dict[str, Any]], HttpResponse]


def json_endpoint(view: Endpoint) -> Callable[..., HttpResponse]:
    """Guard an endpoint of the builder: managers only, POST only, the body a JSON object within the limit."""

    @wraps(view)
    def guarded(request: WorkspaceRequest) -> HttpResponse:
        try:
            return view(request, _read_body(request))
        except ApiError as error:
            return _answer(error.body, status=error.status)
        except ContentError as error:
            return _answer(error_body("validation_failed", message=str(error), issues=error.issues), status=400)
        except publishing.StaleDraft as error:
            return _answer(_stale(error, user_id=request.user.pk), status=409)

    return require_POST(workspace_page(roles=MANAGERS)(guarded))


def _read_body(request: WorkspaceRequest) -> dict[str, Any]:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise ApiError(413, "payload_too_large", message=_("The form is too large to be saved."))
    return load_object(request.body)


def _answer(body: dict[str, Any], *, status: int = 200) -> HttpResponse:
    return HttpResponse(dump(body), status=status, content_type="application/json")


def _stale(error: publishing.StaleDraft, *, user_id: Any) -> dict[str, Any]:
    return error_body("stale") | {
        "revision": error.revision,
        "savedAt": iso(error.saved_at),
        "savedBy": error.saved_by or name_of(None),
        # The same person in another tab.
        "savedByYou": error.saved_by_id == user_id,
    }


def _revision(body: dict[str, Any]) -> int:
    revision = body.get("revision")
    if type(revision) is not int or not 0 < revision < 2**31:
        raise ApiError(400, "validation_failed", message="revision must be a number.")
    return revision


def _form(request: WorkspaceRequest, *, now: datetime) -> LeadForm:
    return publishing.find_form(request.workspace, now=now)


@require_safe
@workspace_page(roles=MANAGERS)
def read_draft(request: WorkspaceRequest) -> HttpResponse:
    """Answer the draft as it is stored, and the token that a page needs after its reader signed in again."""
    form = _form(request, now=clock.now())
    return _answer(_draft_data(form, read_content(form.draft)) | {"csrf": get_token(request)})


@json_endpoint
def save_draft(request: WorkspaceRequest, body: dict[str, Any]) -> HttpResponse:
    """Save the draft on top of the revision that the caller knows."""
    now = clock.now()
    form = _form(request, now=now)
    document = body.get("content")
    content = read_content(document)
    revision = publishing.save_draft(form, document, revision=_revision(body), by_id=request.user.pk, now=now)
    return _answer({"revision": revision, "savedAt": iso(now), **_state(form, content)})


@json_endpoint
def review(request: WorkspaceRequest, body: dict[str, Any]) -> HttpResponse:
    """Answer what publishing the draft would change, and what stands in its way."""
    form = _form(request, now=clock.now())
    if _revision(body) != form.draft_revision:
        raise publishing.StaleDraft.of(form)
    content = read_content(form.draft)
    latest = form.versions.first()
    changes = publishing.describe_changes(read_content(latest.content) if latest else None, content)
    if latest and not form.published:
        changes.insert(0, _("The form can be reached at its address again."))
    return _answer({"changes": changes, **_state(form, content)})


@json_endpoint
def publish(request: WorkspaceRequest, body: dict[str, Any]) -> HttpResponse:
    """Make the draft what visitors see."""
    now = clock.now()
    form = _form(request, now=now)
    try:
        version = publishing.publish(form, revision=_revision(body), by_id=request.user.pk, now=now)
    except publishing.NotPublishable as error:
        problems = [{"target": each.target, "message": str(each.message)} for each in error.problems]
        return _answer(error_body("not_publishable") | {"problems": problems}, status=422)
    return _answer({"number": version.number, "publishedAt": iso(version.published_at)})


@json_endpoint
def preview(request: WorkspaceRequest, body: dict[str, Any]) -> HttpResponse:
    """Render what visitors would see, from content that need not be saved."""
    form = _form(request, now=clock.now())
    return show_preview(request, form, read_content(body.get("content")))


def show_preview(request: WorkspaceRequest, form: LeadForm, content: Content) -> HttpResponse:
    """Render content as the hosted page does, for a frame of ours."""
    return render_form(request, workspace=request.workspace, content=content, design=form.design, preview=True)
