"""Required questions of a Cal.com event type: answered from what is known of a lead, or asked for.

The questions are read once a booking was refused for want of them, and remembered for a while.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.calendar import Calendar, timeout_s
from agents.journal import READ_EVENT_TYPE, journal_answer, journal_error
from agents.prompt import one_line
from agents.qualification import own_fields
from agents.task import Result, Task, refused
from leads.models import Lead
from leads.wording import answers_in_words
from providers import calcom
from providers.calcom import Field
from providers.errors import ProviderError
from workspaces.connections import give_back

REMEMBERED_S = 600.0
MAX_REMEMBERED = 1000
MAX_ANSWER_CHARS = 500
SHOWN_OPTIONS = 12
_YES = frozenset({"yes", "y", "true", "1", "ja", "oui", "si", "sí", "sim", "agreed", "accepted"})
_NO = frozenset({"no", "n", "false", "0", "nein", "non", "não", "nao", "nee"})
_remembered: dict[tuple[UUID, str], tuple[float, tuple[Field, ...]]] = {}


@dataclass(frozen=True, slots=True)
class Filled:
    """The values by slug, and the questions for which there is none that Cal.com would take."""

    values: dict[str, Any]
    missing: tuple[Field, ...]


def remembered_fields(task: Task, calendar: Calendar) -> tuple[Field, ...]:
    """Return the questions that an event type is known to ask; none where it never refused for want of them."""
    until, fields = _remembered.get((task.lead.workspace_id, calendar.event_type_id), (0.0, ()))
    return fields if time.monotonic() < until else ()


def learn_fields(task: Task, calendar: Calendar, *, refused_slug: str) -> tuple[Field, ...]:
    """Read the questions of an event type that has just refused a booking for want of one of them."""
    fields: tuple[Field, ...] = ()
    give_back()
    try:
        read = calcom.list_required_fields(
            api_key=calendar.api_key,
            event_type_id=calendar.event_type_id,
            timeout_s=timeout_s(task.left_s(), share=0.5),
        )
        fields = read.fields
        journal_answer(task.lead, READ_EVENT_TYPE, read.wire, now=task.now)
    except ProviderError as error:
        journal_error(task.lead, READ_EVENT_TYPE, error, now=task.now)
    if refused_slug not in {field.slug for field in fields}:
        fields = (*fields, Field(slug=refused_slug, label=refused_slug, kind="text"))
    if len(_remembered) >= MAX_REMEMBERED:
        _remembered.clear()
    _remembered[task.lead.workspace_id, calendar.event_type_id] = (time.monotonic() + REMEMBERED_S, fields)
    return fields


def forget_fields() -> None:
    """Read every event type again."""
    _remembered.clear()


def fill_in(task: Task, fields: Sequence[Field], *, email: str, phone: str) -> Filled:
    """Answer the questions from what the model was told, else from what is known of the lead."""
    if not fields:
        return Filled({}, ())
    told = _told(task.values.get("answers"))
    known = {_plain(name): value for name, value in _known(task.lead)} | told
    values: dict[str, Any] = {}
    for field in fields:
        answer = next((known[name] for name in (_plain(field.slug), _plain(field.label)) if known.get(name)), "")
        if not answer and field.kind in {"phone", "email"}:
            answer = phone if field.kind == "phone" else email
        if (value := _READ.get(field.kind, _text)(field, answer)) is not None:
            values[field.slug] = value
    _keep(task, {field.slug: told[_plain(field.slug)] for field in fields if told.get(_plain(field.slug))})
    return Filled(values, tuple(field for field in fields if field.slug not in values))


def ask_for(missing: Sequence[Field]) -> Result:
    """Tell the model what to ask the lead for, and how to hand it in."""
    questions = "; ".join(_question(field) for field in missing)
    return refused(
        f"The calendar needs to know more: {questions}. Ask the lead, then call bookConsult again with `answers`, "
        f"one line each, like `{missing[0].slug}: …`. If the lead doesn't want to say, call escalateToHuman."
    )


def _question(field: Field) -> str:
    options = ", ".join(one_line(option) for option in field.options[:SHOWN_OPTIONS])
    kind = f", one of: {options}" if options else ", yes or no" if field.kind == "boolean" else ""
    return f"{one_line(field.label)} (`{one_line(field.slug)}`{kind})"


def _told(answers: Any) -> dict[str, str]:
    """Read `name: answer` lines, or a JSON object of them."""
    text = str(answers or "").strip()
    try:
        given = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        given = None
    pairs: Any = given.items() if isinstance(given, dict) else (line.partition(":")[::2] for line in text.splitlines())
    return {_plain(name): str(value).strip()[:MAX_ANSWER_CHARS] for name, value in pairs if _plain(name)}


def _known(lead: Lead) -> Iterator[tuple[str, str]]:
    """Yield what is known of a lead by every name it has; what was learned last stands last."""
    labels = {field.name: field.label for field in own_fields(lead.workspace)}
    yield from _texts(lead.metadata)
    yield from ((question, one_line(answer)) for question, answer in answers_in_words(lead))
    yield from (("goal", lead.goal or ""),)
    for name, value in _texts(lead.profile):
        yield name, value
        if name in labels:
            yield labels[name], value


def _texts(values: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    for name, value in (values or {}).items():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield name, one_line(str(value))[:MAX_ANSWER_CHARS]


def _plain(name: Any) -> str:
    """Reduce a name to its letters and digits, so that `team_size` and “Team size” are one."""
    return "".join(mark for mark in str(name).casefold() if mark.isalnum())


def _keep(task: Task, answers: dict[str, str]) -> None:
    """Remember on the lead what the model was told, so that nobody is asked for it twice."""
    if not answers:
        return
    with transaction.atomic():
        lead = Lead.objects.select_for_update().filter(pk=task.lead.pk).first()
        if lead is not None and not answers.items() <= (lead.profile or {}).items():
            profile = {**(lead.profile or {}), **answers}
            Lead.objects.filter(pk=lead.pk).update(profile=profile, updated_at=task.now)


def _text(field: Field, answer: str) -> Any:
    return answer or None


def _number(field: Field, answer: str) -> Any:
    try:
        number = float(answer.replace(",", ".").replace(" ", ""))
    except ValueError:
        return None
    return int(number) if number.is_integer() else number if number == number else None


def _boolean(field: Field, answer: str) -> Any:
    word = _plain(answer)
    return True if word in _YES else False if word in _NO else None


def _one_of(field: Field, answer: str) -> Any:
    if not field.options:
        return answer or None
    return next((option for option in field.options if _plain(option) == _plain(answer) and answer), None)


def _some_of(field: Field, answer: str) -> Any:
    parts = [part.strip() for part in answer.replace(";", ",").split(",") if part.strip()]
    chosen = [_one_of(field, part) for part in parts] or [_one_of(field, answer)]
    return chosen if all(chosen) else None


_READ: dict[str, Callable[[Field, str], Any]] = {
    "number": _number,
    "boolean": _boolean,
    "select": _one_of,
    "radio": _one_of,
    "multiselect": _some_of,
    "checkbox": _some_of,
    "multiemail": _some_of,
}
