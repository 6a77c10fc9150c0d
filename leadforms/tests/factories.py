"""Forms for tests."""

import itertools
from typing import Any

from conftest import NOW
from leadforms.models import FormVersion, LeadForm
from leadforms.publishing import publish
from workspaces.models import Workspace

_numbers = itertools.count(1)
CONSENT = "I agree to be called by Acme."


def question(kind: str = "short_text", label: str = "Question", **fields: Any) -> dict[str, Any]:
    """Write a question as the builder does; options are there where the type wants some."""
    n = next(_numbers)
    made: dict[str, Any] = {"id": f"q_{n:06d}", "type": kind, "label": label} | fields
    if kind in {"single_choice", "multiple_choice", "dropdown"}:
        made.setdefault("options", ["Red", "Green", "Blue"])
    if kind == "hidden":
        made.setdefault("param", f"param{n}")
    return made


def when(source: dict[str, Any], operator: str = "answered", value: str = "", *, match: str = "all") -> dict[str, Any]:
    """Write the condition of a question."""
    return {"match": match, "conditions": [{"question": source["id"], "is": operator, "value": value}]}


def step(*questions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Write a step."""
    return {"id": f"s_{next(_numbers):06d}", "questions": list(questions)} | fields


def document(*questions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Write a form of one step."""
    return {"steps": [step(*questions, id="s_theone")] if questions else [], "consent": CONSENT} | fields


def make_form(workspace: Workspace, content: dict[str, Any] | None = None, **overrides: Any) -> LeadForm:
    """Make a form that nobody published."""
    fields: dict[str, Any] = {"draft": content or document(question()), "draft_saved_at": NOW}
    return LeadForm.objects.create(workspace=workspace, **(fields | overrides))


def make_published(workspace: Workspace, content: dict[str, Any] | None = None, **overrides: Any) -> FormVersion:
    """Make a form and publish it."""
    form = make_form(workspace, content, **overrides)
    return publish(form, revision=form.draft_revision, by_id=None, now=NOW)
