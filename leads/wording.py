"""What a lead answered, in the words of the form it filled in."""

from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

Answer = tuple[str, str]


class Answered(Protocol):
    """Whoever has answers: leads.models.Lead and leads.channels.Order both fit."""

    @property
    def workspace_id(self) -> UUID: ...
    @property
    def form_version_id(self) -> UUID | None: ...
    @property
    def form_responses(self) -> dict[str, str]: ...


def answers_in_words(lead: Answered, *, published: dict[UUID, UUID | None] | None = None) -> list[Answer]:
    """Return (question, answer) in the form's order; ids that the form doesn't know follow, as they are.

    The form is found by the dotted path in settings.FORM_WORDING, never imported. Asks the database only when
    something was answered; who asks for many leads hands over one dict as `published`, and it is asked less.
    """
    if not lead.form_responses:
        return []
    read: Any = import_string(settings.FORM_WORDING)
    answers: list[Answer] = read(
        workspace_id=lead.workspace_id,
        version_id=lead.form_version_id,
        responses=lead.form_responses,
        published=published,
    )
    return answers
