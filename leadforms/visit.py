"""A request for a workspace's form: whose form, in which looks, in which language, in a frame or not."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from leadforms.addresses import AddressError, read_origin, safe_origins
from leadforms.design import Design, read_design, theme_digest
from leadforms.languages import RIGHT_TO_LEFT
from leadforms.models import LeadForm, Logo
from leadforms.policy import set_policy
from leadforms.visitor import language_of
from workspaces.models import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request for a workspace's form, with all that its answers have in common."""

    request: HttpRequest
    workspace: Workspace
    form: LeadForm | None
    design: Design
    language: str
    embedded: bool

    def frame(self, *, theme: str = "") -> dict[str, Any]:
        """Return what every template of the form's own look wants."""
        slug, name = self.workspace.slug, self.workspace.name
        theme = theme or reverse("form-theme", args=[slug, theme_digest(self.design)])
        return frame_of(self.language) | {
            "embedded": self.embedded,
            "layout": self.design.layout,
            "theme": theme,
            "name": name,
            "heading": self.design.heading or name,
            "logo": _logo(self.form, self.design, self.workspace),
        }

    def address(self, name: str) -> str:
        """Return the address of one of the form's pages, in a frame where this one is."""
        return reverse(name, args=[self.workspace.slug]) + ("?embed=1" if self.embedded else "")

    def embedded_by(self) -> str:
        """Return the origin of the page around ours, by its Referer: one that may show the form, else ""."""
        if self.form is None or not self.embedded:
            return ""
        try:
            parts = urlsplit(self.request.headers.get("Referer", ""))
            origin = read_origin(f"{parts.scheme}://{parts.netloc}")
        except (ValueError, AddressError):
            return ""
        return origin if origin in safe_origins(self.form.embed_origins) else ""

    def finish(self, response: HttpResponse) -> HttpResponse:
        """Write the headers of a page of this form."""
        origins = safe_origins(self.form.embed_origins) if self.form else []
        return set_policy(response, framed_by=origins, leads_on=bool(self.design.redirect_url) and not self.embedded)


def visit_of(request: HttpRequest, workspace: Workspace) -> Visit:
    """Read a request for a workspace that came with its form, what it published, and its logo."""
    form: LeadForm | None = getattr(workspace, "lead_form", None)
    return Visit(
        request=request,
        workspace=workspace,
        form=form,
        design=read_design(form.design if form else {}),
        language=(form.language if form else "") or language_of(request),
        embedded="embed" in request.GET,
    )


def _logo(form: LeadForm | None, design: Design, workspace: Workspace) -> dict[str, Any] | None:
    logo: Logo | None = getattr(form, "logo", None) if form and design.logo_shown else None
    if logo is None:
        return None
    return {
        "address": reverse("form-logo", args=[workspace.slug, logo.digest]),
        "alt": design.logo_alt or workspace.name,
        "width": logo.width,
        "height": logo.height,
    }


def frame_of(language: str) -> dict[str, Any]:
    """Return what a template wants that knows no form."""
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    return {"language": language, "direction": direction, "embedded": False, "layout": "card", "theme": ""}
