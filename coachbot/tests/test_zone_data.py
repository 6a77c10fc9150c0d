"""The time zones are those of the pinned tzdata, whatever tables the machine has."""

import subprocess
import sys
import zoneinfo
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.checks import run_checks

from coachbot import zones

ROOT = Path(__file__).resolve().parents[2]
VANCOUVER = (
    "import datetime, zoneinfo;"
    "noon = datetime.datetime(2026, 12, 15, 12, tzinfo=datetime.UTC);"
    "print(noon.astimezone(zoneinfo.ZoneInfo('America/Vancouver')).utcoffset())"
)


@pytest.mark.parametrize(
    "entrance", ["coachbot.wsgi", "coachbot.settings", "leads.management.commands.worker", "simulators.calcom"]
)
def test_every_entrance_reads_the_pinned_tables(entrance: str) -> None:
    """By tzdata 2026f British Columbia no longer turns its clocks back."""
    setup = "" if entrance in {"coachbot.wsgi", "simulators.calcom"} else "import django; django.setup();"
    code = (
        f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'coachbot.settings'; {setup} import {entrance};{VANCOUVER}"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "-1 day, 17:00:00"


def test_the_tests_do_as_well() -> None:
    assert zoneinfo.TZPATH == ()


def test_the_system_s_tables_are_named_at_start() -> None:
    try:
        zoneinfo.reset_tzpath(("/usr/share/zoneinfo",))
        found = {message.id: message.hint for message in run_checks()}
    finally:
        zones.use_pinned()
    assert "coachbot.E007" in found


def test_tables_older_than_those_tried_are_named_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "tzdata", SimpleNamespace(IANA_VERSION="2025b"))
    found = {message.id: message.hint or "" for message in run_checks()}
    assert "2025b" in found["coachbot.E007"]
