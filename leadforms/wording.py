"""Answers as an agent and an operator read them."""

from uuid import UUID


def answers_in_words(
    *, workspace_id: UUID, version_id: UUID | None, responses: dict[str, str]
) -> list[tuple[str, str]]:
    """Return (question, answer) pairs; no form is published yet, so each question is named by its id."""
    return list(responses.items())
