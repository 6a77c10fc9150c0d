"""Answers as an agent and an operator read them: in the words of the form they were given to."""

from functools import lru_cache
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from leadforms.content import Question, QuestionType, as_date, read_content
from leadforms.models import FormVersion, LeadForm

Questions = tuple[Question, ...]


def answers_in_words(
    *,
    workspace_id: UUID,
    version_id: UUID | None,
    responses: dict[str, str],
    published: dict[UUID, UUID | None] | None = None,
) -> list[tuple[str, str]]:
    """Return (question, answer) in the form's order, then what the form doesn't know, by its id and as it is.

    Without a version (what came by the API) the words are those of what is published now. Who asks for many leads hands
    over `published` each time, in which it is remembered what that is.
    """
    if version_id is None:
        published = {} if published is None else published
        if workspace_id not in published:
            published[workspace_id] = _published(workspace_id)
        version_id = published[workspace_id]
    questions = _find_questions(workspace_id, version_id) if version_id else ()
    known = {question.id for question in questions}
    told = [
        (question.label or question.id, _in_words(question, responses[question.id]))
        for question in questions
        if question.id in responses
    ]
    return told + [(name, answer) for name, answer in responses.items() if name not in known]


def _published(workspace_id: UUID) -> UUID | None:
    forms = LeadForm.objects.filter(workspace_id=workspace_id)
    return forms.values_list("published_id", flat=True).first()


def _find_questions(workspace_id: UUID, version_id: UUID) -> Questions:
    try:
        return _questions(workspace_id, version_id)
    except FormVersion.DoesNotExist:
        return ()


# A version never changes, so it is read once a process. What isn't there raises, and is asked for again.
@lru_cache(maxsize=256)
def _questions(workspace_id: UUID, version_id: UUID) -> Questions:
    version = FormVersion.objects.get(pk=version_id, form__workspace_id=workspace_id)
    return tuple(read_content(version.content).questions())


def _in_words(question: Question, answer: str) -> str:
    match question.type:
        case QuestionType.YES_NO:
            return {"yes": _("Yes"), "no": _("No")}.get(answer, answer)
        case QuestionType.RATING if answer.isascii() and answer.isdecimal():
            return _("%(rating)s of %(scale)d") % {"rating": answer, "scale": question.scale}
        case QuestionType.DATE if (date := as_date(answer)) is not None:
            return date_format(date, "j F Y")
        case _:
            return answer
