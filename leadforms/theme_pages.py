"""The stylesheet and the logo that a hosted form loads, each under an address that changes with its content."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from leadforms.design import read_design, theme_css, theme_digest
from leadforms.models import LeadForm, Logo
from workspaces.models import Workspace

FOR_EVER = "public, max-age=31536000, immutable"
# Under an old name the present looks are still better than none, to a page that is open or kept by a cache.
FOR_A_MINUTE = "public, max-age=60"


@require_safe
def show_theme(_request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Answer with the form's colours and font."""
    stored = LeadForm.objects.filter(workspace__slug=slug).values_list("design", flat=True).first()
    if stored is None and not Workspace.objects.filter(slug=slug).exists():
        raise Http404("No such workspace.")
    design = read_design(stored)
    return _answer(theme_css(design), "text/css; charset=utf-8", current=digest == theme_digest(design))


@require_safe
def show_logo(_request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    """Answer with the form's logo."""
    logo = Logo.objects.filter(form__workspace__slug=slug).only("content", "content_type", "digest").first()
    if logo is None:
        raise Http404("No such logo.")
    return _answer(bytes(logo.content), logo.content_type, current=digest == logo.digest)


def _answer(content: str | bytes, content_type: str, *, current: bool) -> HttpResponse:
    headers = {
        "Cache-Control": FOR_EVER if current else FOR_A_MINUTE,
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)
