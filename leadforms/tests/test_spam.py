"""What gives a submission away as spam, and how many are contacted a day."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import redis
from django.db import transaction
from pytest_django import Settings

from apikeys import limits
from conftest import NOW, make_workspace
from leadforms import spam
from leadforms.models import ContactsOfDay, HeldSubmission, LeadForm
from leadforms.tests.at_once import THREADS, Race
from leadforms.tests.factories import make_form
from leadforms.tokens import Token
from leads.tests.link_examples import LINKS, NO_LINKS
from workspaces.models import Workspace

REDIS = "redis://127.0.0.1:6379/13"
Reason = HeldSubmission.Reason
FORM, OTHER_FORM = LeadForm(pk=7), LeadForm(pk=70)


@pytest.fixture(params=["process", pytest.param("redis", marks=pytest.mark.redis)])
def store(request: pytest.FixtureRequest, settings: Settings) -> Iterator[str]:
    """Count in either place, from nothing."""
    settings.REDIS_URL = REDIS if request.param == "redis" else ""
    limits.reset()
    yield request.param
    limits.reset()
    if request.param == "redis":
        client: Any = redis.Redis.from_url(REDIS)
        client.delete(*(client.keys("coachbot:limit:*") or ["none"]))
        client.close()


def find(*, form: LeadForm = FORM, age_s: float = 60, ip: str | None = "192.0.2.1", **said: Any) -> Any:
    token = Token(UUID(int=1), "nonce", NOW - timedelta(seconds=age_s))
    said = {"honeypot": "", "name": "Ada Byron", "texts": ()} | said
    return spam.find_reason(form=form, token=token, ip=ip, now=NOW, **said)


def test_lets_people_through() -> None:
    assert find() is None


@pytest.mark.parametrize("filled", ["https://ada.example", "Ada Byron", "12 St James's Square", " "])
def test_the_hidden_field_alone_holds_nobody_back(filled: str) -> None:
    # Password managers and browsers fill in more than a person sees.
    assert find(honeypot=filled) is None


def test_the_hidden_field_and_haste_are_a_machine() -> None:
    assert find(honeypot="x", age_s=4.999) is Reason.HONEYPOT
    assert find(honeypot="x", age_s=5) is None
    assert find(age_s=4.999) is None


@pytest.mark.parametrize("text", ["Buy at https://spam.example now", "cheap pills: evil.com", "Ada Byron"])
def test_the_hidden_field_and_what_machines_write_are_a_machine(text: str) -> None:
    assert find(honeypot="x", texts=["A new job", text]) is Reason.HONEYPOT
    assert find(texts=["A new job", text]) is None


def test_the_hidden_field_and_what_people_write_are_a_person() -> None:
    assert find(honeypot="x", texts=["A new job", "", "I am with Byron & Co., St.Claire"]) is None


@pytest.mark.parametrize("name", ["Win now https://spam.example", "cash.example-spam.com", "x t.co://", *LINKS])
def test_a_web_address_is_no_name(name: str) -> None:
    assert find(name=name) is Reason.LINK_IN_NAME


@pytest.mark.parametrize("name", NO_LINKS)
def test_names_of_people_are_names(name: str) -> None:
    assert find(name=name) is None


def test_who_is_faster_than_a_person_is_none(settings: Settings) -> None:
    settings.FORM_MIN_SECONDS = 2

    assert find(age_s=1.999) is Reason.TOO_FAST
    assert find(age_s=2) is None
    # Shown by a machine whose clock is ahead.
    assert find(age_s=-1) is Reason.TOO_FAST


@pytest.mark.usefixtures("store")
def test_holds_what_is_over_the_limit_of_an_address(settings: Settings) -> None:
    settings.FORM_LIMIT_PER_IP = 3

    assert [find() for _ in range(5)] == [None, None, None, Reason.MANY_FROM_IP, Reason.MANY_FROM_IP]
    assert find(ip="192.0.2.2") is None
    assert find(form=OTHER_FORM) is None


@pytest.mark.usefixtures("store")
def test_holds_what_is_over_the_limit_of_a_form(settings: Settings) -> None:
    settings.FORM_LIMIT_PER_HOUR = 3

    found = [find(ip=f"192.0.2.{n}") for n in range(5)]

    assert found == [None, None, None, Reason.MANY_FOR_FORM, Reason.MANY_FOR_FORM]
    assert find(form=OTHER_FORM) is None


@pytest.mark.usefixtures("store")
def test_what_was_held_uses_up_nobody_elses_hour(settings: Settings) -> None:
    settings.FORM_LIMIT_PER_IP, settings.FORM_LIMIT_PER_HOUR = 1, 2

    found = [find(honeypot="x", age_s=3), find(age_s=0), find(), find(), find(), find(ip="192.0.2.2")]

    assert found == [Reason.HONEYPOT, Reason.TOO_FAST, None, Reason.MANY_FROM_IP, Reason.MANY_FROM_IP, None]


def test_an_address_is_free_again_after_ten_minutes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FORM_LIMIT_PER_IP = 1
    clock = [1000.0]
    monkeypatch.setattr("apikeys.limits.time.monotonic", lambda: clock[0])

    found = [find(), find()]
    clock[0] += 599.9
    found.append(find())
    clock[0] += 0.1
    found.append(find())

    assert found == [None, Reason.MANY_FROM_IP, Reason.MANY_FROM_IP, None]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_counts_by_what_one_visitor_has_to_themselves(settings: Settings, one: str, other: str, same: bool) -> None:
    settings.FORM_LIMIT_PER_IP = 1
    find(ip=one)

    assert find(ip=other) is (Reason.MANY_FROM_IP if same else None)


@pytest.mark.parametrize("ip", [None, "", "unknown", "1.2.3.4.5"])
def test_visitors_without_an_address_are_not_taken_for_one(settings: Settings, ip: str | None) -> None:
    settings.FORM_LIMIT_PER_IP = 1

    assert [find(ip=ip) for _ in range(3)] == [None, None, None]


def test_zero_is_no_limit(settings: Settings) -> None:
    settings.FORM_LIMIT_PER_IP = settings.FORM_LIMIT_PER_HOUR = settings.FORM_MIN_SECONDS = 0

    assert {find(age_s=0) for _ in range(20)} == {None}


@pytest.mark.redis
def test_shows_redis_no_address(settings: Settings) -> None:
    settings.REDIS_URL = REDIS
    limits.reset()
    find(ip="192.0.2.1")
    find(ip="2001:db8:0:1::1")

    client: Any = redis.Redis.from_url(REDIS, decode_responses=True)
    names = client.keys("coachbot:limit:{form:7*")
    client.delete(*names)
    client.close()
    limits.reset()

    assert len(names) == 3
    assert not any("192.0" in name or "2001" in name for name in names)


def test_everybody_passes_while_redis_is_away(settings: Settings) -> None:
    settings.REDIS_URL, settings.FORM_LIMIT_PER_IP = "redis://127.0.0.1:1/13", 1
    limits.reset()

    found = [find() for _ in range(3)]

    limits.reset()
    assert found == [None, None, None]


@pytest.mark.usefixtures("store")
def test_of_any_number_at_once_exactly_the_limit_passes(settings: Settings) -> None:
    settings.FORM_LIMIT_PER_IP = 5
    found: list[Any] = []
    gate = threading.Barrier(20)

    def send() -> None:
        gate.wait()
        found.append(find())

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(found) == {None: 5, Reason.MANY_FROM_IP: 15}


@pytest.mark.django_db
def test_contacts_as_many_a_day_as_the_cap_says() -> None:
    form = make_form(make_workspace(), daily_cap=2)

    taken = [spam.take_contact(form, now=NOW) for _ in range(4)]

    assert taken == [True, True, False, False]
    assert spam.contacts_taken(form, now=NOW) == 2


@pytest.mark.django_db
def test_contacts_nobody_with_a_cap_of_zero() -> None:
    form = make_form(make_workspace(), daily_cap=0)

    assert not spam.take_contact(form, now=NOW)
    assert not ContactsOfDay.objects.exists()


@pytest.mark.django_db
def test_each_workspace_has_its_own_cap() -> None:
    one, other = (make_form(make_workspace(), daily_cap=1) for _ in range(2))

    assert [spam.take_contact(form, now=NOW) for form in (one, other, one)] == [True, True, False]


@pytest.mark.django_db
def test_a_raised_cap_counts_at_once() -> None:
    form = make_form(make_workspace(), daily_cap=1)
    spam.take_contact(form, now=NOW)
    form.daily_cap = 2

    assert [spam.take_contact(form, now=NOW) for _ in range(2)] == [True, False]


@pytest.mark.django_db
def test_the_day_is_that_of_the_workspace() -> None:
    zone = ZoneInfo("America/New_York")
    form = make_form(make_workspace(timezone="America/New_York"), daily_cap=1)
    last = datetime(2026, 6, 7, 23, 59, 59, tzinfo=zone)
    first = datetime(2026, 6, 8, 0, 0, tzinfo=zone)

    assert [spam.take_contact(form, now=now) for now in (last, last, first)] == [True, False, True]
    assert [str(row.day) for row in ContactsOfDay.objects.order_by("day")] == ["2026-06-07", "2026-06-08"]


@pytest.mark.django_db
def test_what_was_rolled_back_was_not_taken() -> None:
    form = make_form(make_workspace(), daily_cap=1)

    with transaction.atomic():
        assert spam.take_contact(form, now=NOW)
        transaction.set_rollback(True)

    assert spam.take_contact(form, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_any_number_at_once_exactly_the_cap_is_contacted(tmp_path: Path) -> None:
    race = Race(tmp_path / "race.sqlite3")
    race.make_tables(Workspace, ContactsOfDay)
    workspace = Workspace(name="Acme", slug="acme-race", channel="voice")
    with race.connected():
        workspace.save(force_insert=True)
    form = LeadForm(pk=7, workspace=workspace, daily_cap=5)

    def take(n: int) -> bool:
        with transaction.atomic(durable=True):
            return spam.take_contact(form, now=NOW)

    assert Counter(race(take)) == {True: 5, False: THREADS - 5}
