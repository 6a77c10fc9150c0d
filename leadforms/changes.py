"""What differs between two contents of a form, as sentences for the people who run it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadforms.content import CONTACT_LABELS, WITH_OPTIONS, Contact, Content, Question, Step

MAX_NAME = 80
_CONTACT_FIELDS = {
    "name": gettext_lazy("the name"),
    "phone": gettext_lazy("the phone"),
    "email": gettext_lazy("the email"),
    "goal": gettext_lazy("the goal"),
}


def describe_changes(old: Content | None, new: Content) -> list[str]:
    """Say what a visitor will notice; [] where the two are the same. `old` is None for a first version."""
    if old is None:
        return [_("First version.")]
    return [
        *_of_steps(old, new),
        *_of_questions(old, new),
        *_of_contact(old.contact, new.contact),
        *([_("The consent text changed.")] if old.consent != new.consent else []),
    ]


def _of_steps(old: Content, new: Content) -> Iterator[str]:
    before = {step.id: step for step in old.steps}
    after = {step.id: step for step in new.steps}
    names = {step.id: _step_name(step, place) for place, step in enumerate(old.steps, start=1)}
    names |= {step.id: _step_name(step, place) for place, step in enumerate(new.steps, start=1)}
    yield from (_("%(step)s was removed.") % {"step": names[each]} for each in before if each not in after)
    yield from (_("%(step)s was added.") % {"step": names[each]} for each in after if each not in before)
    for step_id in moved(list(before), list(after)):
        yield _("%(step)s was moved.") % {"step": names[step_id]}
    for step_id in after:
        if step_id in before:
            yield from _of_step(before[step_id], after[step_id], names[step_id])


def _of_step(old: Step, new: Step, name: str) -> Iterator[str]:
    if old.title != new.title:
        if old.title and new.title:
            yield _("Step “%(old)s” is now “%(new)s”.") % {"old": _short(old.title), "new": _short(new.title)}
        else:
            yield _("The title of %(step)s changed.") % {"step": name}
    if old.text != new.text:
        yield _("The text of %(step)s changed.") % {"step": name}


def _step_name(step: Step, place: int) -> str:
    return _("Step “%(title)s”") % {"title": _short(step.title)} if step.title else _("Step %(n)d") % {"n": place}


def _of_questions(old: Content, new: Content) -> Iterator[str]:
    before = {question.id: question for question in old.questions()}
    after = {question.id: question for question in new.questions()}
    for each in before.values():
        if each.id not in after:
            yield _("“%(question)s” was removed.") % {"question": name_of(each)}
    for each in after.values():
        if each.id not in before:
            yield _("“%(question)s” was added.") % {"question": name_of(each)}
    yield from _of_places(old, new, after)
    for each in after.values():
        if each.id in before:
            yield from _of_question(before[each.id], each)


def _of_places(old: Content, new: Content, after: dict[str, Question]) -> Iterator[str]:
    was_in = {question.id: step.id for step in old.steps for question in step.questions}
    is_in = {question.id: step.id for step in new.steps for question in step.questions}
    names = {step.id: _step_name(step, place) for place, step in enumerate(new.steps, start=1)}
    elsewhere = [each for each in is_in if each in was_in and was_in[each] != is_in[each]]
    for question_id in elsewhere:
        words = {"question": name_of(after[question_id]), "step": names[is_in[question_id]]}
        yield _("“%(question)s” was moved to %(step)s.") % words
    stayed = [each for each in was_in if each in is_in and each not in elsewhere]
    # Within its step, so that a step that moves takes its questions along without a word.
    for step_id in names:
        was = [each for each in stayed if was_in[each] == step_id]
        now = [each for each in is_in if each in was]
        yield from (_("“%(question)s” was moved.") % {"question": name_of(after[each])} for each in moved(was, now))


def _of_question(old: Question, new: Question) -> Iterator[str]:
    words: dict[str, Any] = {"question": name_of(new), "old": name_of(old), "param": new.param}
    if old.label != new.label:
        yield _("“%(old)s” is now “%(question)s”.") % words
    if old.type != new.type:
        words |= {"type": new.type.label.lower(), "old_type": old.type.label.lower()}
        yield _("“%(question)s” is now of the type %(type)s, not %(old_type)s any more.") % words
    if old.required != new.required:
        yield (
            _("“%(question)s” must now be answered.") if new.required else _("“%(question)s” is now optional.")
        ) % words
    yield from _of_options(old, new)
    yield from _of_texts(old, new)
    if old.type == new.type and old.rules != new.rules:
        yield _("The limits of “%(question)s” changed.") % words
    if old.param != new.param and new.param:
        yield _("“%(question)s” now comes from the parameter “%(param)s”.") % words
    if old.show_if != new.show_if:
        yield _of_conditions(old, new) % words


def _of_texts(old: Question, new: Question) -> Iterator[str]:
    if old.help != new.help:
        yield _("The help text of “%(question)s” changed.") % {"question": name_of(new)}
    if old.placeholder != new.placeholder:
        yield _("The example in “%(question)s” changed.") % {"question": name_of(new)}


def _of_conditions(old: Question, new: Question) -> str:
    if new.show_if is None:
        return _("“%(question)s” is now always shown.")
    if old.show_if is None:
        return _("“%(question)s” is now shown under a condition only.")
    return _("The conditions of “%(question)s” changed.")


def _of_options(old: Question, new: Question) -> Iterator[str]:
    if old.options == new.options or not {old.type, new.type} <= WITH_OPTIONS:
        return
    added = [option for option in new.options if option not in old.options]
    removed = [option for option in old.options if option not in new.options]
    words = {"question": name_of(new), "added": _listed(added), "removed": _listed(removed)}
    if added:
        yield _("“%(question)s” has new options: %(added)s.") % words
    if removed:
        yield _("“%(question)s” has lost options: %(removed)s.") % words
    if not (added or removed):
        yield _("The options of “%(question)s” stand in another order.") % words


def _of_contact(old: Contact, new: Contact) -> Iterator[str]:
    if old.position != new.position:
        first = new.position == "first"
        yield _("The contact step comes first now.") if first else _("The contact step comes last now.")
    if (old.title, old.text) != (new.title, new.text):
        yield _("The title or the text of the contact step changed.")
    for field in CONTACT_LABELS:
        if old.labels.get(field, "") != new.labels.get(field, ""):
            yield _("The label of %(field)s in the contact step changed.") % {"field": _CONTACT_FIELDS[field]}
    if old.email_required != new.email_required:
        yield _("The email must now be given.") if new.email_required else _("The email is now optional.")
    if old.goal_shown != new.goal_shown:
        yield (
            _("The contact step asks for the goal.")
            if new.goal_shown
            else _("The contact step doesn't ask for the goal any more.")
        )
    if new.goal_shown and old.goal_required != new.goal_required:
        yield _("The goal must now be given.") if new.goal_required else _("The goal is now optional.")


def name_of(question: Question) -> str:
    """Name a question in a sentence: by its label, else by its id."""
    return _short(question.label or question.id)


def moved(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Name the fewest of what is in both that must have been taken out and put elsewhere, in their new order."""
    places = {each: place for place, each in enumerate(before)}
    common = [each for each in after if each in places]
    # Longest increasing run of old places: what is in it stayed. tails[n] ends the best run of n + 1.
    tails: list[int] = []
    lengths: list[int] = []
    for each in common:
        at = bisect_left(tails, places[each])
        tails[at : at + 1] = [places[each]]
        lengths.append(at + 1)
    wanted, stayed = len(tails), set()
    for each, length in zip(reversed(common), reversed(lengths), strict=True):
        if length == wanted:
            stayed.add(each)
            wanted -= 1
    return [each for each in common if each not in stayed]


def _listed(options: list[str]) -> str:
    return ", ".join(f"“{_short(option)}”" for option in options)


def _short(text: str) -> str:
    return Truncator(" ".join(text.split())).chars(MAX_NAME)
