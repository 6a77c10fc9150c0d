"""The hosted form in another site's page, in a real browser."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Frame, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from leadforms.models import LeadForm
from leads.models import Lead
from tests.browser.hosted import fill_all, fill_contact, make_northlight, next_step
from workspaces.models import Workspace

pytestmark = [pytest.mark.browser, pytest.mark.serial, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., tuple[Page, list[str]]]


@pytest.fixture(autouse=True)
def workspace(settings: Settings) -> Workspace:
    return make_northlight(settings)


@pytest.fixture
def host() -> Iterator[Callable[[str], str]]:
    """Serve a page of another site, whose body is given; returns its address."""
    served: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.get("body", "").encode()
            if self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/page")
            else:
                self.send_response(200 if self.path.startswith("/page") else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(body: str) -> str:
        served["body"] = f"<!doctype html><html lang=en><title>Host</title><body>{body}"
        return f"http://localhost:{server.server_port}/page"

    yield serve
    server.shutdown()
    server.server_close()


def embedding(live_server: LiveServer, attributes: str = "") -> str:
    listen = (
        "<script>window.heard = [];"
        "document.addEventListener('coachbot:submitted', (event) => heard.push(event.detail));</script>"
    )
    src = f"{live_server.url}/forms/embed.js"
    return f'{listen}<main><script async src="{src}" data-form="northlight" {attributes}></script></main>'


def the_frame(page: Page) -> Frame:
    element = page.wait_for_selector("iframe")
    frame = element.content_frame() if element else None
    assert frame is not None
    frame.wait_for_selector("form[data-ready]")
    return frame


def test_one_script_embeds_it_with_what_the_page_knows(
    open_page: OpenPage, live_server: LiveServer, host: Callable[[str], str]
) -> None:
    address = host(embedding(live_server, 'data-name="Ada" data-plan="Gold"'))
    LeadForm.objects.update(embed_origins=[address.removesuffix("/page")])
    page, complaints = open_page(width=390)
    page.goto(f"{address}?utm_source=ad&msclkid=5", referer="https://search.example/")

    frame = the_frame(page)
    expect(page.locator("iframe")).to_have_attribute("title", "Let us talk about your work")
    page.wait_for_function("document.querySelector('iframe').clientHeight > 500")
    frame.wait_for_function("document.documentElement.scrollHeight <= innerHeight + 1")
    frame.get_by_label("This year").check()
    next_step(frame)
    next_step(frame)
    expect(frame.get_by_label("Your name")).to_have_value("Ada")
    fill_contact(frame)
    frame.get_by_role("button", name="Send").click()

    expect(frame.get_by_role("heading", name="Thank you")).to_be_visible()
    page.wait_for_function("heard.length")
    # As short as what is in it now.
    page.wait_for_function("document.querySelector('iframe').offsetHeight < 400")
    assert page.evaluate("heard") == [{"form": "northlight"}]
    lead = Lead.objects.get()
    assert lead.form_responses == {"q_start0": "This year", "q_plan00": "Gold"}
    assert lead.metadata == {
        **{"utm_source": "ad", "msclkid": "5"},
        **{"referrer": "https://search.example/", "landing_page": address},
    }
    assert lead.consent.page_url == f"{live_server.url}/forms/northlight"
    assert lead.consent.embedded_by == address.removesuffix("/page")
    assert complaints == []


def test_a_site_that_is_not_named_can_not_embed_it(
    open_page: OpenPage, live_server: LiveServer, host: Callable[[str], str]
) -> None:
    LeadForm.objects.update(embed_origins=["https://somebody-else.example"])
    page, _complaints = open_page()

    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(host(embedding(live_server)))
    assert all("Let us talk" not in frame.content() for frame in page.frames[1:] if "forms" in frame.url)


def test_after_an_embedded_form_the_whole_window_goes_on(
    open_page: OpenPage, live_server: LiveServer, host: Callable[[str], str]
) -> None:
    address = host(embedding(live_server))
    design = {"redirectUrl": f"{address}?after"}
    LeadForm.objects.update(embed_origins=[address.removesuffix("/page")], design=design)
    page, _complaints = open_page()
    page.goto(address)

    fill_all(the_frame(page))

    expect(page).to_have_url(f"{address}?after")
    assert Lead.objects.count() == 1


def test_a_plain_frame_works_without_scripts(
    open_page: OpenPage, live_server: LiveServer, host: Callable[[str], str]
) -> None:
    address = host(
        f'<iframe title="Form" height=3000 width=600 src="{live_server.url}/forms/northlight?embed=1"></iframe>'
    )
    LeadForm.objects.update(embed_origins=[address.removesuffix("/page")], design={"redirectUrl": f"{address}?after"})
    page, _complaints = open_page(java_script_enabled=False)
    page.goto(address)
    frame = page.frames[1]

    frame.get_by_label("Now").check()
    fill_contact(frame)
    frame.get_by_role("button", name="Send").click()
    frame.get_by_role("link", name="Continue").click()

    expect(page).to_have_url(f"{address}?after")


def test_a_configured_page_comes_after_it_though_it_has_moved(open_page: OpenPage, host: Callable[[str], str]) -> None:
    address = host("After")
    LeadForm.objects.update(design={"redirectUrl": address.replace("/page", "/moved")})
    page, complaints = open_page()
    page.goto("/forms/northlight")

    fill_all(page)

    expect(page).to_have_url(address.replace("localhost", "127.0.0.1"))
    page.goto("/forms/northlight")
    expect(page.get_by_label("This year")).not_to_be_checked()
    assert complaints == []
