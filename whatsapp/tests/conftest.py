"""The wires of OpenAI, Twilio and Inngest, and a stand-in for Inngest's executor."""

import hashlib
import hmac
import json
import re
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import responses
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conftest import make_dispatch, make_lead, make_workspace
from leads.models import Dispatch, Lead
from providers import inngest as wire_inngest
from providers.twilio import signature
from whatsapp.models import AgentTurn, Message

with warnings.catch_warnings():
    # The SDK still writes its models the way pydantic deprecates.
    warnings.simplefilter("ignore")
    import inngest
    import inngest.django

OPENAI = "https://api.openai.com/v1/responses"
TWILIO = re.compile(r"https://api\.twilio\.com/2010-04-01/Accounts/AC0{32}/Messages\.json.*")
SIGNING_KEY = "0123456789abcdef0123456789abcdef"
SID = "SM" + "b" * 32


def reply(text: str = "Hi Jane! What would you like to achieve?", **overrides: Any) -> dict[str, Any]:
    """Make OpenAI's answer."""
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]},
        ],
        "usage": {"input_tokens": 312, "output_tokens": 18},
        **overrides,
    }


def message(**overrides: Any) -> dict[str, Any]:
    """Make Twilio's message."""
    return {
        "sid": SID,
        "status": "queued",
        "body": "Hi Jane! What would you like to achieve?",
        "error_code": None,
        "date_created": "Sun, 07 Jun 2026 13:03:40 +0000",
        **overrides,
    }


def _text(body: Any) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)


@dataclass
class Wire:
    """What went over the wire, and what comes back."""

    mock: responses.RequestsMock

    def openai(self, **answer: Any) -> None:
        """Let OpenAI answer; several calls are several answers, the last one stays."""
        self.mock.add(responses.POST, OPENAI, **(answer or {"json": reply()}))

    def twilio(self, **answer: Any) -> None:
        """Let Twilio answer a send."""
        self.mock.add(responses.POST, TWILIO, **(answer or {"json": message(), "status": 201}))

    def twilio_each(self) -> None:
        """Let Twilio take any number of messages, each under an id of its own."""

        def take(request: Any) -> Any:
            return 201, {}, json.dumps(message(sid=f"SM{next(_sids):032d}"))

        self.mock.add_callback(responses.POST, TWILIO, callback=take)

    def twilio_list(self, *messages: dict[str, Any], **answer: Any) -> None:
        """Let Twilio list what it has."""
        self.mock.add(responses.GET, TWILIO, **(answer or {"json": {"messages": list(messages)}}))

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What OpenAI was asked."""
        return [json.loads(_text(call.request.body)) for call in self.mock.calls if "openai" in str(call.request.url)]

    @property
    def sent(self) -> list[dict[str, str]]:
        """What Twilio was told to send."""
        posts = [call.request for call in self.mock.calls if call.request.method == "POST"]
        return [dict(parse_qsl(_text(post.body))) for post in posts if "twilio" in str(post.url)]


TOKEN = "twilio-token-0123456789"
NUMBER = "+14155238886"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
_sids = count(1)


def make_message(lead: Lead, **overrides: Any) -> Message:
    """Store a message; without more it is one of the agent's that was sent."""
    now = timezone.now()
    fields = {"role": "assistant", "text": "Hi Jane!", "status": "sent", "twilio_sid": f"SM{next(_sids):032d}"}
    return Message.objects.create(lead=lead, **(fields | {"created_at": now, "updated_at": now} | overrides))


@dataclass
class Phone:
    """A lead's phone, and Twilio between it and us."""

    client: Client
    lead: Lead

    def write(
        self, text: str = "Hello", *, token: str = TOKEN, base: str = "http://127.0.0.1:8000", **params: Any
    ) -> Any:
        """Post a message as Twilio does. A parameter that is None is left out."""
        form = {
            "MessageSid": f"SM{next(_sids):032d}",
            "From": f"whatsapp:{self.lead.phone}",
            "To": f"whatsapp:{NUMBER}",
            "Body": text,
            "NumMedia": "0",
            "ProfileName": "Jane",
        } | params
        form = {name: value for name, value in form.items() if value is not None}
        signed = signature(url=f"{base}/api/whatsapp/inbound", params=form.items(), auth_token=token)
        return self.client.post(
            "/api/whatsapp/inbound", urlencode(form), content_type=FORM, headers={"X-Twilio-Signature": signed}
        )


def pass_time(**later: float) -> None:
    """Let a while go by: whatever waits for a moment in time waits that much less."""
    shift = timedelta(**later)
    for dispatch in Dispatch.objects.all():
        Dispatch.objects.filter(pk=dispatch.pk).update(due_at=dispatch.due_at - shift)
    for turn in AgentTurn.objects.all():
        AgentTurn.objects.filter(pk=turn.pk).update(due_at=turn.due_at - shift, wake_at=turn.wake_at - shift)
    for row in Message.objects.all():
        sending_at, due_at = (at and at - shift for at in (row.sending_at, row.due_at))
        Message.objects.filter(pk=row.pk).update(sending_at=sending_at, due_at=due_at)


def work(**later: float) -> None:
    """Let the worker look after a while: as long as a lead is given to write more, unless told otherwise."""
    pass_time(**(later or {"seconds": 5}))
    call_command("sweep")


