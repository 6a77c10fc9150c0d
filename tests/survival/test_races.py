"""Many requests at the same moment for the same thing."""

from collections import Counter
from functools import partial

import pytest

from tests.survival.conftest import Launch
from tests.survival.databases import on_postgres
from tests.survival.system import System, at_once, body_of, new_phone

CROWD = 50


@pytest.fixture(scope="module")
def system(launch: Launch) -> System:
    """Two processes on PostgreSQL, one on SQLite."""
    return launch(workers=2 if on_postgres() else 1, threads=CROWD)


def test_takes_one_of_fifty_leads_with_the_same_phone(system: System) -> None:
    phone, api = new_phone(), system.api("voice")

    answers = at_once([partial(api.post, body_of(phone, name=f"Jane {n}")) for n in range(CROWD)])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CROWD - 1}
    accepted = next(answer.json() for answer in answers if answer.status_code == 201)
    refusals = {tuple(sorted(answer.json().items())) for answer in answers if answer.status_code == 409}
    assert refusals == {
        (
            ("error", "duplicate_phone"),
            ("leadId", accepted["leadId"]),
            ("message", "A lead with this phone number already exists in the workspace."),
            ("ok", False),
        )
    }
    assert system.count_leads(phone) == 1
    assert len(system.simulators.calls(phone)) == 1


def test_answers_fifty_requests_with_one_idempotency_key_alike(system: System) -> None:
    phone, api = new_phone(), system.api("voice")
    # Long enough for all fifty to arrive while the first is at Vapi.
    system.simulators.set(latency={"vapi": 0.5})

    answers = at_once([partial(api.post, body_of(phone), idempotency_key=phone) for _ in range(CROWD)])

    kept = [answer for answer in answers if answer.status_code == 201]
    running = [answer for answer in answers if answer.status_code == 409]
    assert len(kept) + len(running) == CROWD
    assert len({answer.content for answer in kept}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in kept].count(None) == 1
    assert {answer.json()["error"] for answer in running} <= {"idempotency_in_progress"}
    assert {answer.headers["Retry-After"] for answer in running} <= {"1"}
    assert system.count_leads(phone) == 1
    assert len(system.simulators.calls(phone)) == 1
    replay = api.post(body_of(phone), idempotency_key=phone)
    assert (replay.content, replay.headers["Idempotency-Replayed"]) == (kept[0].content, "true")


def test_takes_fifty_different_leads_at_once(system: System) -> None:
    phones, api = [new_phone() for _ in range(CROWD)], system.api("voice")

    answers = at_once([partial(api.post, body_of(phone), idempotency_key=phone) for phone in phones])

    assert Counter(answer.status_code for answer in answers) == {201: CROWD}
    assert len({answer.json()["vapiCallId"] for answer in answers}) == CROWD
    assert {phone: len(system.simulators.calls(phone)) for phone in phones} == dict.fromkeys(phones, 1)


def test_rings_both_when_two_workspaces_send_one_phone_at_once(system: System) -> None:
    phone = new_phone()

    answers = at_once([partial(system.api(key).post, body_of(phone)) for key in ("voice", "other")])

    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(system.simulators.calls(phone)) == 2
