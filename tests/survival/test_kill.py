"""The web process dies without a word (SIGKILL), at every point of a lead's way where that could hurt."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest

from tests.survival.conftest import Launch
from tests.survival.gate import Gate
from tests.survival.processes import wait_for
from tests.survival.system import Background, Simulators, System, body_of, in_background, new_phone

# Longer than a request takes even on a busy machine: who is silent for so long is dead.
LEASE_S = 4


@pytest.fixture(scope="module")
def gate(simulators: Simulators) -> Iterator[Gate]:
    """The way to Vapi."""
    with Gate(("127.0.0.1", simulators.port)) as passage:
        yield passage


@pytest.fixture(scope="module")
def system(launch: Launch, gate: Gate) -> System:
    """A Coachbot that soon gives up on requests of dead processes."""
    return launch(
        VAPI_BASE_URL=f"http://127.0.0.1:{gate.port}/vapi",
        VAPI_TIMEOUT_S=1,
        IDEMPOTENCY_LEASE_S=LEASE_S,
        DISPATCH_LEASE_S=LEASE_S,
        DISPATCH_RETRY_S=0.2,
    )


@pytest.fixture(autouse=True)
def _open(gate: Gate) -> Iterator[None]:
    """Leave no gate held behind a test that failed."""
    yield
    gate.mend()


@contextlib.contextmanager
def before_the_insert(system: System, gate: Gate, under_way: Background) -> Iterator[None]:
    """The statement that stores the leads waits."""
    with system.database.hold_writes("leads_lead"):
        under_way.begin()
        system.database.wait_for_writers("leads_lead", count=1)
        yield


@contextlib.contextmanager
def before_the_wire(system: System, gate: Gate, under_way: Background) -> Iterator[None]:
    """The leads are stored, and the requests to Vapi never leave."""
    gate.hold("up")
    under_way.begin()
    gate.wait_until_held("up", connections=under_way.size)
    yield
    gate.drop()


@contextlib.contextmanager
def while_vapi_answers(system: System, gate: Gate, under_way: Background) -> Iterator[None]:
    """Vapi has made the calls, and its answers never arrive."""
    gate.hold("down")
    under_way.begin()
    gate.wait_until_held("down", connections=under_way.size)
    yield
    gate.drop()


@contextlib.contextmanager
def before_it_is_recorded(system: System, gate: Gate, under_way: Background) -> Iterator[None]:
    """Vapi's answers have arrived, and the statement that records them waits."""
    gate.hold("down")
    under_way.begin()
    gate.wait_until_held("down", connections=under_way.size)
    with system.database.hold_writes("voice_callsession"):
        gate.release()
        system.database.wait_for_writers("voice_callsession", count=1)
        yield


Point = Callable[[System, Gate, Background], AbstractContextManager[None]]
# Where it died → leads stored and calls made for each request by then. PostgreSQL may still run what it was sent.
POINTS: dict[Point, tuple[set[int], int]] = {
    before_the_insert: ({0, 1}, 0),
    before_the_wire: ({1}, 0),
    while_vapi_answers: ({1}, 1),
    before_it_is_recorded: ({1}, 1),
}


def assert_nothing_happened_twice(system: System, *phones: str) -> None:
    for phone in phones:
        assert system.count_leads(phone) <= 1
        assert len(system.simulators.calls(phone)) <= 1


def assert_one_lead_and_one_call(system: System, *phones: str) -> None:
    for phone in phones:
        assert system.count_leads(phone) == 1
        assert len(system.simulators.calls(phone)) == 1
        wait_for("the phone rings", lambda phone=phone: system.simulators.rang(phone) == 1)  # type: ignore[misc]
    assert system.count_half_made() == 0


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
def test_rings_once_and_loses_nothing_when_the_web_process_is_killed(system: System, gate: Gate, point: Point) -> None:
    soon, later, keyless = phones = [new_phone() for _ in range(3)]
    api = system.api("voice")
    done = system.database.query("SELECT count(*) FROM leads_dispatch WHERE status = 'done'")[0][0]
    first = [partial(api.post, body_of(phone), idempotency_key=phone) for phone in (soon, later)]
    first.append(partial(api.post, body_of(keyless)))

    with in_background(first) as under_way:
        with point(system, gate, under_way):
            system.kill_web()
        gate.release()
        assert under_way.answers() == [None, None, None]
    stored, called = POINTS[point]
    for phone in phones:
        assert system.count_leads(phone) in stored
        assert len(system.simulators.calls(phone)) == called
    assert system.database.query("SELECT count(*) FROM leads_dispatch WHERE status = 'done'")[0][0] == done
    system.start_web()

    # A client that knows nothing of workers asks again at once.
    answer = api.insist(body_of(soon), idempotency_key=soon)
    assert answer.status_code == 201, answer.text
    assert_one_lead_and_one_call(system, soon)

    with system.worker():
        system.settle()
        assert_nothing_happened_twice(system, *phones)
        assert api.insist(body_of(later), idempotency_key=later).status_code == 201
        assert api.insist(body_of(keyless)).status_code in {201, 409}
        system.settle()
    assert_one_lead_and_one_call(system, *phones)

    again = api.post(body_of(soon), idempotency_key=soon)
    assert (again.status_code, again.json()) == (201, answer.json())
    lead = api.get(f"leads/{answer.json()['leadId']}").json()
    assert lead["lead"]["phone"] == soon
    assert lead["voiceCall"] is not None


def test_rings_once_when_the_web_process_is_killed_again_and_again(system: System) -> None:
    api, chance = system.api("voice"), random.Random(2026)
    system.simulators.set(latency={"vapi": 0.1})
    phones = [new_phone() for _ in range(12)]
    with system.worker():
        for turn in range(4):
            # Some for the first time, some again.
            some = phones[: 3 * turn + 3]
            with in_background([partial(api.post, body_of(phone), idempotency_key=phone) for phone in some]) as clients:
                clients.begin()
                time.sleep(chance.random() * 0.25)
                system.kill_web()
            system.start_web()
        for phone in phones:
            assert api.insist(body_of(phone), idempotency_key=phone).status_code == 201
        system.settle()
    assert_one_lead_and_one_call(system, *phones)
