"""A real browser against a real server, in both schemes and at both ends of the widths."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
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
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (390, 1280)]


def find_chromium() -> str | None:
    """Find the browser that CHROMIUM names, or one on the path."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


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
    """Sign in through the login page."""
    page.goto("/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def violations(page: Page) -> list[str]:
    """Ask axe for what breaks WCAG 2.2 A and AA. It evals, which CSP reports: read the console before."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{page.url} {item['id']}: {node['html'][:160]}" for item in found for node in item["nodes"]]


def overflows(page: Page) -> bool:
    """Say whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
