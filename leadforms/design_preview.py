"""What visitors would see of a design that is being chosen, for a frame on the design page."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from database import clock
from leadforms.colors import is_color
from leadforms.content import Content, read_content
from leadforms.design import FONTS, LAYOUTS, SCHEMES, Colors, Design, read_design, single_css
from leadforms.design_forms import COLORS, DesignForm, values_of
from leadforms.hosted import render_form, render_thanks
from leadforms.models import LeadForm
from leadforms.publishing import find_form
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page

NIGHT = "night"


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def preview_design(request: WorkspaceRequest) -> HttpResponse:
    """Render the form, or with `show=thanks` its thank-you page, in the saved design or in the one that was sent."""
    stored, workspace = find_form(request.workspace, now=clock.now()), request.workspace
    design, language = read_design(stored.design), stored.language
    if request.method == "POST":
        form = DesignForm(request.POST, initial=values_of(stored, design))
        form.is_valid()
        design, language = form.design(), form.chosen.get("language", language)
    time = NIGHT if request.GET.get("time") == NIGHT else "day"
    theme = _theme_address(workspace.slug, design, time=time)
    if request.GET.get("show") == "thanks":
        return render_thanks(request, workspace=workspace, design=design, theme=theme, language=language)
    content = _content_of(stored)
    return render_form(request, workspace=workspace, content=content, design=design, theme=theme, language=language)


@require_safe
@workspace_page(roles=MANAGERS)
def preview_theme(request: WorkspaceRequest) -> HttpResponse:
    """Answer with the stylesheet of colours that stand in the address."""
    css = single_css(_design_in(request), night=request.GET.get("time") == NIGHT)
    return HttpResponse(css, content_type="text/css; charset=utf-8")


def _theme_address(slug: str, design: Design, *, time: str) -> str:
    """Return where `preview_theme` answers, in the colours of day or night: the operator's own device has no say."""
    chosen = {name: getattr(design.colors, name) for name in (*COLORS, "scheme")}
    query = urlencode(chosen | {"font": design.font, "layout": design.layout, "time": time})
    return f"{reverse('admin:form-design-theme', args=[slug])}?{query}"


def _design_in(request: HttpRequest) -> Design:
    given = request.GET
    colors = {name: given[name] for name in COLORS if is_color(given.get(name))}
    scheme, font, layout = given.get("scheme"), given.get("font"), given.get("layout")
    return Design(
        colors=Colors(**colors, scheme=scheme if scheme in SCHEMES else SCHEMES[0]),
        font=font if font in FONTS else "system",
        layout=layout if layout in LAYOUTS else LAYOUTS[0],
    )


def _content_of(stored: LeadForm) -> Content:
    """Take what visitors see; before anything is published, the draft."""
    return read_content(stored.published.content if stored.published else stored.draft)
