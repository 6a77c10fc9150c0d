"""The hosted form: a page that asks, a page that thanks, and what is said where there is nothing to fill in."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from database import clock
from leadforms import notices, tokens
from leadforms.answers import raw_answers
from leadforms.content import MAX_SHORT, Content, QuestionType, clean_text, read_content
from leadforms.design import Design, read_design
from leadforms.models import LeadForm
from leadforms.page import Values, build_page
from leadforms.policy import set_preview_policy
from leadforms.receive import HONEYPOT, Again, Closed, Sender, receive
from leadforms.script import script_data
from leadforms.tracking import PREFILLED, find_tracking, read_tracking, write_tracking
from leadforms.visit import Visit, visit_of
from leadforms.visitor import language_of, region_of
from webapi.client_ip import client_ip
from workspaces.connections import purge_dead
from workspaces.models import PastSlug, Workspace

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 262_144
# What stands in an address, not what may be taken: an unknown slug is answered before the database is asked.
_slug = re.compile(r"[a-z0-9-]{1,63}").fullmatch
_UNREADABLE = (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError)
_DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
View = Callable[..., HttpResponse]


def _public(view: View) -> View:
    """Find the form of an address and answer what can't reach it: every answer is a page in the form's manner."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str) -> HttpResponse:
        try:
            response = _find(request, slug, view)
        except RequestDataTooBig:
            return notices.show_too_long(request)
        except _UNREADABLE:
            return notices.show_unreadable(request)
        except _DATABASE_AWAY as error:
            logger.warning("database unavailable: %s", type(error).__name__)
            purge_dead()
            return notices.show_away(request)
        patch_vary_headers(response, ["Accept-Language"])
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return guarded


def _find(request: HttpRequest, slug: str, view: View) -> HttpResponse:
    now, wanted = clock.now(), slug.lower()
    if not _slug(wanted):
        return notices.show_unknown(request)
    found = Workspace.objects.select_related("lead_form__published", "lead_form__logo").defer(
        "lead_form__draft", "lead_form__logo__content", "persona", "offer", "pricing", "qualification_criteria"
    )
    workspace = found.filter(slug=wanted).first()
    if workspace is None:
        past = PastSlug.objects.filter(slug=wanted, until__gt=now).select_related("workspace").first()
        return notices.show_unknown(request) if past is None else _moved(request, past.workspace.slug)
    if wanted != slug:
        return _moved(request, wanted)
    visit = visit_of(request, workspace)
    with translation.override(visit.language):
        return view(visit, now=now)