@pytest.fixture(autouse=True)
def _static_root(settings: Settings, tmp_path: Path) -> None:
    """Have a folder for collected static files, which whitenoise misses aloud."""
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Stop everything that leaves."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Wire(mock)


@pytest.fixture
def dispatch(db: None) -> Dispatch:
    """Promise to write to a lead."""
    workspace = make_workspace(channel="whatsapp", name="Acme", agent_name="Robin")
    lead = make_lead(workspace, goal="A new kitchen", metadata={"companyName": "Kitchens Ltd"})
    return make_dispatch(lead, created_at=timezone.now())


@pytest.fixture
def phone(db: None, client: Client) -> Phone:
    """Have a lead that the agent has written to."""
    workspace = make_workspace(channel="whatsapp", name="Acme", agent_name="Robin")
    lead = make_lead(workspace, status="in_conversation")
    make_message(lead, created_at=timezone.now() - timedelta(minutes=5))
    return Phone(client, lead)


@dataclass
class Events:
    """What Inngest was sent; `away` makes it fail."""

    sent: list[list[wire_inngest.Event]] = field(default_factory=list)
    away: bool = False

    @property
    def ids(self) -> list[str]:
        return [event.id for batch in self.sent for event in batch]


@pytest.fixture
def engine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Events]:
    """Configure Inngest as in production, its event API stopped at the SDK's door."""
    settings.INNGEST_DEV = ""
    settings.INNGEST_EVENT_KEY = "event-key"
    settings.INNGEST_SIGNING_KEY = SIGNING_KEY
    settings.INNGEST_CONFIGURED = True
    from whatsapp.functions import endpoint

    wire_inngest.forget()
    endpoint.forget()
    events = Events()

    def send_sync(self: Any, batch: list[Any]) -> list[str]:
        if events.away:
            raise ConnectionError("refused")
        events.sent.append([wire_inngest.Event(id=each.id, name=each.name, data=dict(each.data)) for each in batch])
        return [f"01ARZ3NDEKTSV4RRFFQ69G5FA{n % 10}" for n, _ in enumerate(batch)]

    monkeypatch.setattr(inngest.Inngest, "send_sync", send_sync)
    yield events
    wire_inngest.forget()
    endpoint.forget()


@dataclass
class Executor:
    """Inngest's executor: calls our endpoint, signed, with the steps that are done, as often as it takes.

    `crash_after` names a step whose answer gets lost: it ran, and Inngest does not know.
    """

    client: Client
    dispatch: Dispatch | AgentTurn
    run_id: str = "01HRUN"
    max_attempts: int = 9
    crash_after: str = ""
    between: Callable[[], None] = lambda: None
    steps: dict[str, Any] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    def event(self) -> dict[str, Any]:
        name = "dispatch_id" if isinstance(self.dispatch, Dispatch) else "turn_id"
        data = {name: str(self.dispatch.pk), "lead_id": str(self.dispatch.lead_id)}
        return {"id": str(self.dispatch.pk), "name": "agent/turn.requested", "data": data, "ts": 1}

    def run(self) -> Any:
        """Drive the run to its end and return what it returned; an exhausted step calls on_failure."""
        attempt = 0
        while attempt < self.max_attempts:
            answer = self.post(attempt=attempt)
            self.statuses.append(answer.status_code)
            self.between()
            if answer.status_code == 200:
                return answer.json()
            if answer.status_code != 206:
                attempt += 1
                continue
            step = answer.json()[0]
            if step.get("displayName") == self.crash_after:
                self.crash_after = ""
                attempt += 1
            elif step["op"] in {"StepRun", "Sleep"}:
                self.steps[step["id"]] = {"data": step.get("data")}
                attempt = 0
            else:
                attempt += 1
        self.post(function="coachbot-agent-turn-failure", event=self.failure())
        return None

    def failure(self) -> dict[str, Any]:
        return {"name": "inngest/function.failed", "data": {"event": self.event(), "run_id": self.run_id}, "ts": 1}

    def post(
        self,
        *,
        attempt: int = 0,
        function: str = "coachbot-agent-turn",
        event: dict[str, Any] | None = None,
        key: str = SIGNING_KEY,
    ) -> Any:
        """Make one call."""
        body = {
            "ctx": {
                "attempt": attempt,
                "disable_immediate_execution": False,
                "run_id": self.run_id,
                "stack": {"stack": list(self.steps)},
            },
            "event": event or self.event(),
            "events": [event or self.event()],
            "steps": self.steps,
            "use_api": False,
        }
        # What Inngest signs: canonical JSON, then the time.
        raw = json.dumps(body, sort_keys=True, separators=(",", ":"))
        now = int(time.time())
        mac = hmac.new(key.encode(), raw.encode() + str(now).encode(), hashlib.sha256).hexdigest()
        return self.client.post(
            f"/api/inngest?fnId={function}&stepId=step",
            raw,
            content_type="application/json",
            headers={"X-Inngest-Signature": f"t={now}&s={mac}", "X-Inngest-Server-Kind": "cloud"},
        )


@pytest.fixture
def executor(engine: Events, client: Client, dispatch: Dispatch) -> Executor:
    """Be Inngest's executor for the dispatch."""
    return Executor(client, dispatch)
