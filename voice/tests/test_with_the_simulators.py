"""A lead's way to Vapi and back, over real sockets: the Public API on one side, the simulators on the other."""

import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conftest import make_key, make_workspace
from leads.channels import get_channel
from leads.erasure import erase_leads
from leads.models import Dispatch, Erasure, Lead
from leads.suppression import suppress
from voice.models import CallSession
from voice.tests.factories import dispatch_of, secret_of
from workspaces.models import Workspace

pytestmark = [pytest.mark.django_db, pytest.mark.serial]

Event = tuple[str, dict[str, str], bytes]


class Simulators:
    """The process and a word with it."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def _told(self, phone: str) -> Any:
        return requests.get(f"{self.base_url}/_sim/calls", params={"number": phone}, timeout=5).json()

    def rang(self, phone: str) -> int:
        return int(self._told(phone)["rang"].get(phone, 0))

    def begin_scheduled(self) -> None:
        requests.post(f"{self.base_url}/_sim/vapi/begin", json={}, timeout=5).raise_for_status()

    def calls(self, phone: str) -> int:
        return int(self._told(phone)["total"])


@pytest.fixture(scope="module")
def simulators() -> Iterator[Simulators]:
    command = [sys.executable, "-m", "simulators", "--port", "0", "--latency", "0", "--event-delay", "0.05"]
    with subprocess.Popen([*command, "--timeout-sleep", "1.5"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Simulators(process.stdout.readline().split()[-1])
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def events() -> Iterator[tuple[str, "queue.Queue[Event]"]]:
    """Take what the simulators post, so that the test can pass it on in its own time."""
    taken: queue.Queue[Event] = queue.Queue()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.put((self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    server.server_close()


@pytest.fixture
def workspace(simulators: Simulators, events: Any, settings: Settings) -> Workspace:
    settings.VAPI_BASE_URL = f"{simulators.base_url}/vapi"
    settings.PUBLIC_BASE_URL = events[0]
    settings.VAPI_TIMEOUT_S = 0.5
    settings.DISPATCH_LOOK_AGAIN_S = 0.1
    return make_workspace()


@pytest.fixture
def submit(workspace: Workspace) -> Callable[[str], Any]:
    key = make_key(workspace)

    def post(phone: str) -> Any:
        body = {"name": "Jane Doe", "phone": phone, "consent": True}
        headers = {"authorization": f"Bearer {key}"}
        return Client().post("/api/public/leads", body, content_type="application/json", headers=headers)

    return post


def pass_on(taken: "queue.Queue[Event]", count: int) -> None:
    """Deliver the next events to us, as they were posted."""
    for _ in range(count):
        path, headers, body = taken.get(timeout=5)
        shown = {"x-vapi-secret": headers["X-Vapi-Secret"]}
        answer = Client().post(path, body, content_type="application/json", headers=shown)
        assert (answer.status_code, answer.json()) == (200, {"ok": True})


def wait_for_ring(simulators: Simulators, phone: str) -> None:
    deadline = time.monotonic() + 5
    while not simulators.rang(phone) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_lead_is_called_and_its_call_is_told_to_the_end(submit: Any, events: Any, simulators: Simulators) -> None:
    answer = submit("+15555550101").json()
    assert (answer["ok"], answer["status"], answer["callQueued"]) == (True, "in_progress", True)
    session = CallSession.objects.get(vapi_call_id=answer["vapiCallId"])
    pass_on(events[1], 4)
    shown = get_channel("voice").latest_call(session.lead_id) or {}
    assert (shown["status"], shown["endedReason"]) == ("ended", "customer-ended-call")
    session.refresh_from_db()
    assert 0.2 <= (session.duration_s or 0) < 5
    assert shown["startedAt"] < shown["endedAt"]
    assert shown["summary"].startswith("Jane confirmed interest")
    recording = Client().get(shown["recordingUrl"].removeprefix(events[0]))
    assert recording.status_code == 302
    assert recording["Location"].endswith(".wav?signature=sim")
    assert simulators.rang("+15555550101") == 1
    assert (Lead.objects.get().status, Dispatch.objects.get().status) == ("in_conversation", "done")


@pytest.mark.parametrize(
    ("phone", "message"),
    [
        ("+15555550400", 'Vapi /call failed (400): {"message": ["customer.number is not reachable'),
        ("+15555550401", 'Vapi /call failed (401): {"message": "Invalid Key.'),
        ("+15555550402", 'Vapi /call failed (400): {"message": "Couldn\'t Start Call. Numbers Bought On Vapi'),
        ("+15555550429", 'Vapi /call failed (429): {"message": "Rate limit exceeded"'),
        ("+15555550500", 'Vapi /call failed (500): {"statusCode": 500, "message": "Internal server error"}'),
        ("+15555550502", "Vapi /call failed (502): <!DOCTYPE html><html><head><title>502 Bad gateway"),
        ("+15555550503", "Vapi /call failed (500): xxxxxxxxxx"),
        ("+15555550505", "Vapi /call failed: timed out"),
        ("+15555550507", "Vapi /call failed: connection closed before the answer was complete"),
    ],
)
def test_a_refused_lead_is_taken_back_and_nobody_is_rung(
    submit: Any, simulators: Simulators, phone: str, message: str
) -> None:
    answer = submit(phone)
    body = answer.json()
    assert (answer.status_code, body["ok"], body["error"]) == (502, False, "voice_dispatch_failed")
    assert body["message"].startswith(message)
    assert (Lead.objects.count(), CallSession.objects.count(), simulators.calls(phone)) == (0, 0, 0)


def test_the_page_of_a_gateway_is_quoted_without_mojibake(submit: Any) -> None:
    assert "Bad gateway · Fehlerhaftes Gateway – 不正なゲートウェイ" in submit("+15555550502").json()["message"]


def test_8_mb_are_quoted_to_64_kb(submit: Any) -> None:
    assert submit("+15555550503").json()["message"] == "Vapi /call failed (500): " + "x" * 65_536


@pytest.mark.parametrize("phone", ["+15555550504", "+15555550506", "+15555550508", "+15555550509"])
def test_never_rings_twice_when_the_answer_is_lost(submit: Any, simulators: Simulators, phone: str) -> None:
    answer = submit(phone)
    assert answer.status_code == 201
    wait_for_ring(simulators, phone)
    assert submit(phone).status_code == 409
    assert (simulators.calls(phone), simulators.rang(phone)) == (1, 1)
    assert answer.json()["vapiCallId"] == CallSession.objects.get().vapi_call_id


def test_nobody_there_is_told_in_words(submit: Any, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.VAPI_BASE_URL = f"http://127.0.0.1:{taken.getsockname()[1]}"
    answer = submit("+15555550102")
    assert (answer.status_code, answer.json()["message"]) == (502, "Vapi /call failed: connection refused")
    assert Lead.objects.count() == 0


def test_a_call_that_found_all_lines_busy_is_kept_for_later(submit: Any, events: Any, simulators: Simulators) -> None:
    answer = submit("+15555550600")
    assert (answer.status_code, answer.json()["vapiCallId"]) == (201, None)
    pass_on(events[1], 1)
    assert Dispatch.objects.get().status == "pending"
    assert (Lead.objects.get().status, simulators.rang("+15555550600")) == ("new", 0)


def test_a_call_that_ended_for_want_of_credits_needs_a_human(submit: Any, events: Any) -> None:
    assert submit("+15555550601").status_code == 201
    pass_on(events[1], 2)
    assert (Dispatch.objects.get().status, Lead.objects.get().status) == ("failed", "needs_human")
    assert "run out of credits" in Dispatch.objects.get().reason


@pytest.mark.parametrize(
    ("phone", "count", "outcome"), [("+15555550700", 3, "no_answer"), ("+15555550701", 4, "voicemail")]
)
def test_nobody_answers(submit: Any, events: Any, phone: str, count: int, outcome: str) -> None:
    submit(phone)
    pass_on(events[1], count)
    session = CallSession.objects.get()
    assert (session.status, session.outcome, dispatch_of(session).status) == ("ended", outcome, "done")


def test_events_twice_and_out_of_order_come_to_the_same(submit: Any, events: Any) -> None:
    submit("+15555550800")
    pass_on(events[1], 8)
    session = CallSession.objects.get()
    assert (session.status, session.vapi_status, session.outcome) == ("ended", "ended", "completed")
    assert session.transcript is not None


def sweep_when_due() -> None:
    Dispatch.objects.filter(status="pending").update(due_at=timezone.now() - timedelta(seconds=1))
    Erasure.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    CallSession.objects.filter(vapi_status="scheduled").update(updated_at=timezone.now() - timedelta(minutes=1))
    call_command("sweep")


def test_who_never_picks_up_is_called_as_often_as_the_workspace_says(
    submit: Any, events: Any, simulators: Simulators, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(no_answer_retries=2)
    submit("+15555620700")
    for _ in range(3):
        pass_on(events[1], 3)
        sweep_when_due()
    sweep_when_due()
    assert (simulators.rang("+15555620700"), CallSession.objects.count()) == (3, 3)
    assert Lead.objects.get().status == "needs_human"


def hours_that_begin_later() -> dict[str, Any]:
    since, until = (timezone.now() + timedelta(hours=hours) for hours in (3, 5))
    return {"calling_from": since.time(), "calling_until": until.time()}


def test_a_call_outside_the_hours_waits_at_vapi_and_is_made_when_they_begin(
    submit: Any, events: Any, simulators: Simulators, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(**hours_that_begin_later())
    answer = submit("+15555560111")
    assert (answer.status_code, answer.json()["callQueued"]) == (201, True)
    sweep_when_due()
    assert (simulators.calls("+15555560111"), simulators.rang("+15555560111")) == (1, 0)
    assert CallSession.objects.get().vapi_status == "scheduled"
    simulators.begin_scheduled()
    pass_on(events[1], 4)
    assert (simulators.rang("+15555560111"), Lead.objects.get().status) == (1, "in_conversation")


def test_a_call_that_waits_is_taken_back_when_the_lead_opts_out(
    submit: Any, events: Any, simulators: Simulators, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(**hours_that_begin_later())
    submit("+15555560112")
    suppress(workspace_id=workspace.pk, phone="+15555560112", reason="stop", now=timezone.now())
    sweep_when_due()
    simulators.begin_scheduled()
    pass_on(events[1], 1)
    assert CallSession.objects.get().ended_reason == "scheduled-call-deleted"
    assert simulators.rang("+15555560112") == 0


def test_an_erased_lead_s_calls_are_gone_at_vapi(submit: Any, events: Any, simulators: Simulators) -> None:
    call_id = submit("+15555550903").json()["vapiCallId"]
    erase_leads(Lead.objects.all(), now=timezone.now())
    pass_on(events[1], 4)
    # Its recordings are not deleted at the first request.
    sweep_when_due()
    assert Erasure.objects.get().reason == "OutcomeUnknown, status 503"
    sweep_when_due()
    assert not Erasure.objects.exists()
    gone = requests.get(
        f"{simulators.base_url}/vapi/call/{call_id}", headers={"Authorization": "Bearer any"}, timeout=5
    )
    assert gone.status_code == 404


def test_a_lead_calls_back(submit: Any, events: Any, simulators: Simulators, workspace: Workspace) -> None:
    submit("+12125550700")
    pass_on(events[1], 3)
    wanted = {"url": f"{events[0]}/api/vapi/{workspace.pk}/events", "secret": secret_of(workspace)}
    caller = {"from": "+12125550700", "name": "Jane"}

    requests.post(f"{simulators.base_url}/_sim/vapi/inbound", json=wanted | caller, timeout=5).raise_for_status()
    pass_on(events[1], 4)

    lead = Lead.objects.get()
    assert lead.status == "in_conversation"
    calls = CallSession.objects.order_by("created_at").values_list("inbound", "outcome")
    assert list(calls) == [(False, "no_answer"), (True, "completed")]
    assert simulators.rang("+12125550700") == 1
