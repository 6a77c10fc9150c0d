"""GET /api/public/form: the questions that formResponses answers, to who has the workspace's key."""

from typing import Any

import pytest

from conftest import make_workspace
from leadforms.models import LeadForm
from leadforms.publishing import unpublish
from leadforms.tests.factories import document, make_form, make_published, question, step, when
from webapi.tests.backend import Backend

pytestmark = pytest.mark.django_db
FORM = "/api/public/form"


def show(backend: Backend, **headers: str) -> Any:
    return backend.ask("GET", FORM, **headers)


def test_names_each_question_with_its_id() -> None:
    backend = Backend()
    colour = question("dropdown", "Your colour", id="q_colour", required=True)
    amount = question("number", "How much", id="q_amount", help="In pounds", rules={"min": "1.5", "whole": True})
    amount["showIf"] = when(colour, "equals", "Red")
    source = question("hidden", "Source", id="q_source", param="ref")
    steps = [step(colour, question("statement", "Hello"), title="Start"), step(amount, source)]
    make_published(backend.workspace, document(steps=steps))

    answer = show(backend)

    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "form": {
            "version": 1,
            "publishedAt": "2026-06-07T13:03:37.162Z",
            "questions": [
                {
                    "id": "q_colour",
                    "type": "dropdown",
                    "label": "Your colour",
                    "help": None,
                    "required": True,
                    "options": ["Red", "Green", "Blue"],
                    "rules": {},
                    "showIf": None,
                    "parameter": None,
                    "step": "Start",
                },
                {
                    "id": "q_amount",
                    "type": "number",
                    "label": "How much",
                    "help": "In pounds",
                    "required": False,
                    "options": [],
                    "rules": {"min": "1.5", "whole": True},
                    "showIf": {
                        "match": "all",
                        "conditions": [{"question": "q_colour", "operator": "equals", "value": "Red"}],
                    },
                    "parameter": None,
                    "step": None,
                },
                {
                    "id": "q_source",
                    "type": "hidden",
                    "label": "Source",
                    "help": None,
                    "required": False,
                    "options": [],
                    "rules": {},
                    "showIf": None,
                    "parameter": "ref",
                    "step": None,
                },
            ],
        },
    }


def test_shows_what_is_published_not_what_is_drafted() -> None:
    backend = Backend()
    make_published(backend.workspace, document(question(label="Published")))
    changed: Any = document(question(label="Drafted"))
    LeadForm.objects.update(draft=changed)

    assert [each["label"] for each in show(backend).json()["form"]["questions"]] == ["Published"]


def test_a_form_of_the_contact_step_alone_has_no_questions() -> None:
    backend = Backend()
    make_published(backend.workspace, document())
    assert show(backend).json()["form"]["questions"] == []


def test_says_so_when_nothing_is_published() -> None:
    backend = Backend()
    missing = {"ok": False, "error": "Form not found.", "message": "No form is published in this workspace."}

    answers = [show(backend)]
    form = make_form(backend.workspace)
    answers.append(show(backend))
    form.delete()
    unpublish(make_published(backend.workspace).form)
    answers.append(show(backend))

    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, missing)] * 3


def test_hides_forms_of_other_workspaces() -> None:
    other = make_workspace()
    make_published(other, document(question(label="Theirs")))
    backend = Backend()

    assert show(backend).status_code == 404
    make_published(backend.workspace, document(question(label="Ours")))
    assert "Theirs" not in show(backend).content.decode()


@pytest.mark.parametrize("channel", ["voice", "whatsapp"])
@pytest.mark.parametrize("mode", ["live", "test"])
def test_answers_keys_of_both_kinds_on_both_channels(channel: str, mode: str) -> None:
    backend = Backend(make_workspace(channel=channel), mode=mode)
    make_published(backend.workspace)
    assert show(backend).status_code == 200


def test_wants_a_key() -> None:
    backend = Backend(key="ck_live_" + "0" * 32)
    make_published(backend.workspace)
    assert show(backend).status_code == 401
    assert show(backend, Authorization="").json()["error"].startswith("Authorization header must use")


def test_who_has_it_already_is_told_so_at_no_cost() -> None:
    backend = Backend(limit_per_minute=2)
    make_published(backend.workspace)
    tag = show(backend).headers["ETag"]

    for _ in range(3):
        unchanged = show(backend, If_None_Match=tag)
        assert (unchanged.status_code, unchanged.content) == (304, b"")

    make_published(make_workspace())
    LeadForm.objects.filter(workspace=backend.workspace).delete()
    make_published(backend.workspace, document(question(label="New")))
    assert show(backend, If_None_Match=tag).status_code == 200


def test_counts_against_the_keys_limits() -> None:
    backend = Backend(limit_per_minute=1)
    make_published(backend.workspace)
    assert [show(backend).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_is_read_only(method: str) -> None:
    answer = Backend().ask(method, FORM)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
