"""A real browser against a real server, in both schemes and at both ends of the widths."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

# Playwright's loop runs in this thread, and Django takes that for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
ASK_AXE = """([within, options]) => axe.run(within, options).then(({ violations }) =>
  violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`)))"""
# Colours on their way to others are none that anybody reads.
ARRIVE = "for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish()"


def find_chromium() -> str | None:
    """Find the browser that CHROMIUM names, or one on the path."""
    names = (os.environ.get("CHROMIUM"), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep SQLite in a file, as the product does: in memory, requests that meet are refused instead of waiting."""
    database = django_settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("TEST", {})["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start Playwright's driver."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Start this machine's own Chromium; Playwright's downloads are not wanted."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium: set CHROMIUM to one")
    started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    yield started
    started.close()


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, settings: Settings
) -> Iterator[Callable[..., tuple[Page, list[str]]]]:
    """Return a function that opens a page with a look, and the list that its console's complaints go to."""
    settings.PUBLIC_BASE_URL = live_server.url
    contexts: list[BrowserContext] = []

    def open_one(*, scheme: str = "light", width: int = 1280, **options: Any) -> tuple[Page, list[str]]:
        context = browser.new_context(
            base_url=live_server.url,
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 800},
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page, complaints = context.new_page(), []

        def note(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                complaints.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page, complaints

    yield open_one
    for context in contexts:
        context.close()


def sign_in(page: Page, username: str, password: str) -> None:
    """Sign in through the login page; who only wants to be in uses `enter_as`."""
    page.goto("/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def enter_as(page: Page, username: str) -> None:
    """Be signed in from the start, by a cookie: no page is loaded and no password hashed."""
    client = Client()
    client.force_login(get_user_model().objects.get(username=username))
    name = django_settings.SESSION_COOKIE_NAME
    value, url = client.cookies[name].value, django_settings.PUBLIC_BASE_URL
    page.context.add_cookies([{"name": name, "value": value, "url": url}])


def violations(page: Page, *, within: str = "html") -> list[str]:
    """Ask axe for what breaks WCAG 2.2 A and AA. It evals, which CSP reports: read the console before."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(ASK_AXE, [within, RULES])
    return [f"{page.url} {line}" for line in found]


def faults(page: Page, complaints: list[str], *, within: str = "html") -> list[str]:
    """Look at a page small and light, then large and dark: what its console says, what overflows, what axe finds.

    Each scheme and each width has its turn, with every rule; not each pair of them, which found nothing else.
    `within` is a selector: axe looks at nothing else.
    """
    found = [f"{page.url} {complaint}" for complaint in complaints]
    before = page.viewport_size
    for scheme, width in (("light", 390), ("dark", 1280)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(ARRIVE)
        found += [f"{page.url} scrolls sideways at {width}"] if overflows(page) else []
        found += [f"{scheme} {width} {each}" for each in violations(page, within=within)]
    page.set_viewport_size(before or {"width": 1280, "height": 800})
    complaints.clear()
    return found


def overflows(page: Page) -> bool:
    """Say whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
