"""The draft of a form and its published versions. Saves are told apart by the draft's revision: none is overwritten."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from leadforms.changes import describe_changes
from leadforms.content import (
    Content,
    Question,
    QuestionType,
    Step,
    as_document,
    new_question_id,
    new_step_id,
    read_content,
)
from leadforms.models import ConsentText, FormVersion, LeadForm
from leadforms.problems import Problem, find_problems
from workspaces.insert_once import find_or_insert
from workspaces.models import Channel, Workspace

__all__ = [
    "NotPublishable",
    "Problem",
    "StaleDraft",
    "describe_changes",
    "find_form",
    "find_problems",
    "find_published",
    "publish",
    "restore",
    "save_draft",
    "starting_content",
    "unpublish",
]


class StaleDraft(Exception):
    """Somebody saved since the revision that a change is based on. `saved_by` is "" where nobody knows."""

    def __init__(self, *, revision: int, saved_at: datetime, saved_by: str, saved_by_id: Any = None) -> None:
        super().__init__("The draft was changed meanwhile.")
        self.revision = revision
        self.saved_at = saved_at
        self.saved_by = saved_by
        self.saved_by_id = saved_by_id

    @classmethod
    def of(cls, stored: LeadForm) -> Self:
        """Say whose draft is stored."""
        user: Any = stored.draft_saved_by
        name = user.get_full_name() or user.get_username() if user else ""
        return cls(
            revision=stored.draft_revision,
            saved_at=stored.draft_saved_at,
            saved_by=name,
            saved_by_id=stored.draft_saved_by_id,
        )


class NotPublishable(Exception):
    """The draft still lacks something."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("The draft is not ready to be published.")
        self.problems = problems


def find_form(workspace: Workspace, *, now: datetime) -> LeadForm:
    """Return the workspace's form. The first one who asks makes it, with a draft that could be published as it is."""
    draft: Any = as_document(starting_content(business=workspace.name, channel=workspace.channel))
    return find_or_insert(LeadForm, workspace=workspace, defaults={"draft": draft, "draft_saved_at": now})[0]


def starting_content(*, business: str = "", channel: str = Channel.VOICE) -> Content:
    """Make the draft of a new form: one question, the contact step, a consent that says who will do what."""
    options = (_("As soon as possible"), _("Within a month"), _("I am just looking around"))
    question = Question(
        id=new_question_id(),
        type=QuestionType.SINGLE_CHOICE,
        label=_("When would you like to start?"),
        options=options,
    )
    words = {"business": business or _("this business")}
    if channel == Channel.WHATSAPP:
        consent = _(
            "I agree that %(business)s writes to me on WhatsApp about my request, also with automated messages "
            "written by an AI. I can withdraw this at any time by answering STOP."
        )
    else:
        consent = _(
            "I agree that %(business)s calls me about my request, also with automated calls by an AI voice. "
            "I can withdraw this at any time by saying so."
        )
    return Content(steps=(Step(id=new_step_id(), questions=(question,)),), consent=consent % words)


def save_draft(form: LeadForm, document: Any, *, revision: int, by_id: Any, now: datetime) -> int:
    """Keep a document as the draft, if `revision` is still the newest. Returns the new revision.

    Saving once more what is stored already changes nothing, whatever the revision: an answer may have got lost.
    Raises ContentError for what no builder writes, and StaleDraft.
    """
    draft = as_document(read_content(document))
    same = LeadForm.objects.filter(pk=form.pk, draft_revision=revision)
    saved = same.update(draft=draft, draft_revision=revision + 1, draft_saved_at=now, draft_saved_by_id=by_id)
    if saved:
        return revision + 1
    stored = LeadForm.objects.get(pk=form.pk)
    if stored.draft == draft:
        return stored.draft_revision
    raise StaleDraft.of(stored)


def publish(form: LeadForm, *, revision: int, by_id: Any, now: datetime) -> FormVersion:
    """Make the draft of this revision what visitors see. Publishing what is the latest version already makes no other.

    Raises NotPublishable, and StaleDraft where the draft is not the one that was looked at.
    """
    with transaction.atomic(durable=True):
        # Holds the row: who else saves or publishes waits here, so numbers don't collide.
        same = LeadForm.objects.filter(pk=form.pk, draft_revision=revision)
        if not same.update(draft_revision=F("draft_revision")):
            raise StaleDraft.of(LeadForm.objects.get(pk=form.pk))
        stored = LeadForm.objects.get(pk=form.pk)
        content = read_content(stored.draft)
        if problems := find_problems(content):
            raise NotPublishable(problems)
        latest = stored.versions.select_related("consent_text").first()
        if latest is not None and read_content(latest.content) == content:
            version = latest
        else:
            version = _make_version(stored, content, latest, by_id=by_id, now=now)
        stored.published = version
        stored.save(update_fields=["published"])
    return version


def _make_version(
    form: LeadForm, content: Content, latest: FormVersion | None, *, by_id: Any, now: datetime
) -> FormVersion:
    document: Any = as_document(content)
    return FormVersion.objects.create(
        form=form,
        number=latest.number + 1 if latest else 1,
        content=document,
        consent_text=_find_consent_text(form.workspace_id, content.consent, by_id=by_id, now=now),
        changes=describe_changes(read_content(latest.content) if latest else None, content),
        published_at=now,
        published_by_id=by_id,
    )


def _find_consent_text(workspace_id: Any, text: str, *, by_id: Any, now: datetime) -> ConsentText:
    """Find a wording among the workspace's own, or number a new one."""
    texts = ConsentText.objects.filter(workspace_id=workspace_id)
    if (known := texts.filter(text=text).first()) is not None:
        return known
    last = texts.aggregate(last=Max("number"))["last"] or 0
    return ConsentText.objects.create(
        workspace_id=workspace_id, number=last + 1, text=text, created_at=now, created_by_id=by_id
    )


def unpublish(form: LeadForm) -> None:
    """Take the form from the web. Its versions stay, and the draft can be published again."""
    LeadForm.objects.filter(pk=form.pk).update(published=None)


def restore(form: LeadForm, version: FormVersion, *, revision: int, by_id: Any, now: datetime) -> int:
    """Make a version's content the draft again, to be looked at before it is published. Returns the new revision.

    Raises FormVersion.DoesNotExist for a version of another form, and StaleDraft.
    """
    if version.form_id != form.pk:
        raise FormVersion.DoesNotExist("This version belongs to another form.")
    return save_draft(form, version.content, revision=revision, by_id=by_id, now=now)


def find_published(workspace_id: UUID) -> FormVersion | None:
    """Find what visitors of a workspace's form see, with its consent text. One query."""
    versions = FormVersion.objects.select_related("consent_text")
    return versions.filter(form__workspace_id=workspace_id, form__published_id=F("pk")).first()
