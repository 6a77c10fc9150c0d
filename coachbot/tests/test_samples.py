"""The samples of the documentation, run as they are served: what they do on each answer, and after none.

A scripted server answers; the last test sends all of them to the product.
"""

import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from conftest import make_key, make_workspace
from leads.models import Lead

ID = "8f14e45f-ceea-467f-9d2b-1c8f3a0b6d52"
HTML = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
Answer = tuple[int, dict[str, str], str]
CREATED: Answer = (201, {}, json.dumps({"ok": True, "leadId": ID, "status": "new", "messageQueued": True}))
REFUSED_BY_VAPI: Answer = (
    502,
    {},
    json.dumps({"ok": False, "error": "voice_dispatch_failed", "message": "Vapi /call failed"}),
)
BAD_GATEWAY = (502, {"Content-Type": "text/html"}, HTML)
BAD_GATEWAY_AT_ONCE = (502, {"Content-Type": "text/html", "Retry-After": "0"}, HTML)
CUT_OFF = (201, {"Content-Length": "5000"}, '{"ok": tr')


def has_curl_of_php() -> bool:
    php = shutil.which("php")
    return php is not None and subprocess.run([php, "-r", "exit((int) !function_exists('curl_init'));"]).returncode == 0  # noqa: S603


LANGUAGES = [
    pytest.param("python"),
    pytest.param("js", marks=pytest.mark.skipif(shutil.which("node") is None, reason="no node (Debian: nodejs)")),
    pytest.param("php", marks=pytest.mark.skipif(not has_curl_of_php(), reason="no php with curl (php-cli, php-curl)")),
]
COMMANDS = {"python": [sys.executable], "js": ["node"], "php": ["php"]}
KEYS = {"python": "signup-48151624", "js": "signup-48151625", "php": "signup-48151626"}


