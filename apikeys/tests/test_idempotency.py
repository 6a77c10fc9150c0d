"""Idempotency-Key: the same submission again gets the first answer again, and nothing happens twice."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import responses
from django.utils import timezone

from apikeys.models import ApiKey, IdempotentRequest
from conftest import make_dispatch, make_lead, make_workspace
from leads import intake, submit
from leads.models import Dispatch, Lead
from voice.models import CallSession
from webapi.tests.backend import LEADS, VAPI, Backend, calls_to_vapi, submission, vapi_takes

pytestmark = pytest.mark.django_db

IN_PROGRESS = {
    "ok": False,
    "error": "idempotency_in_progress",
    "message": "The first request with this Idempotency-Key is still running.",
}


def age(by: timedelta) -> None:
    """Let all kept requests be older."""
    for row in IdempotentRequest.objects.all():
        IdempotentRequest.objects.filter(pk=row.pk).update(created_at=row.created_at - by)


def leave_behind(backend: Backend, body: dict[str, Any], *, lease_until: datetime) -> IdempotentRequest:
    """Make the row of a run whose process died."""
    return IdempotentRequest.objects.create(
        api_key=ApiKey.objects.get(workspace=backend.workspace),
        key="one",
        body_hash=hashlib.sha256(json.dumps(body).encode()).hexdigest(),
        lease_until=lease_until,
        created_at=timezone.now(),
    )


def leave_lead(backend: Backend, body: dict[str, Any], row: IdempotentRequest, status: str, **more: Any) -> Dispatch:
    """Make the lead and the dispatch that it left behind."""
    lead = make_lead(backend.workspace, pk=row.lead_id, phone=body["phone"], name=body["name"])
    return make_dispatch(lead, status=status, attempts=1, claimed_by="dead:1", claimed_at=timezone.now(), **more)


def over() -> datetime:
    return timezone.now() - timedelta(seconds=1)


@responses.activate
def test_the_same_submission_again_gets_the_first_answer_and_rings_nobody() -> None:
    vapi_takes()
    backend = Backend()
    body = submission()

    first = backend.post(body, Idempotency_Key="one")
    again = backend.post(body, Idempotency_Key="one")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again["X-Request-Id"] != first["X-Request-Id"]
    assert len(calls_to_vapi()) == 1
    assert Lead.objects.count() == 1


NAME_AND = '"phone": "+447123456789", "consent": true'


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ('{"name": "Zoë", %s}', '{"name":"Zo\\u00eb",%s}'),
        ('{"name": "J", "goal": null, %s}', '{%s, "goal": null, "name": "J"}'),
        (
            '{"name": "J", "metadata": {"a": 1, "b": [1.0, 2e0]}, %s}',
            '{"name": "J", "metadata": {"b": [1, 2], "a": 1.0}, %s}',
        ),
        ('{"name": "J", %s}', '\ufeff  {"name": "J", %s}\n'),
    ],
    ids=["escapes", "order", "numbers", "spaces"],
)
def test_another_spelling_of_the_same_json_is_the_same_request(first: str, again: str) -> None:
    backend = Backend(make_workspace(channel="whatsapp"))

    answers = [backend.post((body % NAME_AND).encode(), Idempotency_Key="one") for body in (first, again)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].content == answers[0].content
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert Lead.objects.count() == 1


@pytest.mark.parametrize(
    "again",
    [
        '{"name": "J", "metadata": {"a": [2, 1]}, %s}', '{"name": "J", "metadata": {"a": ["1", "2"]}, %s}',
        '{"name": "j", "metadata": {"a": [1, 2]}, %s}', '{"name": "J", "metadata": {"a": [1, 2, null]}, %s}',
        '{"name": "J", "metadata": {"a": [true, 2]}, %s}', '{"name": "J", %s}',
    ],
)  # fmt: skip
def test_another_meaning_is_refused(again: str) -> None:
    backend = Backend(make_workspace(channel="whatsapp"))
    backend.post('{"name": "J", "metadata": {"a": [1, 2]}, ' + NAME_AND + "}", Idempotency_Key="one")

    answer = backend.post(again % NAME_AND, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["error"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "status"),
    [('{"consent": true}', 400), ("not json", 400), ('{"name": "Jane Doe", "phone": "+447123456789"}', 400)],
)
def test_a_400_is_kept(body: str, status: int) -> None:
    backend = Backend()

    first, again = (backend.post(body, Idempotency_Key="one") for _ in range(2))

    assert (first.status_code, again.status_code) == (status, status)
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"


def test_a_409_is_kept() -> None:
    backend = Backend()
    lead = make_lead(backend.workspace, phone="+447123456789")
    body = submission(phone="+447123456789")

    first = backend.post(body, Idempotency_Key="one")
    lead.delete()
    again = backend.post(body, Idempotency_Key="one")

    assert (first.status_code, first.json()["error"]) == (409, "duplicate_phone")
    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (409, first.content, "true")


def test_another_body_under_the_same_key_is_refused() -> None:
    backend = Backend(mode="test")
    raw = json.dumps(submission())
    backend.post(raw, Idempotency_Key="one")

    answer = backend.post(raw.replace("Jane", "Joan"), Idempotency_Key="one")

    assert answer.status_code == 422
    assert answer.json() == {
        "ok": False,
        "error": "idempotency_key_reused",
        "message": "This Idempotency-Key was used with a different request body.",
    }
    assert Lead.objects.count() == 1


def test_while_the_first_still_runs_the_second_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend(mode="test")
    body = submission()
    meanwhile: list[Any] = []
    accept = intake.accept_lead

    def slowly(*args: Any, **kwargs: Any) -> Any:
        meanwhile.append(backend.post(body, Idempotency_Key="one"))
        return accept(*args, **kwargs)

    monkeypatch.setattr(submit, "accept_lead", slowly)
    first = backend.post(body, Idempotency_Key="one")

    assert first.status_code == 201
    (second,) = meanwhile
    assert (second.status_code, second.json(), second["Retry-After"]) == (409, IN_PROGRESS, "1")
    assert Lead.objects.count() == 1


@responses.activate
def test_a_502_is_not_kept() -> None:
    responses.post(VAPI, json={"message": "no"}, status=400)
    vapi_takes()
    backend = Backend()
    body = submission()

    first, second, third = (backend.post(body, Idempotency_Key="one") for _ in range(3))

    assert [first.status_code, second.status_code, third.status_code] == [502, 201, 201]
    assert "Idempotency-Replayed" not in second.headers
    assert third["Idempotency-Replayed"] == "true"
    assert len(calls_to_vapi()) == 2


def test_a_429_is_not_kept() -> None:
    backend = Backend(mode="test", limit_per_minute=1)
    body = submission()
    backend.get("/api/public/me")

    refused = backend.post(body, Idempotency_Key="one")
    ApiKey.objects.update(limit_per_minute=0)

    assert refused.status_code == 429
    assert backend.post(body, Idempotency_Key="one").status_code == 201


def test_a_crash_is_not_kept_and_does_not_block_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend(mode="test")
    body = submission()
    with monkeypatch.context() as broken:
        broken.setattr(submit, "accept_lead", lambda *_, **__: 1 / 0)
        crashed = backend.post(body, Idempotency_Key="one")

    again = backend.post(body, Idempotency_Key="one")

    assert (crashed.status_code, again.status_code) == (500, 201)


def test_is_kept_for_24_hours() -> None:
    backend = Backend(mode="test")
    body = submission()
    first = backend.post(body, Idempotency_Key="one")

    age(timedelta(hours=23, minutes=59))
    kept = backend.post(body, Idempotency_Key="one")
    age(timedelta(minutes=2))
    gone = backend.post(body, Idempotency_Key="one")

    assert (kept.status_code, kept["Idempotency-Replayed"]) == (201, "true")
    assert (gone.status_code, gone.json()["error"]) == (409, "duplicate_phone")
    assert gone.json()["leadId"] == first.json()["leadId"]


def test_keys_are_scoped_to_the_api_key() -> None:
    workspace = make_workspace()
    one, other = Backend(workspace, mode="test"), Backend(workspace, mode="test")

    first = one.post(submission(), Idempotency_Key="one")
    second = other.post(submission(), Idempotency_Key="one")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["leadId"] != second.json()["leadId"]


def test_different_keys_are_different_requests() -> None:
    backend = Backend(mode="test")
    body = submission()

    assert backend.post(body, Idempotency_Key="one").status_code == 201
    assert backend.post(body, Idempotency_Key="One").status_code == 409


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_refuses_a_key_that_is_none(key: str) -> None:
    backend = Backend(mode="test")

    answer = backend.post(submission(), Idempotency_Key=key)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_idempotency_key")
    assert not Lead.objects.exists()


@pytest.mark.parametrize("key", ["x", "x" * 255, "8e03978e-40d5-43e8-bc93-6894a57f9324", "a b/c:d=~"])
def test_takes_a_key_of_1_to_255_characters(key: str) -> None:
    backend = Backend(mode="test")
    body = submission()

    assert backend.post(body, Idempotency_Key=key).status_code == 201
    assert backend.post(body, Idempotency_Key=key)["Idempotency-Replayed"] == "true"


def test_is_for_submissions_only() -> None:
    backend = Backend()

    backend.ask("GET", LEADS, Idempotency_Key="one")

    assert not IdempotentRequest.objects.exists()


def test_a_run_under_its_lease_is_left_alone() -> None:
    backend = Backend()
    body = submission()
    leave_behind(backend, body, lease_until=timezone.now() + timedelta(seconds=30))

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()) == (409, IN_PROGRESS)


@responses.activate
def test_a_dead_run_that_left_no_lead_is_run_again() -> None:
    vapi_takes()
    backend = Backend()
    body = submission()
    row = leave_behind(backend, body, lease_until=over())

    answer = backend.post(body, Idempotency_Key="one")

    assert answer.status_code == 201
    assert answer.json() == {
        "ok": True,
        "leadId": str(row.lead_id),
        "status": "in_progress",
        "vapiCallId": "call-1",
        "callQueued": True,
    }
    assert backend.post(body, Idempotency_Key="one").content == answer.content
    assert len(calls_to_vapi()) == 1


@responses.activate
def test_a_dead_run_whose_call_went_out_is_answered_by_it() -> None:
    backend = Backend()
    body = submission()
    row = leave_behind(backend, body, lease_until=over())
    dispatch = leave_lead(backend, body, row, "done")
    now = timezone.now()
    CallSession.objects.create(
        lead=dispatch.lead, dispatch=dispatch, vapi_call_id="call-7", created_at=now, updated_at=now
    )

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["vapiCallId"]) == (201, "call-7")
    assert answer.json()["leadId"] == str(row.lead_id)
    assert len(responses.calls) == 0


@responses.activate
def test_a_dead_run_that_may_still_send_is_waited_for() -> None:
    backend = Backend()
    body = submission()
    row = leave_behind(backend, body, lease_until=over())
    leave_lead(backend, body, row, "sending", due_at=timezone.now() + timedelta(seconds=30))

    for _ in range(2):
        answer = backend.post(body, Idempotency_Key="one")
        assert (answer.status_code, answer.json(), answer["Retry-After"]) == (409, IN_PROGRESS, "1")

    assert len(responses.calls) == 0
    assert IdempotentRequest.objects.get().status == "running"


@responses.activate
def test_a_dead_run_whose_call_vapi_knows_adopts_it() -> None:
    backend = Backend()
    body = submission()
    row = leave_behind(backend, body, lease_until=over())
    dispatch = leave_lead(backend, body, row, "sending", due_at=over())
    ours = {"metadata": {"coachbotDispatchId": str(dispatch.pk)}}
    responses.get(VAPI, json=[{"id": "call-9", "status": "ringing", "assistantOverrides": ours}])

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["vapiCallId"]) == (201, "call-9")
    assert not calls_to_vapi("POST")
    dispatch.refresh_from_db()
    assert dispatch.status == "done"


@responses.activate
def test_a_dead_run_that_never_reached_vapi_is_sent_now() -> None:
    responses.get(VAPI, json=[])
    vapi_takes("call-2")
    backend = Backend()
    body = submission()
    row = leave_behind(backend, body, lease_until=over())
    leave_lead(backend, body, row, "sending", due_at=over())

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["vapiCallId"]) == (201, "call-2")
    assert len(calls_to_vapi("POST")) == 1


@responses.activate
def test_a_dead_run_that_vapi_refuses_now_is_rolled_back_and_may_try_again() -> None:
    responses.get(VAPI, json=[])
    responses.post(VAPI, body="no", status=400)
    backend = Backend()
    body = submission()
    row = leave_behind(backend, body, lease_until=over())
    leave_lead(backend, body, row, "sending", due_at=over())

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["message"]) == (502, "Vapi /call failed (400): no")
    assert not Lead.objects.exists()
    assert not IdempotentRequest.objects.exists()


@responses.activate
def test_a_dead_run_that_vapi_cant_be_asked_about_rings_nobody() -> None:
    responses.get(VAPI, status=500)
    backend = Backend()
    body = submission()
    row = leave_behind(backend, body, lease_until=over())
    leave_lead(backend, body, row, "sending", due_at=over())

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()["vapiCallId"]) == (201, None)
    assert not calls_to_vapi("POST")


@responses.activate
@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("pending", {"status": "in_progress", "vapiCallId": None, "callQueued": True}),
        ("failed", {"status": "new", "callQueued": False}),
        ("skipped", {"status": "new", "callQueued": False}),
    ],
)
def test_a_dead_run_is_answered_by_what_it_left_behind(status: str, said: dict[str, Any]) -> None:
    backend = Backend()
    body = submission()
    row = leave_behind(backend, body, lease_until=over())
    leave_lead(backend, body, row, status, due_at=over())

    answer = backend.post(body, Idempotency_Key="one")

    assert (answer.status_code, answer.json()) == (201, {"ok": True, "leadId": str(row.lead_id)} | said)
    assert backend.post(body, Idempotency_Key="one")["Idempotency-Replayed"] == "true"
    assert len(responses.calls) == 0


def test_a_dead_run_of_a_whatsapp_workspace_is_answered_likewise() -> None:
    backend = Backend(make_workspace(channel="whatsapp"))
    body = submission()
    row = leave_behind(backend, body, lease_until=over())
    leave_lead(backend, body, row, "pending", due_at=over())

    answer = backend.post(body, Idempotency_Key="one")

    assert answer.json() == {"ok": True, "leadId": str(row.lead_id), "status": "new", "messageQueued": True}


@responses.activate
def test_a_key_may_be_any_printable_text() -> None:
    vapi_takes()
    backend = Backend()
    # As a client's bytes arrive through WSGI.
    key = "Bestellung-№42-日本".encode().decode("latin-1")

    body = submission()
    first = backend.post(body, idempotency_key=key)
    again = backend.post(body, idempotency_key=key)

    assert first.status_code == again.status_code == 201
    assert again["Idempotency-Replayed"] == "true"
