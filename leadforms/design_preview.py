"""What visitors would see of a design that is being chosen, for a frame on the design page."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from leadforms.colors import is_color
from leadforms.content import Content, read_content
from leadforms.design import FONTS, LAYOUTS, Colors, Design, darkened, read_design, theme_css
from leadforms.design_forms import COLORS, DesignForm, values_of
from leadforms.hosted import render_form, render_thanks
from leadforms.models import LeadForm
from leadforms.publishing import find_form
from workspaces.access import MANAGERS, WorkspaceRequest, workspace_page


@require_http_methods(["GET", "HEAD", "POST"])
@workspace_page(roles=MANAGERS)
def preview_design(request: WorkspaceRequest) -> HttpResponse:
    """Render the form, or with `show=thanks` its thank-you page, in the saved design or in the one that was sent."""
    stored = find_form(request.workspace, now=timezone.now())
    design = read_design(stored.design)
    if request.method == "POST":
        form = DesignForm(request.POST, initial=values_of(stored, design))
        form.is_valid()
        design = form.design()
    workspace, night = request.workspace, request.GET.get("time") == "night"
    theme = theme_address(workspace.slug, design, night=night)
    if request.GET.get("show") == "thanks":
        return render_thanks(request, workspace=workspace, design=design, theme=theme)
    return render_form(request, workspace=workspace, content=_content_of(stored), design=design, theme=theme)


@require_safe
@workspace_page(roles=MANAGERS)
def preview_theme(request: WorkspaceRequest) -> HttpResponse:
    """Answer with the stylesheet of colours that stand in the address."""
    return HttpResponse(theme_css(_design_in(request)), content_type="text/css; charset=utf-8")


def theme_address(slug: str, design: Design, *, night: bool) -> str:
    """Return where `preview_theme` answers with a design's stylesheet: the colours of day or night, as they are asked.

    The operator's own device has no say in it.
    """
    colors = darkened(design.colors) if night and design.colors.turns_dark else design.colors
    chosen = {name: getattr(colors, name) for name in COLORS}
    query = urlencode(chosen | {"font": design.font, "layout": design.layout})
    return f"{reverse('admin:form-design-theme', args=[slug])}?{query}"


def _design_in(request: HttpRequest) -> Design:
    given = request.GET
    colors = {name: given[name] for name in COLORS if is_color(given.get(name))}
    font, layout = given.get("font"), given.get("layout")
    return Design(
        colors=Colors(**colors, scheme="fixed"),
        font=font if font in FONTS else "system",
        layout=layout if layout in LAYOUTS else LAYOUTS[0],
    )


def _content_of(stored: LeadForm) -> Content:
    """Take what visitors see; before anything is published, the draft."""
    return read_content(stored.published.content if stored.published else stored.draft)
