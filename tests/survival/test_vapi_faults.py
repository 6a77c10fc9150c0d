"""Every way in which Vapi fails, from the customer's request to its answer."""

import json
from collections.abc import Iterator

import pytest

from tests.survival.conftest import Launch
from tests.survival.gate import Gate
from tests.survival.processes import wait_for
from tests.survival.system import Simulators, System, body_of, new_phone

TIMEOUT_S = 1.0
HTML = (
    "<!DOCTYPE html><html><head><title>502 Bad gateway</title></head>"
    "<body><h1>Bad gateway · Fehlerhaftes Gateway – 不正なゲートウェイ</h1><p>Ray ID: 8f00ba5</p></body></html>"
)
INVALID_KEY = "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa."
DAILY_LIMIT = (
    "Couldn't Start Call. Numbers Bought On Vapi Have A Daily Outbound Call Limit. "
    "Import Your Own Twilio Numbers To Scale Without Limits."
)
UNREACHABLE = ["customer.number is not reachable from this phone number.", "assistantId must be a UUID"]


def nest(status: int, message: object, error: str) -> str:
    return json.dumps({"message": message, "error": error, "statusCode": status})


# The number's last four digits → what Vapi says, byte for byte.
REFUSALS = {
    "0400": (400, nest(400, UNREACHABLE, "Bad Request")),
    "0402": (400, nest(400, DAILY_LIMIT, "Bad Request")),
    "0401": (401, nest(401, INVALID_KEY, "Unauthorized")),
    "0429": (429, '{"message": "Rate limit exceeded", "statusCode": 429}'),
    "0500": (500, '{"statusCode": 500, "message": "Internal server error"}'),
    "0502": (502, HTML),
    "0503": (500, "x" * 65_536),
}


@pytest.fixture(scope="module")
def gate(simulators: Simulators) -> Iterator[Gate]:
    """The way to Vapi."""
    with Gate(("127.0.0.1", simulators.port)) as passage:
        yield passage


@pytest.fixture(scope="module")
def system(launch: Launch, gate: Gate) -> System:
    """A Coachbot with little patience."""
    return launch(
        VAPI_BASE_URL=f"http://127.0.0.1:{gate.port}/vapi",
        VAPI_TIMEOUT_S=TIMEOUT_S,
        DISPATCH_LEASE_S=4,
        DISPATCH_RETRY_S=0.2,
    )


@pytest.fixture(autouse=True)
def _open(gate: Gate) -> Iterator[None]:
    """Leave no gate held behind a test that failed."""
    yield
    gate.mend()


def asked_vapi_to_call(system: System, phone: str) -> int:
    posts = system.simulators.look("requests", provider="vapi", method="POST")["requests"]
    return sum(post["path"] == "/vapi/call" and post["body"]["customer"]["number"] == phone for post in posts)


def kept_submissions(system: System, phone: str) -> int:
    found = "SELECT count(*) FROM workspaces_logentry WHERE CAST(submission AS TEXT) LIKE ?"
    return int(system.database.query(found, f"%{phone}%")[0][0])


def assert_rolled_back(system: System, phone: str) -> None:
    """No lead and no call, but the submission is in the journal; then the same phone may be sent again."""
    assert system.count_leads(phone) == 0
    assert system.simulators.calls(phone) == []
    assert kept_submissions(system, phone) == 1
    system.simulators.set(magic=False)
    assert system.api("voice").post(body_of(phone)).status_code == 201
    assert system.count_leads(phone) == 1
    assert len(system.simulators.calls(phone)) == 1


@pytest.mark.parametrize("ending", REFUSALS)
def test_repeats_vapis_refusal_to_the_letter(system: System, ending: str) -> None:
    phone = new_phone(ending)
    status, said = REFUSALS[ending]

    answer = system.api("voice").post(body_of(phone))

    assert answer.status_code == 502
    assert answer.json() == {
        "ok": False,
        "error": "voice_dispatch_failed",
        "message": f"Vapi /call failed ({status}): {said}",
    }
    assert asked_vapi_to_call(system, phone) == 1
    assert_rolled_back(system, phone)


@pytest.mark.parametrize(
    ("ending", "reason"),
    [("0505", "timed out"), ("0507", "connection closed before the answer was complete")],
    ids=["slow", "reset"],
)
def test_rolls_back_when_the_outcome_was_unknown_and_vapi_knows_no_call(
    system: System, ending: str, reason: str
) -> None:
    phone = new_phone(ending)

    answer = system.api("voice").post(body_of(phone))

    assert answer.status_code == 502
    assert answer.json() == {
        "ok": False,
        "error": "voice_dispatch_failed",
        "message": f"Vapi /call failed: {reason}",
    }
    assert asked_vapi_to_call(system, phone) == 1
    assert_rolled_back(system, phone)


@pytest.mark.parametrize("ending", ["0504", "0506", "0508", "0509"], ids=["slow", "reset", "not json", "no id"])
def test_adopts_the_call_that_vapi_made_without_a_proper_answer(system: System, ending: str) -> None:
    phone = new_phone(ending)

    answer = system.api("voice").post(body_of(phone))

    (call,) = system.simulators.calls(phone)
    assert answer.status_code == 201, answer.text
    assert answer.json()["vapiCallId"] == call["id"]
    assert asked_vapi_to_call(system, phone) == 1
    assert system.count_leads(phone) == 1


def test_says_so_when_nobody_listens_at_vapis_address(system: System, gate: Gate) -> None:
    phone = new_phone()
    gate.cut()
    try:
        answer = system.api("voice").post(body_of(phone))
    finally:
        gate.mend()

    assert answer.status_code == 502
    assert answer.json() == {
        "ok": False,
        "error": "voice_dispatch_failed",
        "message": "Vapi /call failed: connection refused",
    }
    assert_rolled_back(system, phone)


@pytest.mark.parametrize("direction", ["up", "down"], ids=["never arrived", "call was made"])
def test_keeps_the_lead_and_rings_once_when_vapi_can_not_even_be_asked(
    system: System, gate: Gate, direction: str
) -> None:
    phone = new_phone()
    gate.hold("up" if direction == "up" else "down")
    try:
        answer = system.api("voice").post(body_of(phone))
    finally:
        gate.drop()
        gate.release()

    assert answer.status_code == 201, answer.text
    lead_id = answer.json()["leadId"]
    assert answer.json()["vapiCallId"] is None
    assert len(system.simulators.calls(phone)) == (0 if direction == "up" else 1)
    with system.worker():
        system.settle()
    assert len(system.simulators.calls(phone)) == 1
    wait_for("the phone rings", lambda: system.simulators.rang(phone) == 1)
    assert system.count_leads(phone) == 1
    assert system.api("voice").get(f"leads/{lead_id}").json()["voiceCall"] is not None
