"""What the hosted form's pages may load, who may show them in a frame, and where their form may lead."""

from collections.abc import Sequence

from django.http import HttpResponse

_BASE = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'"


def set_policy(response: HttpResponse, *, framed_by: Sequence[str] = (), leads_on: bool = False) -> HttpResponse:
    """Write the policy of an answer. `framed_by`: origins, none is nobody. `leads_on`: to another site, when sent."""
    # Chromium asks form-action about every hop of the answer to a form, and who knows where another site sends on to.
    targets = ["'self'", "https:", "http:"] if leads_on else ["'self'"]
    return _write(response, targets=targets, ancestors=framed_by or ["'none'"])


def set_preview_policy(response: HttpResponse) -> HttpResponse:
    """Write the policy of a page that stands in a frame of ours and can't be sent."""
    return _write(response, targets=["'none'"], ancestors=["'self'"])


def _write(response: HttpResponse, *, targets: Sequence[str], ancestors: Sequence[str]) -> HttpResponse:
    response.headers["Content-Security-Policy"] = "; ".join(
        (_BASE, f"form-action {' '.join(targets)}", f"frame-ancestors {' '.join(ancestors)}")
    )
    # Older browsers would take this for the last word, and it knows no list.
    response.xframe_options_exempt = True
    return response
