"""A backup is restored: what was answered since is not answered again, once `after_restore` has run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.survival.conftest import Launch
from tests.survival.databases import SQLite, new_database
from tests.survival.people import QUICK, Person, prepared
from tests.survival.processes import ROOT, wait_for
from tests.survival.system import System, body_of, new_phone

pytestmark = pytest.mark.slow
QUIET_S = 6


def back_up(system: System, directory: Path) -> SQLite | object:
    """Copy the database while nobody uses it."""
    if isinstance(system.database, SQLite):
        system.database.query("PRAGMA wal_checkpoint(TRUNCATE)")
    return new_database(directory, template=system.database)


def run_after_restore(system: System, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "after_restore", *options],
        cwd=ROOT,
        env=system.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def written_to(system: System, phone: str) -> int:
    return system.simulators.messages_by_phone()[phone]


def test_nothing_is_said_or_dialled_twice(launch: Launch, tmp_path: Path) -> None:
    system = prepared(launch(**QUICK))
    talking, fresh = new_phone(), new_phone()
    assert system.api("whatsapp").post(body_of(talking)).status_code == 201
    with system.worker():
        wait_for("the first message", lambda: written_to(system, talking) == 1, timeout_s=40)
        system.settle()
    # One waits for an answer, another for the first message; then the backup is made.
    Person(system, talking).write("Which times do you have?")
    assert system.api("whatsapp").post(body_of(fresh)).status_code == 201
    assert system.web is not None
    system.web.terminate(timeout_s=20)
    backup = back_up(system, tmp_path)
    system.start_web()
    with system.worker():
        wait_for("both are written to", lambda: written_to(system, talking) == 2, timeout_s=40)
        wait_for("both are written to", lambda: written_to(system, fresh) == 1, timeout_s=40)
        system.settle()
    system.kill_web()

    restored = prepared(launch(database=backup, **QUICK))
    told = run_after_restore(restored, "--yes", "--force")
    with restored.worker(), pytest.raises(AssertionError, match="in vain"):
        wait_for(
            "anything is said again",
            lambda: (written_to(system, talking), written_to(system, fresh)) != (2, 1),
            timeout_s=QUIET_S,
        )

    assert "1  replies" in told
    assert "1  contacts" in told
    needing = "SELECT count(*) FROM leads_lead WHERE status = 'needs_human'"
    assert restored.database.query(needing)[0][0] == 2
    assert "nothing to close" in run_after_restore(restored, "--yes", "--force")
