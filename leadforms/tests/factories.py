"""Forms for tests."""

import itertools
from typing import Any

from conftest import NOW
from leadforms.held import hold
from leadforms.models import FormVersion, HeldSubmission, LeadForm
from leadforms.publishing import publish
from leads.intake import ConsentGiven, Submission
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


def make_held(version: FormVersion, *, reason: str = "honeypot", **overrides: Any) -> HeldSubmission:
    """Keep a submission back, with a phone of its own."""
    consent = ConsentGiven(
        text=version.consent_text.text,
        version=version.consent_text.number,
        given_at=NOW,
        ip="192.0.2.7",
        user_agent="Mozilla/5.0",
        page_url="https://acme.example/contact",
    )
    created_at = overrides.pop("created_at", NOW)
    fields: dict[str, Any] = {
        "workspace_id": version.form.workspace_id,
        "channel": version.form.workspace.channel,
        "name": "Jane Doe",
        "phone": f"+4479{next(_numbers):08d}",
        "email": "jane@example.com",
        "goal": "Sleep better",
        "metadata": {"utm_source": "google"},
        "form_version_id": version.pk,
        "consent": consent,
    }
    submission = Submission(**(fields | overrides))
    return hold(submission, reason=HeldSubmission.Reason(reason), now=created_at)
