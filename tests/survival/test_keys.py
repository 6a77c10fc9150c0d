"""A key that is revoked anywhere stops working everywhere."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest
import requests

from tests.survival.conftest import Launch
from tests.survival.processes import ROOT
from tests.survival.system import Api, System, at_once, body_of, new_phone

REFUSAL = {"ok": False, "error": "API key is invalid or revoked."}


@pytest.fixture(scope="module")
def systems(launch: Launch) -> tuple[System, System]:
    """Two web servers on one database."""
    first = launch(threads=8)
    return first, launch(threads=8, database=first.database)


@contextlib.contextmanager
def revoker(system: System, key: str) -> Iterator["subprocess.Popen[str]"]:
    """A third process, ready to revoke a key as soon as it reads a line."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.survival.seed", "revoke", key],
        cwd=ROOT,
        env=system.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def assert_refused(answer: requests.Response) -> None:
    assert (answer.status_code, answer.json()) == (401, REFUSAL)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_refuses_a_key_in_every_process_the_moment_it_is_revoked(systems: tuple[System, System]) -> None:
    apis = [system.api("doomed") for system in systems]
    # Whatever a process may remember of a key, it remembers now.
    for api in apis:
        assert [api.get("me").status_code for _ in range(3)] == [200, 200, 200]
        assert api.post(body_of(new_phone())).status_code == 201
    phones = [new_phone() for _ in apis]

    with revoker(systems[0], systems[0].keys["doomed"]) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "revoked\n"
        answers = at_once([partial(api.post, body_of(phone)) for api, phone in zip(apis, phones, strict=True)])

    for answer in answers:
        assert_refused(answer)
    for api, system, phone in zip(apis, systems, phones, strict=True):
        assert_refused(api.get("me"))
        assert_refused(api.post({"not": "even valid"}))
        assert system.count_leads(phone) == 0
        assert system.simulators.calls(phone) == []


def test_hides_leads_of_other_workspaces(systems: tuple[System, System]) -> None:
    system = systems[0]
    lead_id = system.api("voice").post(body_of(new_phone())).json()["leadId"]

    foreign = system.api("other").get(f"leads/{lead_id}")
    missing = system.api("other").get("leads/00000000-0000-4000-8000-000000000000")

    assert system.api("voice").get(f"leads/{lead_id}").status_code == 200
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert foreign.json() == {"ok": False, "error": "Lead not found."}


@pytest.mark.parametrize("token", ["ck_live_", "ck_live_" + "0" * 32, "ck_live_" + "0" * 31 + "g", "x" * 4000])
def test_answers_every_wrong_key_alike(systems: tuple[System, System], token: str) -> None:
    api = Api(systems[0].url, token)
    assert_refused(api.get("me"))
    assert_refused(api.post(body_of(new_phone())))
