"""What was kept back is released once and contacted, discarded, put back, and deleted in time."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import responses
from django.db import connection
from pytest_django import Settings

from conftest import NOW, make_lead, make_user, make_workspace
from leadforms import held
from leadforms.models import ContactsOfDay, FormVersion, HeldSubmission, SpentToken
from leadforms.tests.at_once import THREADS, Race
from leadforms.tests.factories import document, make_held, make_published, question
from leads import dispatch, intake, sweep
from leads.erasure import erase_leads
from leads.intake import DuplicatePhone, Submission
from leads.models import Consent, Dispatch, Lead
from webapi.tests.backend import VAPI, calls_to_vapi, vapi_takes
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3)
CHOICE = question("single_choice", "Which colour?", id="q_colour")


def make_version(**workspace: Any) -> FormVersion:
    return make_published(make_workspace(**workspace), document(CHOICE))


@responses.activate
def test_a_released_submission_is_a_lead_and_is_called() -> None:
    vapi_takes("call-1")
    waiting, user = make_held(make_version(), reason="too_fast", form_responses={"q_colour": "Red"}), make_user()

    outcome = held.release(waiting, by_id=user.pk, now=LATER)

    lead = Lead.objects.get()
    assert (outcome.lead_id, outcome.status) == (lead.pk, "done")
    assert (lead.name, lead.phone, lead.email, lead.goal) == (
        waiting.name,
        waiting.phone,
        "jane@example.com",
        "Sleep better",
    )
    assert (lead.source, lead.status, lead.created_at) == ("form", "new", LATER)
    assert (lead.metadata, lead.form_responses) == ({"utm_source": "google"}, {"q_colour": "Red"})
    assert lead.form_version_id == waiting.form_version_id
    assert len(calls_to_vapi()) == 1
    row = HeldSubmission.objects.get()
    assert (row.released_at, row.decided_by, row.lead_id) == (LATER, user, lead.pk)
    assert not HeldSubmission.objects.waiting().exists()


@responses.activate
def test_a_costly_number_is_called_once_a_person_has_released_it() -> None:
    vapi_takes("call-1")
    waiting = make_held(make_version(), reason="costly_number", phone="+881612345678")

    outcome = held.release(waiting, by_id=None, now=LATER)

    assert (outcome.status, len(calls_to_vapi())) == ("done", 1)
    assert Dispatch.objects.get().by_hand


@responses.activate
def test_the_lead_keeps_the_consent_of_the_day_it_was_given() -> None:
    vapi_takes()
    waiting = make_held(make_version())

    held.release(waiting, by_id=None, now=LATER)

    consent = Consent.objects.get()
    assert (consent.text, consent.version, consent.given_at) == ("I agree to be called by Acme.", 1, NOW)
    assert (consent.ip, consent.user_agent, consent.page_url) == (
        "192.0.2.7",
        "Mozilla/5.0",
        "https://acme.example/contact",
    )


@responses.activate
def test_is_released_once_however_often_it_is_clicked() -> None:
    vapi_takes()
    waiting = make_held(make_version())
    held.release(waiting, by_id=None, now=LATER)

    with pytest.raises(held.AlreadyDecided):
        held.release(waiting, by_id=None, now=LATER)

    assert Lead.objects.count() == Dispatch.objects.count() == len(calls_to_vapi()) == 1


def test_what_was_discarded_is_not_released() -> None:
    waiting = make_held(make_version())
    held.discard(HeldSubmission.objects.all(), by_id=None, now=LATER)

    with pytest.raises(held.AlreadyDecided):
        held.release(waiting, by_id=None, now=LATER)

    assert not Lead.objects.exists()


def test_a_known_phone_is_told_and_the_submission_goes_on_waiting() -> None:
    version = make_version()
    waiting = make_held(version)
    known = make_lead(version.form.workspace, phone=waiting.phone)

    with pytest.raises(DuplicatePhone) as refused:
        held.release(waiting, by_id=None, now=LATER)

    assert refused.value.lead_id == known.pk
    row = HeldSubmission.objects.waiting().get()
    assert (row.released_at, row.lead_id, row.decided_by) == (None, None, None)
    assert Lead.objects.count() == 1
    assert not Dispatch.objects.exists()


def test_goes_on_waiting_when_the_lead_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = make_held(make_version())

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("leadforms.held.accept_lead", crash)
    with pytest.raises(RuntimeError):
        held.release(waiting, by_id=None, now=LATER)

    assert HeldSubmission.objects.waiting().get() == waiting


@responses.activate
def test_a_released_lead_whose_call_is_refused_stays_and_needs_a_human() -> None:
    responses.post(VAPI, json={"message": "No credits left."}, status=402)

    outcome = held.release(make_held(make_version()), by_id=None, now=LATER)

    assert outcome.status == "failed"
    assert "No credits left" in outcome.reason
    assert Lead.objects.get().status == "needs_human"
    assert LogEntry.objects.get().outcome == "rejected"


def test_contacts_nobody_while_the_agent_is_off() -> None:
    outcome = held.release(make_held(make_version(agent_enabled=False)), by_id=None, now=LATER)

    assert (outcome.status, outcome.reason) == ("skipped", "paused")
    assert Lead.objects.get().pk == outcome.lead_id


@responses.activate
def test_what_a_person_releases_does_not_count_toward_the_cap() -> None:
    vapi_takes()

    held.release(make_held(make_version()), by_id=None, now=LATER)

    assert not ContactsOfDay.objects.exists()


@responses.activate
def test_many_at_once_are_left_to_the_worker() -> None:
    vapi_takes()
    version = make_version()
    rows = [make_held(version) for _ in range(3)]
    make_lead(version.form.workspace, phone=rows[1].phone)
    held.discard(HeldSubmission.objects.filter(pk=rows[2].pk), by_id=None, now=LATER)

    outcome = held.release_many(rows, by_id=None, now=LATER)

    assert (outcome.released, outcome.known) == (1, [rows[1]])
    assert calls_to_vapi() == []
    row = Dispatch.objects.get()
    assert (row.status, row.lead_id) == ("pending", HeldSubmission.objects.get(pk=rows[0].pk).lead_id)
    for job in sweep.claim_jobs(by="worker", now=LATER, limit=10):
        job()
    assert len(calls_to_vapi()) == 1


@responses.activate
def test_a_forms_lead_whose_call_is_refused_stays_needs_a_human_and_the_journal_says_why() -> None:
    responses.post(VAPI, json={"message": "Assistant not found."}, status=404)
    workspace = make_version().form.workspace
    accepted = intake.accept_lead(
        Submission(
            workspace_id=workspace.pk,
            channel="voice",
            name="Jane Doe",
            phone="+447123456789",
            source=Lead.Source.FORM,
            later=True,
        ),
        now=NOW,
    )
    assert dispatch.deliver(accepted, undo_refused=False) is None

    for job in sweep.claim_jobs(by="worker", now=LATER, limit=10):
        job()

    lead, row, entry = Lead.objects.get(), Dispatch.objects.get(), LogEntry.objects.get()
    assert (lead.status, row.status) == ("needs_human", "failed")
    assert "Assistant not found" in row.reason
    assert (entry.outcome, entry.status_code, entry.lead_id) == ("rejected", 404, lead.pk)
    assert "Assistant not found" in entry.response


def test_what_was_discarded_can_be_put_back() -> None:
    waiting, user = make_held(make_version()), make_user()
    rows = HeldSubmission.objects.filter(pk=waiting.pk)

    assert [held.discard(rows, by_id=user.pk, now=LATER) for _ in range(2)] == [1, 0]
    row = rows.get()
    assert (row.discarded_at, row.decided_by) == (LATER, user)
    assert [held.put_back(rows) for _ in range(2)] == [1, 0]

    assert HeldSubmission.objects.waiting().get().decided_by is None


@responses.activate
def test_what_was_released_is_neither_discarded_nor_put_back() -> None:
    vapi_takes()
    held.release(make_held(make_version()), by_id=None, now=LATER)

    assert held.discard(HeldSubmission.objects.all(), by_id=None, now=LATER) == 0
    assert held.put_back(HeldSubmission.objects.all()) == 0
    assert HeldSubmission.objects.get().released_at == LATER


def test_erasing_a_lead_erases_what_its_person_sent_besides() -> None:
    version, other = make_version(), make_version()
    phone = make_held(version).phone
    make_held(other, phone=phone)
    unrelated = make_held(version)
    lead = make_lead(version.form.workspace, phone=phone)

    erase_leads(Lead.objects.filter(pk=lead.pk), now=LATER)

    assert {row.pk for row in HeldSubmission.objects.all()} == {
        unrelated.pk,
        HeldSubmission.objects.get(workspace=other.form.workspace).pk,
    }


def test_a_test_lead_takes_no_real_submission_with_it() -> None:
    version = make_version()
    waiting = make_held(version)
    make_lead(version.form.workspace, phone=waiting.phone, is_test=True)

    erase_leads(Lead.objects.all(), now=LATER)

    assert HeldSubmission.objects.get() == waiting


def test_deletes_what_has_served_its_time(settings: Settings) -> None:
    settings.HELD_RETENTION_DAYS = 30
    version = make_version()
    make_held(version, created_at=NOW - timedelta(days=30, seconds=1))
    young = make_held(version, created_at=NOW - timedelta(days=30))
    for digest, hours in (("old", 48.1), ("young", 47.9)):
        SpentToken.objects.create(digest=digest, body_sha256="x", spent_at=NOW - timedelta(hours=hours))
    for days in (6, 8):
        ContactsOfDay.objects.create(workspace=version.form.workspace, day=(NOW - timedelta(days=days)).date())

    assert sweep.retire(now=NOW) == 3

    assert HeldSubmission.objects.get() == young
    assert SpentToken.objects.get().digest == "young"
    assert str(ContactsOfDay.objects.get().day) == "2026-06-01"


def test_of_too_many_the_least_likely_to_be_people_make_way_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST_WAITING", 3)
    version = make_version()
    for n, reason in enumerate(("daily_cap", "many_from_ip", "honeypot", "daily_cap", "many_for_form", "honeypot")):
        make_held(version, name=f"{reason} {n}", reason=reason, created_at=NOW + timedelta(minutes=n))

    waiting = list(HeldSubmission.objects.order_by("created_at").values_list("name", flat=True))
    assert waiting == ["daily_cap 0", "daily_cap 3", "many_for_form 4"]
    make_held(version, name="daily_cap 6", reason="daily_cap", created_at=NOW + timedelta(minutes=6))
    make_held(version, name="daily_cap 7", reason="daily_cap", created_at=NOW + timedelta(minutes=7))
    waiting = list(HeldSubmission.objects.order_by("created_at").values_list("name", flat=True))
    assert waiting == ["daily_cap 3", "daily_cap 6", "daily_cap 7"]
    day = ContactsOfDay.objects.get()
    assert (day.made_way, day.count) == (5, 0)


def test_what_waits_elsewhere_or_is_decided_makes_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "MOST_WAITING", 1)
    version, other = make_version(), make_version()
    kept = [make_held(other), make_held(version)]
    HeldSubmission.objects.filter(pk=kept[1].pk).update(discarded_at=NOW)

    kept.append(make_held(version, reason="too_fast"))

    assert set(HeldSubmission.objects.all()) == set(kept)
    assert not ContactsOfDay.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_release_once(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("threads share no database in memory")
    waiting = make_held(make_version(agent_enabled=False))

    def click(n: int) -> str:
        try:
            return held.release(waiting, by_id=None, now=LATER).status
        except held.AlreadyDecided:
            return "decided"

    assert Counter(Race(tmp_path)(click)) == {"skipped": 1, "decided": THREADS - 1}
    assert Lead.objects.count() == Dispatch.objects.count() == 1