class Scripted:
    """A server that gives the answers of a list, one after the other, the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[tuple[float, str, Any]] = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                scripted.requests.append((time.monotonic(), self.headers["Idempotency-Key"], body))
                status, headers, text = scripted.answers[min(len(scripted.requests), len(scripted.answers)) - 1]
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(text))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.server.server_bind()
        self.port = self.server.server_port

    def listen(self) -> None:
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def pauses(self) -> list[float]:
        times = [at for at, _key, _body in self.requests]
        return [after - before for before, after in zip(times, times[1:], strict=False)]


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.server.shutdown()
    server.server.server_close()


Run = Callable[[str], "subprocess.CompletedProcess[str]"]


def sample_of(language: str, *, base: str) -> str:
    """Read a sample out of the page, as a reader copies it."""
    page = Client().get("/docs/integrators").content.decode()
    blocks = [
        html.unescape(block) for block in re.findall(rf'<code class="language-{language}">(.*?)</code>', page, re.S)
    ]
    found = [block for block in blocks if f"{base}/api/public" in block and "signup-" in block]
    assert len(found) == 1, language
    return found[0]


def start(language: str, source: str, folder: Path, *, key: str) -> "subprocess.Popen[str]":
    file = folder / f"sample.{'cjs' if language == 'js' else language}"
    file.write_text(source)
    env = {"PATH": os.environ["PATH"], "COACHBOT_KEY": key, "HOME": str(folder), "NO_PROXY": "*"}
    return subprocess.Popen(  # noqa: S603
        [*COMMANDS[language], str(file)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )


@pytest.fixture
def run(scripted: Scripted, settings: Settings, tmp_path: Path) -> Callable[..., Any]:
    """Run a sample against the scripted server; returns its exit status and what it wrote."""
    settings.PUBLIC_BASE_URL = f"http://127.0.0.1:{scripted.port}"

    def run(language: str, *answers: Answer, listens_after_s: float = 0) -> tuple[int, str, str]:
        scripted.answers = list(answers)
        source = sample_of(language, base=settings.PUBLIC_BASE_URL)
        if not listens_after_s:
            scripted.listen()
        process = start(language, source, tmp_path, key="ck_test_" + "0" * 32)
        if listens_after_s:
            time.sleep(listens_after_s)
            scripted.listen()
        said, complained = process.communicate(timeout=60)
        return process.returncode, said.strip(), complained.strip()

    return run


@pytest.mark.parametrize("language", LANGUAGES)
class TestASample:
    def test_prints_the_id_of_a_lead_that_was_taken(self, language: str, run: Any, scripted: Scripted) -> None:
        assert run(language, CREATED) == (0, ID, "")
        assert [key for _at, key, _body in scripted.requests] == [KEYS[language]]
        body = scripted.requests[0][2]
        assert (body["name"], body["consent"]) == ("Jane Doe", True)

    def test_takes_a_known_phone_for_done(self, language: str, run: Any, scripted: Scripted) -> None:
        known: Answer = (409, {}, json.dumps({"ok": False, "error": "duplicate_phone", "leadId": ID}))

        assert run(language, known) == (0, ID, "")
        assert len(scripted.requests) == 1

    @pytest.mark.parametrize("first", [REFUSED_BY_VAPI, BAD_GATEWAY, CUT_OFF], ids=["json", "html", "cut-off"])
    def test_tries_again_after_a_failure_that_passes(
        self, language: str, first: Answer, run: Any, scripted: Scripted
    ) -> None:
        assert run(language, first, CREATED) == (0, ID, "")
        assert [key for _at, key, _body in scripted.requests] == [KEYS[language]] * 2
        assert scripted.requests[0][2] == scripted.requests[1][2]
        assert 0.9 < scripted.pauses()[0] < 5

    @pytest.mark.parametrize(
        ("status", "error"),
        [(429, "Rate limit exceeded. Wait a minute before retrying."), (409, "idempotency_in_progress")],
    )
    def test_waits_as_long_as_it_is_told(
        self, language: str, status: int, error: str, run: Any, scripted: Scripted
    ) -> None:
        busy = (status, {"Retry-After": "3"}, json.dumps({"ok": False, "error": error}))

        assert run(language, busy, CREATED) == (0, ID, "")
        assert 2.9 < scripted.pauses()[0] < 8

    def test_does_not_read_a_date_as_a_number(self, language: str, run: Any, scripted: Scripted) -> None:
        later = (503, {"Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT"}, HTML)

        assert run(language, later, CREATED) == (0, ID, "")
        assert 0.9 < scripted.pauses()[0] < 5

    def test_gets_through_once_the_server_listens(self, language: str, run: Any, scripted: Scripted) -> None:
        assert run(language, CREATED, listens_after_s=2) == (0, ID, "")
        assert [key for _at, key, _body in scripted.requests] == [KEYS[language]]

    def test_gives_up_in_one_line(self, language: str, run: Any, scripted: Scripted) -> None:
        assert run(language, BAD_GATEWAY_AT_ONCE) == (1, "", "Lead not sent: status 502")
        assert len(scripted.requests) == 5

    def test_does_not_wait_for_an_hour(self, language: str, run: Any, scripted: Scripted) -> None:
        full = (429, {"Retry-After": "3000"}, json.dumps({"ok": False, "error": "Hourly rate limit exceeded."}))

        assert run(language, full) == (1, "", "Lead not sent: Hourly rate limit exceeded.")
        assert len(scripted.requests) == 1

    def test_repeats_nothing_that_stays_wrong(self, language: str, run: Any, scripted: Scripted) -> None:
        issues = [{"path": ["phone"], "message": "Phone must be a valid E.164-style number."}]
        wrong: Answer = (400, {}, json.dumps({"ok": False, "error": "Validation failed.", "issues": issues}))

        status, said, complained = run(language, wrong)

        assert (status, said, len(scripted.requests)) == (1, "", 1)
        assert complained.startswith("Lead not sent: Validation failed. [")
        assert "Phone must be a valid E.164-style number." in complained
        assert "\n" not in complained

    @pytest.mark.parametrize("text", ["null", "[]", '"busy"', ""])
    def test_survives_whatever_else_comes_back(self, language: str, text: str, run: Any, scripted: Scripted) -> None:
        assert run(language, (200, {}, text)) == (1, "", "Lead not sent: status 200")


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_gives_up_where_nothing_listens(language: str, settings: Settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.PUBLIC_BASE_URL = f"http://127.0.0.1:{taken.getsockname()[1]}"
    process = start(language, sample_of(language, base=settings.PUBLIC_BASE_URL), tmp_path, key="ck_test_" + "0" * 32)

    said, complained = process.communicate(timeout=60)

    assert (process.returncode, said, complained.strip()) == (1, "", "Lead not sent: no answer")


def test_no_two_samples_have_one_idempotency_key(client: Client) -> None:
    page = html.unescape(client.get("/docs/integrators").content.decode())

    keys = re.findall(r"signup-\d+", page)

    assert sorted(keys) == [f"signup-4815162{n}" for n in (3, 4, 5, 6)]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node (Debian: nodejs)")
@pytest.mark.skipif(not has_curl_of_php(), reason="no php with curl (Debian: php-cli, php-curl)")
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
@pytest.mark.serial
@pytest.mark.django_db(transaction=True)
def test_every_sample_sends_a_lead_to_the_product(live_server: LiveServer, settings: Settings, tmp_path: Path) -> None:
    settings.PUBLIC_BASE_URL = live_server.url
    key = make_key(make_workspace(), mode="test")
    page = Client().get("/docs/integrators").content.decode()
    blocks = [html.unescape(each) for each in re.findall(r'<code class="language-bash">(.*?)</code>', page, re.S)]
    (line,) = [block for block in blocks if "Idempotency-Key" in block]

    curl = subprocess.run(["bash", "-c", line], env={**os.environ, "COACHBOT_KEY": key}, capture_output=True)  # noqa: S603, S607
    said = [json.loads(curl.stdout)["leadId"]]
    for language in COMMANDS:
        process = start(language, sample_of(language, base=live_server.url), tmp_path, key=key)
        printed, complained = process.communicate(timeout=60)
        assert (process.returncode, complained) == (0, "")
        said.append(printed.strip())

    assert sorted(said) == sorted(str(pk) for pk in Lead.objects.values_list("pk", flat=True))
    assert len(said) == 4
