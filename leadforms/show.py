"""GET /api/public/form: what the workspace's form asks."""

from typing import Any

from apikeys.authentication import Caller
from leadforms.content import Question, QuestionType, ShowIf, Step, read_content
from leadforms.models import FormVersion
from leadforms.publishing import find_published
from webapi.calls import Answer, ApiCall, etag, matches
from webapi.errors import ApiError
from webapi.json_api import iso
from workspaces.connections import give_back

NO_FORM = "Form not found."


def show_form(call: ApiCall, caller: Caller) -> Answer:
    """Answer the questions of what is published; 304 when the client has them already."""
    version = find_published(caller.workspace_id)
    give_back()
    if version is None:
        raise ApiError(404, NO_FORM, message="No form is published in this workspace.")
    answer = Answer(200, {"ok": True, "form": describe_form(version)})
    tag = etag(answer.body)
    if matches(call.header("HTTP_IF_NONE_MATCH"), tag):
        answer = Answer(304)
    answer.headers |= {"ETag": tag, "Cache-Control": "private, no-cache"}
    return answer


def describe_form(version: FormVersion) -> dict[str, Any]:
    """Write a version as the API does: a flat list of what can be answered, in the form's order."""
    steps = read_content(version.content).steps
    questions = [_describe(question, step) for step in steps for question in step.questions]
    return {
        "version": version.number,
        "publishedAt": iso(version.published_at),
        "questions": [each for each in questions if each["type"] != QuestionType.STATEMENT],
    }


def _describe(question: Question, step: Step) -> dict[str, Any]:
    return {
        "id": question.id,
        "type": question.type.value,
        "label": question.label,
        "help": question.help or None,
        "required": question.required,
        "options": list(question.options),
        "rules": dict(question.rules),
        "showIf": _describe_conditions(question.show_if) if question.show_if else None,
        "parameter": question.param or None,
        "step": step.title or None,
    }


def _describe_conditions(show_if: ShowIf) -> dict[str, Any]:
    conditions = [
        {"question": each.question, "operator": each.operator.value, "value": each.value or None}
        for each in show_if.conditions
    ]
    return {"match": show_if.match, "conditions": conditions}
