"""What the hosted form's pages may load, who may show them in a frame, and where their form may lead."""

from collections.abc import Sequence

from django.http import HttpResponse

from leadforms.addresses import origin_of

_BASE = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'"


def set_policy(response: HttpResponse, *, framed_by: Sequence[str] = (), redirect_url: str = "") -> HttpResponse:
    """Write the policy of an answer. `framed_by` are origins; none is nobody."""
    # Chromium asks form-action about every hop of the answer to a form, the last one too.
    return _write(response, targets=["'self'", *_spellings(redirect_url)], ancestors=framed_by or ["'none'"])


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


def _spellings(url: str) -> list[str]:
    """Return the origin of an address, with and without www: sites send from one to the other."""
    if not url:
        return []
    scheme, _, host = origin_of(url).partition("://")
    other = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    return [f"{scheme}://{host}", f"{scheme}://{other}"]
