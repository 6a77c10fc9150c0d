"""Inngest takes every event and runs none of them: the worker answers itself, once, and soon enough."""

import time

import pytest

from tests.survival.conftest import Launch
from tests.survival.people import QUICK, SIGNING_KEY, Person, prepared
from tests.survival.processes import wait_for
from tests.survival.system import Simulators, body_of, new_phone

pytestmark = pytest.mark.slow
UNCLAIMED_S = 4
# The worker looks every few seconds, and the turn itself takes a moment.
WITHIN_S = 2 * UNCLAIMED_S + 8


def test_a_lead_is_answered_after_two_wake_ups_in_vain(launch: Launch, simulators: Simulators) -> None:
    inngest = {"INNGEST_BASE_URL": simulators.url, "INNGEST_EVENT_KEY": "survival", "INNGEST_SIGNING_KEY": SIGNING_KEY}
    system = prepared(launch(TURN_UNCLAIMED_S=UNCLAIMED_S, **inngest, **QUICK))
    phone = new_phone()

    def written() -> int:
        return system.simulators.messages_by_phone()[phone]

    with system.worker(), system.worker():
        began = time.monotonic()
        assert system.api("whatsapp").post(body_of(phone)).status_code == 201
        wait_for("the first message", lambda: written() == 1, timeout_s=60)
        greeted_s = time.monotonic() - began
        system.settle()
        began = time.monotonic()
        Person(system, phone).write("Which times do you have?")
        wait_for("the reply", lambda: written() == 2, timeout_s=60)
        replied_s = time.monotonic() - began
        system.settle()
        time.sleep(UNCLAIMED_S)

    assert written() == 2
    assert greeted_s < WITHIN_S
    assert replied_s < WITHIN_S
