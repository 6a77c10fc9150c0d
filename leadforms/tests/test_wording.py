"""Agents and operators read answers in the words of the form that they were given to."""

import json
import uuid
from typing import Any

import pytest
import responses

from conftest import NOW, make_lead, make_workspace
from leadforms.models import FormVersion
from leadforms.publishing import publish, save_draft, unpublish
from leadforms.tests.factories import document, make_published, question
from leads.models import Lead
from leads.wording import answers_in_words
from webapi.tests.backend import Backend, calls_to_vapi, submission, vapi_takes
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
BUDGET = question("number", "Budget", id="q_budget")
BEFORE = question("yes_no", "Coached before?", id="q_before")


def reword(version: FormVersion, *questions: dict[str, Any]) -> FormVersion:
    form = version.form
    form.refresh_from_db()
    revision = save_draft(form, document(*questions), revision=form.draft_revision, by_id=None, now=NOW)
    return publish(form, revision=revision, by_id=None, now=NOW)


def told(workspace: Workspace, answers: dict[str, str], version: FormVersion | None = None) -> list[tuple[str, str]]:
    version_id = version.pk if version else None
    return answers_in_words(make_lead(workspace, form_responses=answers, form_version_id=version_id))


def test_each_answer_stands_beside_its_question_in_the_forms_order() -> None:
    workspace = make_workspace()
    version = make_published(workspace, document(BUDGET, BEFORE))

    answers = {"q_before": "no", "q_zzzzzz": "who knows", "q_budget": "1500"}
    assert told(workspace, answers, version) == [
        ("Budget", "1500"),
        ("Coached before?", "No"),
        ("q_zzzzzz", "who knows"),
    ]


@pytest.mark.parametrize(
    ("kind", "stored", "words"),
    [
        ("yes_no", "yes", "Yes"),
        ("yes_no", "perhaps", "perhaps"),
        ("rating", "4", "4 of 5"),
        ("rating", "good", "good"),
        ("date", "2026-06-07", "7 June 2026"),
        ("date", "soon", "soon"),
        ("multiple_choice", "Red; Blue", "Red; Blue"),
        ("hidden", "spring", "spring"),
    ],
)
def test_says_it_as_people_do(kind: str, stored: str, words: str) -> None:
    workspace = make_workspace()
    asked = question(kind, "Q")
    version = make_published(workspace, document(asked))
    assert told(workspace, {asked["id"]: stored}, version) == [("Q", words)]


def test_keeps_the_wording_of_the_time() -> None:
    workspace = make_workspace()
    first = make_published(workspace, document(BUDGET))
    second = reword(first, BUDGET | {"label": "Monthly budget"})

    assert told(workspace, {"q_budget": "1"}, first) == [("Budget", "1")]
    assert told(workspace, {"q_budget": "1"}, second) == [("Monthly budget", "1")]


def test_a_deleted_question_loses_no_old_answers() -> None:
    workspace = make_workspace()
    first = make_published(workspace, document(BUDGET, BEFORE))
    reword(first, BEFORE)
    assert told(workspace, {"q_budget": "1"}, first) == [("Budget", "1")]


def test_without_a_version_the_words_are_those_of_what_is_published() -> None:
    workspace = make_workspace()
    first = make_published(workspace, document(BUDGET))
    assert told(workspace, {"q_budget": "1"}) == [("Budget", "1")]

    reword(first, BUDGET | {"label": "Monthly budget"})
    assert told(workspace, {"q_budget": "1"}) == [("Monthly budget", "1")]

    unpublish(first.form)
    assert told(workspace, {"q_budget": "1"}) == [("q_budget", "1")]


def test_hides_the_wording_of_other_workspaces() -> None:
    other = make_published(make_workspace(), document(BUDGET))
    assert told(make_workspace(), {"q_budget": "1"}, other) == [("q_budget", "1")]
    assert told(make_workspace(), {"q_budget": "1"}) == [("q_budget", "1")]


def test_a_version_that_is_gone_is_named_by_ids() -> None:
    lead = make_lead(form_responses={"q_budget": "1"}, form_version_id=uuid.uuid4())
    assert answers_in_words(lead) == [("q_budget", "1")]


def test_reads_a_version_once(django_assert_num_queries: Any) -> None:
    workspace = make_workspace()
    version = make_published(workspace, document(BUDGET))
    lead = make_lead(workspace, form_responses={"q_budget": "1"}, form_version_id=version.pk)
    answers_in_words(lead)
    with django_assert_num_queries(0):
        assert answers_in_words(lead) == [("Budget", "1")]
        assert answers_in_words(Lead(workspace=workspace)) == []


@responses.activate
def test_the_voice_agent_is_told_in_words() -> None:
    backend = Backend()
    make_published(backend.workspace, document(BUDGET, BEFORE))
    vapi_takes()

    backend.post(submission(formResponses={"q_before": "yes", "q_other1": "x", "q_budget": "1500"}))

    (call,) = calls_to_vapi()
    variables = json.loads(call.request.body)["assistantOverrides"]["variableValues"]
    assert variables["formResponses"] == "Budget: 1500\nCoached before?: Yes\nq_other1: x"
    assert Lead.objects.get().form_responses == {"q_before": "yes", "q_other1": "x", "q_budget": "1500"}