def _moved(request: HttpRequest, slug: str) -> HttpResponse:
    """Send on to where the form is now. Not for ever: somebody else may have the address one day."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    query = request.META.get("QUERY_STRING", "")
    address = reverse(name or "form-page", args=[slug]) + (f"?{query}" if query else "")
    return HttpResponseRedirect(address, preserve_request=request.method == "POST")


@csrf_exempt
@gzip_page
@require_http_methods(["GET", "HEAD", "POST"])
@_public
def form_page(visit: Visit, *, now: datetime) -> HttpResponse:
    """Show the form; take in what is sent."""
    if visit.request.method == "POST":
        return _receive(visit, now=now)
    if visit.form is None or visit.form.published is None:
        return notices.show_closed(visit)
    if not visit.workspace.agent_enabled:
        return notices.show_paused(visit)
    version = visit.form.published
    content = read_content(version.content)
    context = _page_context(
        visit,
        content,
        values=_prefilled(visit.request, content),
        tracking=find_tracking(visit.request),
        token=tokens.issue(version, now=now, embedded_by=visit.embedded_by()),
        form_key=f"{visit.workspace.slug}:{version.pk.hex[:8]}",
    )
    return visit.finish(HttpResponse(render_to_string("forms/page.html", context)))


def _receive(visit: Visit, *, now: datetime) -> HttpResponse:
    request, form = visit.request, visit.form
    length = str(request.META.get("CONTENT_LENGTH", ""))
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise RequestDataTooBig
    post = request.POST
    if form is None:
        return notices.show_closed(visit)
    sender = Sender(
        ip=client_ip(request),
        user_agent=clean_text(request.headers.get("User-Agent", "")),
        page_url=request.build_absolute_uri(request.path),
    )
    match receive(form, post, sender=sender, now=now):
        case Closed():
            return notices.show_closed(visit)
        case Again() as again:
            content = read_content(again.version.content)
            context = _page_context(
                visit,
                content,
                values=raw_answers(content, post),
                tracking=read_tracking(post.get("tracking", "")),
                token=again.token,
                form_key=f"{visit.workspace.slug}:{again.version.pk.hex[:8]}",
                issues=again.issues,
                notice=again.notice,
            )
            response = visit.finish(HttpResponse(render_to_string("forms/page.html", context)))
            response.headers["Cache-Control"] = "no-store"
            return response
    onward = "" if visit.embedded else visit.design.redirect_url
    response = HttpResponseRedirect(onward or visit.address("form-thanks"))
    response.status_code = 303
    return visit.finish(response)


@gzip_page
@require_safe
@_public
def thanks_page(visit: Visit, *, now: datetime) -> HttpResponse:
    """Thank, in words that are true whatever comes of it."""
    return visit.finish(HttpResponse(render_to_string("forms/thanks.html", _thanks_context(visit))))


def _thanks_context(visit: Visit, *, theme: str = "") -> dict[str, Any]:
    return visit.frame(theme=theme) | {
        "title": visit.design.thank_you_title or _("Thank you"),
        "text": visit.design.thank_you_text or _("We have your details and will be in touch."),
        # In a frame a redirect would stay in it: the page around it is asked, or a link leads there.
        "onward": visit.design.redirect_url if visit.embedded else "",
        "form_key": visit.workspace.slug,
        # Where no heading says whose page it is the name stands in for a logo.
        "heading": "",
    }


def render_form(
    request: HttpRequest,
    *,
    workspace: Workspace,
    content: Content,
    design: Design | Mapping[str, Any],
    preview: bool = True,
    theme: str = "",
    language: str | None = None,
) -> HttpResponse:
    """Render a draft as visitors would see it, for a frame on a page of ours. It can't be sent.

    `theme` is the address of a stylesheet for a design that is not saved; `language` is one that is not saved either.
    """
    visit = _preview_visit(request, workspace, design, language)
    with translation.override(visit.language):
        context = _page_context(visit, content, values={}, tracking={}, token="", preview=preview, theme=theme)
        return set_preview_policy(HttpResponse(render_to_string("forms/page.html", context)))


def render_thanks(
    request: HttpRequest,
    *,
    workspace: Workspace,
    design: Design | Mapping[str, Any],
    theme: str = "",
    language: str | None = None,
) -> HttpResponse:
    """Render the thank-you page of a design, for a frame on a page of ours."""
    visit = _preview_visit(request, workspace, design, language)
    with translation.override(visit.language):
        context = _thanks_context(visit, theme=theme) | {"form_key": ""}
        return set_preview_policy(HttpResponse(render_to_string("forms/thanks.html", context)))


def _preview_visit(
    request: HttpRequest, workspace: Workspace, design: Design | Mapping[str, Any], language: str | None
) -> Visit:
    form = LeadForm.objects.filter(workspace=workspace).select_related("logo").defer("logo__content", "draft").first()
    return Visit(
        request=request,
        workspace=workspace,
        form=form,
        design=design if isinstance(design, Design) else read_design(design),
        language=(language if language is not None else form.language if form else "") or language_of(request),
        embedded=False,
    )


def _page_context(
    visit: Visit,
    content: Content,
    *,
    values: Values,
    tracking: Mapping[str, str],
    token: str,
    form_key: str = "",
    issues: Mapping[str, str] | None = None,
    notice: str = "",
    preview: bool = False,
    theme: str = "",
) -> dict[str, Any]:
    region = visit.workspace.default_region or region_of(visit.request)
    page = build_page(content, language=visit.language, region=region, values=values, issues=issues or {})
    return visit.frame(theme=theme) | {
        "page": page,
        "script_data": script_data(content),
        "intro": visit.design.intro,
        "button": visit.design.button_text,
        "mode": visit.design.step_mode,
        "redirects": bool(visit.design.redirect_url),
        "action": visit.address("form-page"),
        "honeypot": HONEYPOT,
        "tracking": write_tracking(tracking),
        "token": token,
        "form_key": form_key,
        "notice": notice,
        "preview": preview,
        # What the server shows again is newer than what the tab kept.
        "restored": bool(issues or notice),
    }


def _prefilled(request: HttpRequest, content: Content) -> dict[str, Sequence[str]]:
    """Read what the page's address fills in: the contact step's fields, and the hidden questions."""
    folded = {name.lower(): value for name, value in reversed(list(request.GET.items()))}
    values = {name: clean_text(request.GET.get(name, ""))[:MAX_SHORT] for name in PREFILLED}
    for question in content.questions():
        if question.type == QuestionType.HIDDEN and question.param:
            # Attributes of HTML, by which a page that embeds the form passes them on, have no capitals.
            value = request.GET.get(question.param) or folded.get(question.param.lower(), "")
            values[question.id] = clean_text(str(value))[: MAX_SHORT + 1]
    return {name: [value] for name, value in values.items() if value}


@cache
def _embed_script() -> bytes:
    return (settings.BASE_DIR / "static" / "js" / "embed.js").read_bytes()


@gzip_page
@require_safe
def embed_script(request: HttpRequest) -> HttpResponse:
    """Answer the script that puts the form into any page: always under this address, so never kept for long."""
    response = HttpResponse(_embed_script(), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
