"""listSlots: free times in the lead's own zone, few enough to be said aloud, in time whatever Cal.com does."""

import time
from typing import Any

import pytest
import responses
from pytest_django import Settings
from requests import ReadTimeout

from agents.tests.factories import SLOTS_URL, answer_slots, make_calendar_lead, use
from conftest import make_integration, make_lead, make_workspace
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db


@responses.activate
def test_says_times_as_people_of_the_leads_zone_say_them() -> None:
    lead = make_calendar_lead(phone="+12025550123")
    answer_slots("2026-06-08T13:00:00.000Z", "2026-06-08T12:30:00.000+00:00", "2026-06-09T00:00:00.000-04:00")

    told = use(lead, "listSlots", {"daysAhead": 3})

    assert told.result == {
        "ok": True,
        "timezone": "America/New_York",
        "slots": [
            {"start": "2026-06-08T12:30:00Z", "words": "Monday, June 8, 8:30 AM"},
            {"start": "2026-06-08T13:00:00Z", "words": "Monday, June 8, 9:00 AM"},
            {"start": "2026-06-09T04:00:00Z", "words": "Tuesday, June 9, 12:00 AM"},
        ],
    }
    asked = responses.calls[0].request
    assert asked.params == {  # type: ignore[attr-defined]
        "eventTypeId": "10",
        "start": "2026-06-07",
        "end": "2026-06-10",
        "timeZone": "America/New_York",
    }
    assert asked.headers["cal-api-version"] == "2024-09-04"
    assert asked.headers["Authorization"] == "Bearer cal_live_0123456789"
    assert LogEntry.objects.get().operation == "list slots"


@responses.activate
def test_a_zone_that_the_phone_does_not_tell_is_the_workspaces() -> None:
    answer_slots("2026-06-08T08:00:00Z")

    told = use(make_calendar_lead(phone="+61412345678"), "listSlots")

    assert told.result["timezone"] == "Europe/London"


@pytest.mark.parametrize(
    ("days", "until"),
    [(None, "2026-06-14"), (0, "2026-06-08"), (-5, "2026-06-08"), (30, "2026-07-07"), (999, "2026-07-07")],
)
@responses.activate
def test_looks_ahead_within_bounds(days: int | None, until: str) -> None:
    answer_slots()

    use(make_calendar_lead(), "listSlots", {"daysAhead": days})

    assert responses.calls[0].request.params["end"] == until  # type: ignore[attr-defined]


@responses.activate
def test_names_a_handful_a_day_spread_over_it() -> None:
    answer_slots(*(f"2026-06-{day:02}T{hour:02}:00:00Z" for day in range(8, 20) for hour in range(8, 17)))

    told = use(make_calendar_lead(), "listSlots", {"daysAhead": 14}).result

    starts = [slot["start"] for slot in told["slots"]]
    assert starts[:4] == [f"2026-06-08T{hour}:00:00Z" for hour in ("08", "10", "13", "16")]
    assert len(starts) == 20
    assert "try bookConsult" in told["note"]


@responses.activate
def test_what_is_over_is_not_offered_and_nothing_is_said_to_be_nothing() -> None:
    answer_slots("2026-06-07T13:00:00Z")

    told = use(make_calendar_lead(), "listSlots")

    assert (told.ok, told.result["slots"]) == (True, [])
    assert "no free time" in told.result["note"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "json": {}},
        {"body": "<html>"},
        {"json": {"status": "success", "data": {"2026-06-08": [{"start": "nine"}]}}},
        {"json": {"status": "success", "data": {"2026-06-08": [{"start": "2026-06-08T08:00:00"}]}}},
        {"json": []},
        {"body": ReadTimeout("slow")},
    ],
)
@responses.activate
def test_a_calendar_that_fails_leaves_something_to_say(answer: dict[str, Any]) -> None:
    lead = make_calendar_lead()
    responses.add(responses.GET, SLOTS_URL, **answer)

    told = use(lead, "listSlots")

    assert not told.ok
    assert told.result["error"].startswith("The calendar can't be reached just now.")
    assert LogEntry.objects.get(lead_id=lead.pk).outcome != "ok"


@pytest.mark.parametrize("missing", ["api_key", "event_type_id"])
@responses.activate
def test_an_account_that_is_not_complete_is_not_connected(missing: str) -> None:
    workspace = make_workspace(channel="whatsapp")
    make_integration(workspace, "calcom", credentials={missing: ""})

    assert use(make_lead(workspace), "listSlots").result == {"ok": False, "error": "Cal.com not connected"}


@pytest.mark.parametrize("mode", ["hang", "late"])
@pytest.mark.serial
def test_answers_in_time_whatever_cal_com_does(mode: str, settings: Settings) -> None:
    import socket
    import threading

    lead = make_calendar_lead()
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CALCOM_BASE_URL = f"http://127.0.0.1:{server.getsockname()[1]}"
        stop = threading.Event()

        def drip() -> None:
            talk, _ = server.accept()
            with talk:
                while mode == "late" and not stop.wait(0.2):
                    talk.sendall(b"H")
                stop.wait(10)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        began = time.monotonic()
        told = use(lead, "listSlots", deadline_s=1.0)
        took_s = time.monotonic() - began
        stop.set()
        thread.join(5)

    assert not told.ok
    assert took_s < 1.5
