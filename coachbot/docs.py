"""The documentation at /docs/: docs/*.md as pages, its images, and the API reference."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render as render_template
from django.urls import path, reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from coachbot.markdown import Document

# The one placeholder in the files. Whole hosts only: a prefix of another host would turn it into a stranger's.
_example_url = re.compile(r"https://coachbot\.example(?![\w-]|\.\w)")
IMAGE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml", ".webp": "image/webp"}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the documentation; its file is docs/<name>.md."""

    name: str
    title: str
    summary: str

    @property
    def url(self) -> str:
        """Where it is served."""
        return reverse("docs-page", args=[self.name])


PAGES = (
    Page("integrators", "Sending leads", "The Public API for your backend: keys, fields, errors, retries, test keys."),
    Page("operators", "Working with leads", "For the business: workspaces, agents, keys, and what to do when."),
    Page("vapi", "Connecting Vapi", "Voice: the account, the assistant, the phone number."),
    Page("twilio", "Connecting Twilio", "WhatsApp: the sender, the first message, OpenAI."),
    Page("running", "Running Coachbot", "Deploying, configuring, upgrading and watching a server."),
    Page("simulators", "Simulators", "Stand-ins for the providers, for development and tests."),
)


def folder() -> Path:
    """Return where the Markdown files are."""
    return Path(settings.BASE_DIR) / "docs"


def served_link(target: str) -> str:
    """Turn a link of a Markdown file (`vapi.md#keys`, `img/x.png`) into the address it is served at."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
        return target
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    if parts.path.startswith("img/"):
        return reverse("docs-image", args=[parts.path.removeprefix("img/")])
    return reverse("docs-page", args=[parts.path.removesuffix(".md")]) + fragment


@lru_cache(maxsize=64)
def _read(file: Path, changed_ns: int, public_base_url: str) -> "Document":
    # Not at the top: every process loads the URLs, few render a page.
    from coachbot import markdown

    text = name_this_server(file.read_text(encoding="utf-8"), public_base_url)
    return markdown.render(text, link=served_link)


def name_this_server(text: str, public_base_url: str) -> str:
    """Replace the placeholder of the files with the address of the server that the pages come from."""
    return _example_url.sub(lambda _found: public_base_url, text)


def read_page(name: str) -> "Document":
    """Render a page, or return it as rendered before. Raises Http404 for a name that is no page."""
    if name not in {page.name for page in PAGES}:
        raise Http404("No such page.")
    file = folder() / f"{name}.md"
    return _read(file, file.stat().st_mtime_ns, settings.PUBLIC_BASE_URL)


def _context(current: str, **extra: Any) -> dict[str, Any]:
    return {"pages": PAGES, "current": current} | extra


@require_safe
@cache_control(public=True, max_age=300)
def index(request: HttpRequest) -> HttpResponse:
    """List the pages."""
    return render_template(request, "docs/index.html", _context(""))


@require_safe
@cache_control(public=True, max_age=300)
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Show a page."""
    document = read_page(name)
    return render_template(request, "docs/page.html", _context(name, document=document))


@require_safe
@cache_control(public=True, max_age=86_400)
def image(request: HttpRequest, name: str) -> HttpResponse:
    """Serve an image of docs/img."""
    file = next((file for file in images() if file.name == name), None)
    if file is None:
        raise Http404("No such image.")
    return HttpResponse(file.read_bytes(), content_type=IMAGE_TYPES[file.suffix])


def images() -> Iterator[Path]:
    """Find the images: what is asked for is looked up among them, never joined to a path."""
    return (file for file in (folder() / "img").glob("*") if file.suffix in IMAGE_TYPES and file.is_file())


@require_safe
@cache_control(public=True, max_age=300)
def api(request: HttpRequest) -> HttpResponse:
    """Show the reference of the Public API, made from its OpenAPI description."""
    from coachbot import api_reference

    return render_template(request, "docs/api.html", _context("api", reference=api_reference.read()))


urlpatterns = [
    path("", index, name="docs-index"),
    path("api", api, name="docs-api"),
    path("img/<str:name>", image, name="docs-image"),
    path("<slug:name>", page, name="docs-page"),
]
