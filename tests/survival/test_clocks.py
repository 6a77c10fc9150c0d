"""A machine whose clock is wrong takes no work away from the living: each lead is called once."""

from collections.abc import Callable

import pytest

from tests.survival.conftest import Launch
from tests.survival.processes import wait_for
from tests.survival.system import System, body_of, in_background, new_phone

pytestmark = pytest.mark.postgres  # SQLite has no clock of its own: all its processes are on one machine.
LEADS = 10
SKEWS = [90, -90, 600, -600]


def call_ten(system: System) -> list[str]:
    """Send ten leads to a Vapi that needs longer for each than any sweep; return their phones, once all is settled."""
    system.simulators.set(latency={"vapi": 3})
    phones = [new_phone() for _ in range(LEADS)]
    api = system.api("voice")

    def post(phone: str) -> Callable[[], object]:
        return lambda: api.post(body_of(phone))

    with in_background([post(phone) for phone in phones]) as requests:  # type: ignore[misc]
        requests.begin()
        assert {answer.status_code for answer in requests.answers() if answer} == {201}
    system.settle()
    return phones


@pytest.mark.parametrize("skew_s", SKEWS)
def test_a_worker_with_a_wrong_clock_calls_nobody_twice(launch: Launch, skew_s: int) -> None:
    system = launch()
    with system.worker(skew_s=skew_s) as worker:
        wait_for("the worker says how far it is off", lambda: f"clock is {abs(skew_s)} s" in worker.said)
        phones = call_ten(system)

    assert [len(system.simulators.calls(phone)) for phone in phones] == [1] * LEADS


@pytest.mark.parametrize("skew_s", SKEWS)
def test_a_web_server_with_a_wrong_clock_has_nobody_called_twice(launch: Launch, skew_s: int) -> None:
    system = launch(web_skew_s=skew_s)
    with system.worker():
        phones = call_ten(system)

    assert [len(system.simulators.calls(phone)) for phone in phones] == [1] * LEADS
