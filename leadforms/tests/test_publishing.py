"""Drafts that nobody overwrites unseen, and versions that stay as they were published."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import TestCase

from conftest import NOW, make_user, make_workspace
from leadforms.content import ContentError, read_content
from leadforms.models import ConsentText, FormVersion, LeadForm
from leadforms.publishing import (
    NotPublishable,
    StaleDraft,
    find_form,
    find_problems,
    find_published,
    publish,
    restore,
    save_draft,
    unpublish,
)
from leadforms.tests.factories import CONSENT, document, make_form, make_published, question
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def save(form: LeadForm, content: Any, *, revision: int, by: Any = None) -> int:
    return save_draft(form, content, revision=revision, by_id=by and by.pk, now=LATER)


def publish_draft(form: LeadForm) -> FormVersion:
    form.refresh_from_db()
    return publish(form, revision=form.draft_revision, by_id=None, now=LATER)


@pytest.mark.parametrize(
    ("channel", "words"),
    [("voice", "Acme calls me about my request"), ("whatsapp", "Acme writes to me on WhatsApp about my request")],
)
def test_a_new_form_could_be_published_as_it_is(channel: str, words: str) -> None:
    form = find_form(make_workspace(name="Acme", channel=channel), now=NOW)

    content = read_content(form.draft)
    assert find_problems(content) == []
    assert len(list(content.questions())) == 1
    assert words in content.consent


def test_a_workspace_has_one_form() -> None:
    workspace = make_workspace()
    form = find_form(workspace, now=NOW)
    assert find_form(workspace, now=LATER).pk == form.pk
    assert find_form(make_workspace(), now=NOW).pk != form.pk


def test_saving_raises_the_revision_and_notes_who_did() -> None:
    form, anna = make_form(make_workspace()), make_user(username="anna")

    assert save(form, document(consent="New"), revision=1, by=anna) == 2

    form.refresh_from_db()
    assert read_content(form.draft).consent == "New"
    assert (form.draft_revision, form.draft_saved_at, form.draft_saved_by) == (2, LATER, anna)


def test_the_later_save_is_told_who_was_faster_and_overwrites_nothing() -> None:
    form, anna = make_form(make_workspace()), make_user(first_name="Anna", last_name="Adler")
    save(form, document(consent="Anna's"), revision=1, by=anna)

    with pytest.raises(StaleDraft) as caught:
        save(form, document(consent="Ben's"), revision=1)

    form.refresh_from_db()
    assert read_content(form.draft).consent == "Anna's"
    assert (caught.value.revision, caught.value.saved_at, caught.value.saved_by) == (2, LATER, "Anna Adler")


def test_a_save_whose_answer_got_lost_may_be_repeated() -> None:
    form = make_form(make_workspace())
    content = document(question())
    assert [save(form, content, revision=1), save(form, content, revision=1)] == [2, 2]


def test_a_draft_of_no_shape_is_refused_and_changes_nothing() -> None:
    form = make_form(make_workspace())

    with pytest.raises(ContentError):
        save(form, {"steps": "many"}, revision=1)

    form.refresh_from_db()
    assert form.draft_revision == 1


def test_publishing_makes_a_version_that_visitors_see() -> None:
    workspace, anna = make_workspace(), make_user()
    form = make_form(workspace)
    assert find_published(workspace.pk) is None

    version = publish(form, revision=1, by_id=anna.pk, now=LATER)

    assert find_published(workspace.pk) == version
    assert (version.number, version.changes, version.published_by, version.published_at) == (
        *(1, ["First version."]),
        *(anna, LATER),
    )
    assert (version.consent_text.number, version.consent_text.text) == (1, CONSENT)
    assert find_published(make_workspace().pk) is None


def test_what_visitors_see_is_read_with_one_query(django_assert_num_queries: Any) -> None:
    workspace = make_workspace()
    make_published(workspace)
    with django_assert_num_queries(1):
        version = find_published(workspace.pk)
        assert version is not None
        assert version.consent_text.text == CONSENT


def test_a_second_version_says_what_changed_and_leaves_the_first_alone() -> None:
    first = make_published(make_workspace(), document(question(label="One")))
    content = first.content
    save(first.form, document(question(label="Two")), revision=1)

    second = publish_draft(first.form)

    assert (second.number, second.changes) == (2, ["“One” was removed.", "“Two” was added."])
    first.refresh_from_db()
    assert first.content == content


def test_publishing_twice_publishes_once() -> None:
    first = make_published(make_workspace())
    assert publish_draft(first.form) == first
    assert FormVersion.objects.count() == 1


def test_nothing_is_published_that_was_not_looked_at() -> None:
    form = make_form(make_workspace())
    save(form, document(consent="New"), revision=1)

    with pytest.raises(StaleDraft):
        publish(form, revision=1, by_id=None, now=NOW)

    assert not FormVersion.objects.exists()


def test_an_unfinished_draft_is_kept_but_not_published() -> None:
    form = make_form(make_workspace())
    unfinished = question(label="")
    save(form, document(unfinished), revision=1)

    with pytest.raises(NotPublishable) as caught:
        publish_draft(form)

    assert [problem.target for problem in caught.value.problems] == [unfinished["id"]]
    assert not FormVersion.objects.exists()


def test_each_wording_of_the_consent_has_one_number() -> None:
    form = make_published(make_workspace()).form
    numbers = []
    for n, consent in enumerate([CONSENT, "Other", "Other", CONSENT, "Third"]):
        form.refresh_from_db()
        save(form, document(question(label=f"Question {n}"), consent=consent), revision=form.draft_revision)
        numbers.append(publish_draft(form).consent_text.number)

    assert numbers == [1, 2, 2, 1, 3]
    assert ConsentText.objects.count() == 3


def test_consent_texts_are_numbered_in_each_workspace() -> None:
    texts = [make_published(make_workspace()).consent_text for _ in range(2)]
    assert [text.number for text in texts] == [1, 1]
    assert texts[0].pk != texts[1].pk


def test_an_unpublished_form_comes_back_with_its_versions() -> None:
    workspace = make_workspace()
    version = make_published(workspace)

    unpublish(version.form)
    assert find_published(workspace.pk) is None

    assert publish_draft(version.form) == find_published(workspace.pk) == version


def test_restoring_makes_an_old_version_the_draft_and_publishes_nothing() -> None:
    workspace = make_workspace()
    first = make_published(workspace, document(question(label="One")))
    save(first.form, document(question(label="Two")), revision=1)
    second = publish_draft(first.form)

    assert restore(first.form, first, revision=2, by_id=None, now=LATER) == 3

    first.form.refresh_from_db()
    assert read_content(first.form.draft) == read_content(first.content)
    assert find_published(workspace.pk) == second
    assert publish_draft(first.form).changes == ["“Two” was removed.", "“One” was added."]


def test_a_restore_overwrites_no_draft_that_was_not_looked_at() -> None:
    first = make_published(make_workspace())
    save(first.form, document(consent="New"), revision=1)
    with pytest.raises(StaleDraft):
        restore(first.form, first, revision=1, by_id=None, now=LATER)


def test_restores_no_version_of_another_workspace() -> None:
    form, other = make_form(make_workspace()), make_published(make_workspace())
    with pytest.raises(FormVersion.DoesNotExist):
        restore(form, other, revision=1, by_id=None, now=LATER)


class ImmutabilityTests(TestCase):
    """The database itself refuses, whoever asks."""

    version: FormVersion
    workspace: Workspace

    def setUp(self) -> None:
        self.workspace = make_workspace()
        self.version = make_published(self.workspace)

    def test_a_published_version_stays_as_it_was_published(self) -> None:
        changes: tuple[dict[str, Any], ...] = (
            *({"content": {}}, {"number": 9}, {"changes": ["Nothing."]}, {"published_at": LATER}),
            {"consent_text_id": self.version.consent_text_id},
        )
        for change in changes:
            with pytest.raises(DatabaseError, match="kept as it was written"), transaction.atomic():
                FormVersion.objects.update(**change)

    def test_a_consent_text_stays_as_it_was_agreed_to(self) -> None:
        changes: tuple[dict[str, Any], ...] = ({"text": "Something else"}, {"number": 9}, {"created_at": LATER})
        for change in changes:
            with pytest.raises(DatabaseError, match="kept as it was written"), transaction.atomic():
                ConsentText.objects.update(**change)

    def test_users_may_go_and_what_they_published_stays(self) -> None:
        anna = make_user()
        form = make_form(make_workspace())
        version = publish(form, revision=1, by_id=anna.pk, now=NOW)

        anna.delete()

        version.refresh_from_db()
        assert version.published_by is None
        assert version.consent_text.created_by is None

    def test_a_workspace_takes_its_form_along(self) -> None:
        self.workspace.delete()
        assert not FormVersion.objects.exists()
        assert not ConsentText.objects.exists()
        assert not LeadForm.objects.exists()
