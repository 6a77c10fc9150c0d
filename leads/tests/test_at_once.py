"""The same submission from many threads at once makes one lead and one contact."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from leads.models import Dispatch, Lead
from voice.models import CallSession
from webapi.tests.backend import Backend, submission

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
THREADS = 12


@pytest.fixture(autouse=True)
def _threads_share_the_database() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("threads share no database in memory")


def at_once(call: Callable[[int], Any]) -> list[Any]:
    gate = threading.Barrier(THREADS)
    answers: list[Any] = []

    def run(n: int) -> None:
        gate.wait()
        try:
            answers.append(call(n))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_one_phone_at_once_is_one_lead() -> None:
    backend = Backend(mode="test")
    body = submission()

    answers = at_once(lambda _: Backend(backend.workspace, key=backend.key).post(body))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: THREADS - 1}
    lead = Lead.objects.get()
    assert {answer.json()["leadId"] for answer in answers} == {str(lead.pk)}
    assert Dispatch.objects.count() == CallSession.objects.count() == 1


def test_one_idempotency_key_at_once_is_one_lead() -> None:
    backend = Backend(mode="test")
    body = submission()

    answers = at_once(lambda _: Backend(backend.workspace, key=backend.key).post(body, Idempotency_Key="one"))

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {a.json()["error"] for a in answers if a.status_code == 409} <= {"idempotency_in_progress"}
    firsts = [a for a in answers if a.status_code == 201 and "Idempotency-Replayed" not in a.headers]
    assert len(firsts) == 1
    assert Dispatch.objects.count() == CallSession.objects.count() == Lead.objects.count() == 1


def test_many_phones_at_once_are_as_many_leads() -> None:
    backend = Backend(mode="test")
    bodies = [submission() for _ in range(THREADS)]

    answers = at_once(lambda n: Backend(backend.workspace, key=backend.key).post(bodies[n]))

    assert {answer.status_code for answer in answers} == {201}
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"done"}
    assert Lead.objects.count() == Dispatch.objects.count() == CallSession.objects.count() == THREADS
