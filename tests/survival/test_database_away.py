"""PostgreSQL is gone for ten seconds and comes back."""

import time
from collections.abc import Iterator
from functools import partial

import pytest
import requests
from django.conf import settings

from tests.survival.conftest import Launch
from tests.survival.gate import Gate
from tests.survival.processes import wait_for
from tests.survival.system import Simulators, System, at_once, body_of, in_background, new_phone, timed

pytestmark = pytest.mark.postgres
OUTAGE_S = 10
PROMPTLY_S = 6
AWAY = {"ok": False, "error": "unavailable"}


@pytest.fixture(scope="module")
def database_gate() -> Iterator[Gate]:
    """The way to PostgreSQL."""
    config = settings.DATABASES["default"]
    with Gate((config["HOST"] or "127.0.0.1", int(config["PORT"] or 5432))) as passage:
        yield passage


@pytest.fixture(scope="module")
def vapi_gate(simulators: Simulators) -> Iterator[Gate]:
    """The way to Vapi."""
    with Gate(("127.0.0.1", simulators.port)) as passage:
        yield passage


@pytest.fixture(scope="module")
def system(launch: Launch, database_gate: Gate, vapi_gate: Gate) -> System:
    """Two processes behind both gates."""
    return launch(
        workers=2,
        database_port=database_gate.port,
        VAPI_BASE_URL=f"http://127.0.0.1:{vapi_gate.port}/vapi",
        DISPATCH_LEASE_S=4,
        IDEMPOTENCY_LEASE_S=2.5,
        DISPATCH_RETRY_S=0.2,
    )


@pytest.fixture(autouse=True)
def _calm(system: System, database_gate: Gate, vapi_gate: Gate) -> Iterator[None]:
    """Begin each test when both processes have got rid of the connections that the test before broke."""
    me = partial(system.api("voice").get, "me")
    wait_for("nothing is unavailable", lambda: all(answer.ok for answer in at_once([me] * 24)))
    yield
    database_gate.mend()
    vapi_gate.mend()


def assert_unavailable(answer: requests.Response, took_s: float) -> None:
    assert (answer.status_code, answer.json()) == (503, AWAY)
    assert int(answer.headers["Retry-After"]) > 0
    assert took_s < PROMPTLY_S


def test_says_unavailable_at_once_and_recovers_by_itself(system: System, database_gate: Gate) -> None:
    api, phones = system.api("voice"), []
    assert api.post(body_of(new_phone())).status_code == 201
    with system.worker() as worker:
        database_gate.cut()
        until = time.monotonic() + OUTAGE_S
        while time.monotonic() < until:
            phones.append(phone := new_phone())
            assert_unavailable(*timed(partial(api.post, body_of(phone), idempotency_key=phone)))
            assert_unavailable(*timed(partial(api.get, "me")))
        assert worker.alive
        database_gate.mend()

        answers, took_s = timed(lambda: [api.insist(body_of(p), idempotency_key=p, timeout_s=15) for p in phones])

        assert {answer.status_code for answer in answers} == {201}
        assert took_s < 15
        assert system.count_half_made() == 0
        whatsapp = new_phone()
        assert system.api("whatsapp").post(body_of(whatsapp)).status_code == 201
        wait_for("the same worker works on", lambda: system.simulators.messages_by_phone()[whatsapp] == 1)
        assert worker.alive
    for phone in phones:
        assert system.count_leads(phone) == 1
        assert len(system.simulators.calls(phone)) == 1


def test_rings_once_when_the_database_goes_away_while_vapi_answers(
    system: System, database_gate: Gate, vapi_gate: Gate
) -> None:
    api, phones = system.api("voice"), [new_phone() for _ in range(3)]
    vapi_gate.hold("down")
    with in_background([partial(api.post, body_of(phone), idempotency_key=phone) for phone in phones]) as under_way:
        under_way.begin()
        vapi_gate.wait_until_held("down", connections=len(phones))
        database_gate.cut()
        vapi_gate.release()
        answers = under_way.answers()
        database_gate.mend()

    assert all(answer is not None and answer.status_code in {201, 503} for answer in answers)
    for phone in phones:
        assert api.insist(body_of(phone), idempotency_key=phone).status_code == 201
    with system.worker():
        system.settle()
    for phone in phones:
        assert system.count_leads(phone) == 1
        assert len(system.simulators.calls(phone)) == 1
    assert system.count_half_made() == 0


def test_says_unavailable_when_connections_are_reset_under_load(system: System, database_gate: Gate) -> None:
    api, phones = system.api("voice"), [new_phone() for _ in range(24)]
    with in_background([partial(api.post, body_of(phone), idempotency_key=phone) for phone in phones]) as under_way:
        under_way.begin()
        database_gate.drop()
        answers = under_way.answers()

    assert {answer.status_code for answer in answers if answer is not None} <= {201, 503}
    assert None not in answers
    for phone in phones:
        assert api.insist(body_of(phone), idempotency_key=phone).status_code == 201
    with system.worker():
        system.settle()
    assert {phone: system.count_leads(phone) for phone in phones} == dict.fromkeys(phones, 1)
    assert {phone: len(system.simulators.calls(phone)) for phone in phones} == dict.fromkeys(phones, 1)
