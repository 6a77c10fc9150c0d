"""What the builder's scripts know and say: the kinds of question, what each may have, and every sentence of theirs."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadforms import content
from leadforms.content import COMPARING, RULES_OF, TYPED, WITH_OPTIONS, Operator, QuestionType

LIMITS = {
    "steps": content.MAX_STEPS,
    "questions": content.MAX_QUESTIONS,
    "options": content.MAX_OPTIONS,
    "conditions": content.MAX_CONDITIONS,
    "label": content.MAX_LABEL,
    "title": content.MAX_TITLE,
    "text": content.MAX_TEXT,
    "option": content.MAX_OPTION,
    "consent": content.MAX_CONSENT,
    "param": content.MAX_PARAM,
    "answer": content.MAX_LONG,
    "rating": content.MAX_RATING,
}
_TYPE = QuestionType
_GROUPS = (
    (
        gettext_lazy("Written answers"),
        (
            (_TYPE.SHORT_TEXT, gettext_lazy("One line, such as a job title")),
            (_TYPE.LONG_TEXT, gettext_lazy("Several lines in their own words")),
            (_TYPE.EMAIL, gettext_lazy("A further email address")),
            (_TYPE.PHONE, gettext_lazy("A further phone number")),
            (_TYPE.NUMBER, gettext_lazy("An amount, an age, a size")),
            (_TYPE.DATE, gettext_lazy("A day in the calendar")),
        ),
    ),
    (
        gettext_lazy("Choices"),
        (
            (_TYPE.SINGLE_CHOICE, gettext_lazy("One of a few options, all in view")),
            (_TYPE.MULTIPLE_CHOICE, gettext_lazy("As many options as apply")),
            (_TYPE.DROPDOWN, gettext_lazy("One of many options, folded away")),
            (_TYPE.YES_NO, gettext_lazy("A plain yes or no")),
            (_TYPE.RATING, gettext_lazy("A number on a scale")),
        ),
    ),
    (
        gettext_lazy("Nothing to answer"),
        (
            (_TYPE.STATEMENT, gettext_lazy("A text between questions")),
            (_TYPE.HIDDEN, gettext_lazy("A value from the page’s address")),
        ),
    ),
)
_WITH_PLACEHOLDER = frozenset({_TYPE.SHORT_TEXT, _TYPE.LONG_TEXT, _TYPE.EMAIL, _TYPE.PHONE, _TYPE.NUMBER})
_EXACT = (Operator.EQUALS, Operator.NOT_EQUALS)
_PRESENT = (Operator.ANSWERED, Operator.NOT_ANSWERED)
_TEXT = (*_EXACT, Operator.CONTAINS, *_PRESENT)
_MEASURED = (*_EXACT, Operator.GREATER, Operator.LESS, *_PRESENT)
# What of an earlier answer can be compared so that it makes sense.
_OPERATORS: dict[QuestionType, tuple[Operator, ...]] = {
    _TYPE.NUMBER: _MEASURED,
    _TYPE.DATE: _MEASURED,
    _TYPE.RATING: _MEASURED,
    _TYPE.SINGLE_CHOICE: (*_EXACT, *_PRESENT),
    _TYPE.MULTIPLE_CHOICE: (*_EXACT, *_PRESENT),
    _TYPE.DROPDOWN: (*_EXACT, *_PRESENT),
    _TYPE.YES_NO: (Operator.EQUALS, *_PRESENT),
    _TYPE.STATEMENT: (),
}


def type_groups() -> list[dict[str, Any]]:
    """Return the kinds of question as the picker shows them."""
    return [
        {"label": label, "types": [{"value": kind.value, "label": kind.label, "hint": hint} for kind, hint in kinds]}
        for label, kinds in _GROUPS
    ]


def schema() -> dict[str, Any]:
    """Return what each kind of question may have, and the limits of everything."""
    return {
        "types": {kind.value: _kind(kind) for kind in QuestionType},
        "operators": {operator.value: str(operator.label) for operator in Operator},
        "comparing": sorted(operator.value for operator in COMPARING),
        "limits": LIMITS,
    }


def _kind(kind: QuestionType) -> dict[str, Any]:
    several = kind == QuestionType.MULTIPLE_CHOICE
    return {
        "label": str(kind.label),
        "options": kind in WITH_OPTIONS,
        "typed": kind in TYPED,
        "placeholder": kind in _WITH_PLACEHOLDER,
        "rules": RULES_OF.get(kind, ()),
        "operators": [operator.value for operator in _OPERATORS.get(kind, _TEXT)],
        # A multiple choice has several answers, each of which may equal the value.
        "says": {"equals": _("includes"), "not_equals": _("does not include")} if several else {},
    }


def texts() -> dict[str, str]:
    """Return every sentence that the scripts put together; {names} are filled in there."""
    return _names() | _announcements() | _saving() | _publishing() | _fields()


def _names() -> dict[str, str]:
    return {
        "untitled": _("Untitled question"),
        "untitledStatement": _("Empty text"),
        "untitledHidden": _("Unnamed value"),
        "step": _("Step {number}"),
        "stepTitled": _("Step {number}: {title}"),
        "copyOf": _("{label} (copy)"),
        "option": _("Option {number}"),
        "aStep": _("a step"),
        "somewhere": _("a question that is gone"),
        "yes": _("Yes"),
        "no": _("No"),
    }


def _announcements() -> dict[str, str]:
    return {
        "added": _("{type} question added at position {position} of {count}."),
        "moved": _("Question “{name}” moved to position {position} of {count}."),
        "movedAcross": _("Question “{name}” moved to {step}, position {position} of {count}."),
        "isFirst": _("Question “{name}” is the first already."),
        "isLast": _("Question “{name}” is the last already."),
        "duplicated": _("Question “{name}” duplicated. The copy is at position {position} of {count}."),
        "deleted": _("Question “{name}” deleted."),
        "stepAdded": _("Step {position} of {count} added."),
        "stepMoved": _("{name} moved to position {position} of {count}."),
        "stepIsFirst": _("{name} is the first step already."),
        "stepIsLast": _("{name} is the last step already."),
        "stepDuplicated": _("{name} duplicated. The copy is step {position} of {count}."),
        "stepDeleted": _("{name} deleted, with its questions."),
        "asksTooEarly": _("“{name}” has a condition on a question that comes later now."),
        "askedByOne": _("“{name}” has a condition on it."),
        "askedByMany": _("{count} questions have conditions on it."),
        "undoHint": _("Press Control Z to undo."),
        "broughtBack": _("“{name}” is back."),
        "undone": _("Undone: {name}."),
        "redone": _("Done again: {name}."),
        "nothingToUndo": _("There is nothing to undo."),
        "nothingToRedo": _("There is nothing to do again."),
        "optionAdded": _("Option {position} added."),
        "optionMoved": _("Option “{name}” moved to position {position} of {count}."),
        "optionIsFirst": _("Option “{name}” is the first already."),
        "optionIsLast": _("Option “{name}” is the last already."),
        "conditionDeleted": _("Condition {number} deleted."),
        "optionDeleted": _("Option “{name}” deleted."),
        "optionsPasted": _("{count} options pasted."),
        "contactFirst": _("The contact step comes first."),
        "contactLast": _("The contact step comes last."),
        "tooManyQuestions": _("A form has at most {count} questions."),
        "tooManySteps": _("A form has at most {count} steps."),
        "tooManyOptions": _("That would be {count} options. A question has at most {most}."),
        "copied": _("Copied"),
        "copyFailed": _("Selected. Press Ctrl+C to copy."),
    }


def _saving() -> dict[str, str]:
    return {
        "unsaved": _("Unsaved changes"),
        "saving": _("Saving…"),
        "saved": _("Saved"),
        "savedAt": _("Saved at {time}"),
        "offline": _("Not saved: offline, trying again"),
        "failing": _("Not saved: the server has a problem, trying again"),
        "signedOut": _("Not saved: you are signed out. Sign in in a new tab; it is saved then."),
        "forbidden": _("Not saved: your role no longer opens this form."),
        "gone": _(
            "Not saved: the form is not here any more. The workspace got another address, or you are no longer in it. "
            "What you wrote is kept on this device and offered when you open the form."
        ),
        "refused": _("Not saved: {message}"),
        "conflict": _("Not saved: the form was saved elsewhere meanwhile"),
        "theirsTitle": _("{name} saved this form at {time}, while you were editing it."),
        "yoursTitle": _("You saved this form in another tab or on another device, at {time}."),
        "theirsLoaded": _("The other version is loaded. Your own can be brought back with Undo."),
        "mineBack": _("Your own version is back."),
        "mineKept": _("Yours is saved over the other version."),
        "loadFailed": _("The other version can’t be loaded right now. Try again."),
        "unsavedFound": _("You have changes from {time} that were not saved."),
        "unsavedFoundOlder": _(
            "You have changes from {time} that were not saved. Since then {name} saved the form, at {saved}; "
            "restoring yours puts them in its place."
        ),
        "localRestored": _("Your unsaved changes are back."),
        "localDiscarded": _("The unsaved changes are discarded."),
        "replaced": _("A version was restored into the draft."),
        "replacedUndone": _("The draft is as it was before."),
        "previewFailed": _("The preview can’t be refreshed right now."),
    }


def _publishing() -> dict[str, str]:
    return {
        "notSavedYet": _(
            "Your last changes are not saved yet, so they can’t be published. See the state beside Publish."
        ),
        "signedOutPublish": _("You are signed out. Sign in in a new tab, then publish."),
        "reviewFailed": _("The summary can’t be loaded right now. Try again."),
        "nothingChanged": _("Visitors see exactly this already: nothing has changed since version {number}."),
        "isLive": _("Version {number} is live"),
        "publishedAt": _("Published {time}"),
        "liveVersion": _("Live: version {number}"),
        "publishFailed": _("It could not be published right now. Try again."),
        "inConsent": _("Consent"),
        "inContact": _("Contact step"),
    }


def _fields() -> dict[str, str]:
    return {
        "wholeNumber": _("A whole number from {min} to {max}. This one is not kept."),
        "decimal": _("A number with at most six decimals. This one is not kept."),
        "date": _("A day of the calendar. This one is not kept."),
        "chooseQuestion": _("Choose a question"),
        "chooseValue": _("Choose a value"),
        "laterQuestion": _("{name} (comes later)"),
        "mutedQuestion": _("{name} (nobody answers it)"),
    }
