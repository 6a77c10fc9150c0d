"""No page that is served shows the host of a stranger: ours, a named provider's or a reserved example, and no other."""

import html
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from coachbot import docs
from conftest import make_dispatch, make_lead
from workspaces.models import Workspace

OURS = "leads.acme.com"
# Named in the documentation and in the settings of integrations, or a specification that a page refers to.
PROVIDERS = ("vapi.ai", "twilio.com", "openai.com", "cal.com", "inngest.com", "w3.org")
# Nobody can own these: RFC 2606 and RFC 6761.
RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.org", "example.net")
START = (
    "/",
    "/docs/",
    "/docs/api",
    "/forms/demo-voice",
    "/forms/demo-voice?embed=1",
    "/forms/demo-whatsapp",
    "/admin/",
)
MOST_PAGES = 600
_url = re.compile(r"(?:https?|wss?)://([^\s/?#\"'<>`)\]}|\\,;…]+)")
_mail_address = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")


class Links(HTMLParser):
    """What a page leads to by GET."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"a", "iframe", "link"} and given.get("href" if tag != "iframe" else "src"):
            self.found.append(str(given["href" if tag != "iframe" else "src"]))


def hosts_in(text: str) -> set[str]:
    """Find what stands behind :// and @ in a page, as a reader sees it."""
    shown = html.unescape(html.unescape(text))
    found = [*_url.findall(shown), *_mail_address.findall(shown)]
    hosts = {host.rpartition("@")[2].lower().rstrip(".") for host in found}
    # `https://…` in a hint names none.
    return hosts - {""}


def is_known(host: str) -> bool:
    name = host.partition(":")[0]
    known = (*PROVIDERS, *RESERVED)
    return name in {OURS, "testserver", "127.0.0.1"} or any(f".{name}".endswith(f".{each}") for each in known)


def walk(client: Client) -> Iterator[tuple[str, str]]:
    """Yield the address and the text of every page that can be reached."""
    waiting, seen = list(START), set(START)
    while waiting:
        path = waiting.pop(0)
        answer = client.get(path, follow=True)
        kind = answer.headers.get("Content-Type", "")
        if answer.streaming or not (kind.startswith("text/") or kind.endswith("json")):
            continue
        text = answer.content.decode()
        yield path, text
        for link in Links(text).found if kind.startswith("text/html") else ():
            target = follow(answer.request["PATH_INFO"], link)
            if target and target not in seen and len(seen) < MOST_PAGES:
                seen.add(target)
                waiting.append(target)


def follow(page: str, link: str) -> str:
    """Return the path of a link to a page of ours; "" for any other, and for lists in another order."""
    parts = urlsplit(urldefrag(link)[0])
    if parts.netloc or parts.scheme or parts.path.startswith("/static/") or "logout" in parts.path:
        return ""
    path = parts.path if parts.path.startswith("/") else f"{page}{parts.path}" if not parts.path else ""
    return path and path + (f"?{parts.query}" if parts.query and "/admin/" not in path else "")


@pytest.fixture
def client_of_demo(db: Any, settings: Settings, tmp_path: Path) -> Client:
    settings.PUBLIC_BASE_URL = f"https://{OURS}"
    settings.DATA_DIR = tmp_path
    call_command("demo", "--json", stdout=io.StringIO())
    for workspace in Workspace.objects.all():
        lead = make_lead(workspace, created_at=timezone.now(), email="jane@example.com")
        make_dispatch(lead)
    client = Client()
    client.force_login(get_user_model().objects.get(username="admin"))
    return client


def test_no_page_shows_the_host_of_a_stranger(client_of_demo: Client) -> None:
    strangers: dict[str, set[str]] = {}
    walked = []
    for path, text in walk(client_of_demo):
        walked.append(path)
        strangers |= {path: found} if (found := {host for host in hosts_in(text) if not is_known(host)}) else {}

    assert {f"/docs/{page.name}" for page in docs.PAGES} <= set(walked)
    assert {"/admin/demo-voice/design", "/admin/demo-voice/leads", "/api/public/openapi.json"} <= set(walked)
    assert strangers == {}


@pytest.mark.parametrize("base", ["https://leads.acme.com", "https://coachbot.example.com", "http://127.0.0.1:8000"])
def test_snippets_of_the_documentation_name_this_server(client: Client, settings: Settings, base: str) -> None:
    settings.PUBLIC_BASE_URL = base

    shown = html.unescape(client.get("/docs/integrators").content.decode())

    assert f'<script async src="{base}/forms/embed.js" data-form="your-slug"></script>' in shown
    assert f'<iframe src="{base}/forms/your-slug?embed=1' in shown
    assert f"curl {base}/api/public/me" in shown


def test_replaces_whole_hosts_alone(settings: Settings) -> None:
    text = (
        "https://coachbot.example/x https://coachbot.example.com/ https://coachbot.example. https://my-coachbot.example"
    )

    assert docs.name_this_server(text, "https://a.test") == (
        "https://a.test/x https://coachbot.example.com/ https://a.test. https://my-coachbot.example"
    )
