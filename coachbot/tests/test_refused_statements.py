"""Of many who do the same in one moment one does it, and the database refuses no statement: its log stays clean."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.db import DatabaseError, connection
from django.utils import timezone

from agents.models import Booking, ToolCall
from agents.tests.factories import START, answer_booking, make_calendar_lead, use
from apikeys.models import IdempotentRequest
from conftest import NOW, make_dispatch, make_lead, make_workspace
from leadforms import publishing, tokens
from leadforms.logos import Picture, save_logo
from leadforms.models import LeadForm, Logo, SpentToken
from leadforms.tests.factories import make_published
from leads.again import CannotContact, contact_again, retry_unanswered
from leads.models import Dispatch
from voice.progress import News
from voice.reconcile import take_news
from voice.tests.factories import make_call
from webapi.tests.backend import Backend, submission
from whatsapp.claims import claim
from whatsapp.models import AgentTurn
from whatsapp.waiting import ask_for_reply

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
THREADS = 8
Act = Callable[[int], Any]


class Race:
    """Runs an act in many threads at the same moment and notes what the database refused."""

    def __init__(self) -> None:
        self.refused: list[DatabaseError] = []

    def __call__(self, act: Act) -> None:
        gate = threading.Barrier(THREADS)

        def run(n: int) -> None:
            gate.wait(timeout=20)
            try:
                with self.watched():
                    act(n)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Note each statement of this thread's that is refused."""

        def execute(run: Any, *statement: Any) -> Any:
            try:
                return run(*statement)
            except DatabaseError as error:
                self.refused.append(error)
                raise

        with connection.execute_wrapper(execute):
            yield


@pytest.fixture
def race() -> Iterator[Race]:
    """A race after which the database must have refused nothing."""
    if connection.vendor != "postgresql":
        pytest.skip("threads share no database in memory")
    race = Race()
    yield race
    assert race.refused == []


def test_one_idempotency_key(race: Race) -> None:
    backend, body = Backend(mode="test"), submission()

    race(lambda _: Backend(backend.workspace, key=backend.key).post(body, Idempotency_Key="one"))

    assert IdempotentRequest.objects.count() == 1


def test_one_tool_call(race: Race) -> None:
    lead = make_lead()

    race(lambda _: use(lead, "updateLeadProfile", {"goal": "A kitchen"}, call_id="call_0"))

    assert ToolCall.objects.count() == 1


@responses.activate
def test_one_appointment_wished_for_in_several_calls(race: Race) -> None:
    lead = make_calendar_lead()
    answer_booking()

    race(lambda n: use(lead, "bookConsult", {"start": START}, call_id=f"call_b{n}"))

    assert Booking.objects.count() == 1


def test_one_forms_token(race: Race) -> None:
    version = make_published(make_workspace())
    token = tokens.read(tokens.issue(version, now=NOW), form=version.form, now=NOW)

    race(lambda _: tokens.spend(token, body_sha256="0" * 64, now=NOW))

    assert SpentToken.objects.count() == 1


def test_the_first_look_at_a_form(race: Race) -> None:
    workspace = make_workspace()

    race(lambda _: publishing.find_form(workspace, now=NOW))

    assert LeadForm.objects.count() == 1


def test_the_first_logo(race: Race) -> None:
    form = make_published(make_workspace()).form

    race(lambda n: save_logo(form, Picture(content=b"logo %d" % n, width=1, height=1), now=NOW))

    assert bytes(Logo.objects.get().content).startswith(b"logo ")


def test_call_again_pressed_by_many(race: Race) -> None:
    lead = make_lead()

    def press(_: int) -> None:
        with contextlib.suppress(CannotContact):
            contact_again(lead, by_id=None, now=NOW)

    race(press)

    assert Dispatch.objects.count() == 1


def test_no_answer_told_by_many(race: Race) -> None:
    workspace = make_workspace(no_answer_retries=2)
    dispatch = make_dispatch(make_lead(workspace), status="done", finished_at=NOW)

    race(lambda _: retry_unanswered(dispatch.pk, now=NOW))

    assert Dispatch.objects.count() == 2


def test_call_again_pressed_while_a_call_that_never_was_is_put_back(race: Race) -> None:
    session = make_call(vapi_status="queued")
    news = News(status="ended", ended_reason="pipeline-error-openai-voice-failed", at=NOW)

    def act(n: int) -> None:
        if n % 2:
            take_news(session.pk, news, now=NOW)
            return
        with contextlib.suppress(CannotContact):
            contact_again(session.lead, by_id=None, now=NOW)

    race(act)

    assert Dispatch.objects.filter(status="pending").count() <= 1


def test_one_lead_asked_for_by_many_messages(race: Race) -> None:
    lead = make_lead(make_workspace(channel="whatsapp"))

    race(lambda _: ask_for_reply(lead, after_s=5, now=timezone.now()))

    assert AgentTurn.objects.count() == 1


def test_a_turn_claimed_by_many_while_another_of_its_lead_is_under_way(race: Race) -> None:
    lead, now = make_lead(make_workspace(channel="whatsapp")), timezone.now()
    ask_for_reply(lead, after_s=0, now=now)
    assert claim(AgentTurn.objects.get().pk, "first", now=now)
    turn = ask_for_reply(lead, after_s=0, now=now)
    assert turn is not None
    claimed: list[bool] = []

    race(lambda n: claimed.append(claim(turn.pk, f"run {n}", now=now + timedelta(seconds=1))))

    assert claimed == [False] * THREADS
