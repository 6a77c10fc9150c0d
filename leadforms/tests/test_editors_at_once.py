"""Many editors of one form in the same moment: one is first, all others are told, nothing is overwritten."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from conftest import NOW, make_workspace
from leadforms.content import read_content
from leadforms.models import ConsentText, FormVersion, LeadForm
from leadforms.publishing import StaleDraft, find_form, publish, save_draft
from leadforms.tests.factories import document, make_form, question

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
THREADS = 8


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
        except StaleDraft as stale:
            answers.append(stale)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == THREADS
    return answers


def test_one_save_wins_and_the_others_are_told() -> None:
    form = make_form(make_workspace())

    def save(n: int) -> int:
        return save_draft(form, document(consent=f"By {n}"), revision=1, by_id=None, now=NOW)

    answers = at_once(save)

    assert Counter(type(answer) for answer in answers) == {int: 1, StaleDraft: THREADS - 1}
    form.refresh_from_db()
    assert form.draft_revision == 2
    assert {answer.revision for answer in answers if isinstance(answer, StaleDraft)} == {2}


def test_a_version_is_published_once_however_often_it_is_asked_for() -> None:
    form = make_form(make_workspace())

    answers = at_once(lambda _: publish(form, revision=1, by_id=None, now=NOW))

    assert len({version.pk for version in answers}) == 1
    assert FormVersion.objects.count() == ConsentText.objects.count() == 1


def test_what_is_published_is_what_was_looked_at_however_much_is_saved_meanwhile() -> None:
    form = make_form(make_workspace(), document(question(label="Looked at")))

    def save_or_publish(n: int) -> Any:
        if n % 2:
            return publish(form, revision=1, by_id=None, now=NOW)
        return save_draft(form, document(consent=f"By {n}"), revision=1, by_id=None, now=NOW)

    at_once(save_or_publish)

    labels = [question.label for version in FormVersion.objects.all() for question in _questions(version)]
    assert set(labels) <= {"Looked at"}
    assert FormVersion.objects.count() <= 1


def test_a_form_is_made_once() -> None:
    workspace = make_workspace()

    forms = at_once(lambda _: find_form(workspace, now=NOW))

    assert len({form.pk for form in forms}) == 1
    assert LeadForm.objects.count() == 1


def _questions(version: FormVersion) -> Any:
    return read_content(version.content).questions()
