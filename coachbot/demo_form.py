"""The form of the demo's workspaces: three steps of a coaching business, and the contact step."""

from typing import Any

_CONSENTS = {
    "voice": (
        "I agree that Northlight Coaching calls me on the number above about my enquiry, also with automated calls in "
        "which an AI assistant speaks. I can withdraw this consent at any time, in the call itself or by writing to "
        "hello@northlight.example; calls made before then stay lawful. Nothing I book depends on it."
    ),
    "whatsapp": (
        "I agree that Northlight Coaching writes to me on WhatsApp on the number above about my enquiry, also with "
        "automated messages written by an AI assistant. I can withdraw this consent at any time by answering STOP or "
        "by writing to hello@northlight.example; messages sent before then stay lawful. Nothing I book depends on it."
    ),
}
_SOMETHING_ELSE = "Something else"
_ON_A_DAY = "On a certain day"


def demo_form(channel: str) -> dict[str, Any]:
    """Return the content of the form of a channel's workspace, as leadforms.content describes it."""
    return {
        "steps": [_WHERE_YOU_ARE, _WHAT_YOU_WANT, _PRACTICALITIES],
        "contact": {
            "position": "last",
            "title": "How we reach you",
            "text": "Maya, our assistant, gets in touch within a minute or two.",
            "labels": {"goal": "What would you like to talk about first?"},
        },
        "consent": _CONSENTS[channel],
    }


def _when(question: str, operator: str, value: str = "") -> dict[str, Any]:
    return {"match": "all", "conditions": [{"question": question, "is": operator, "value": value}]}


_WHERE_YOU_ARE: dict[str, Any] = {
    "id": "s_where1",
    "title": "Where you are",
    "text": "Two minutes, and no wrong answers.",
    "questions": [
        {
            "id": "q_change",
            "type": "single_choice",
            "label": "What would you most like to change?",
            "required": True,
            "options": ["My work", "My balance", "My confidence", "My relationships", _SOMETHING_ELSE],
        },
        {
            "id": "q_other1",
            "type": "short_text",
            "label": "What is it, in a few words?",
            "required": True,
            "placeholder": "Moving abroad",
            "rules": {"maxLength": 120},
            "showIf": _when("q_change", "equals", _SOMETHING_ELSE),
        },
        {
            "id": "q_rating",
            "type": "rating",
            "label": "How content are you with it today?",
            "help": "1 is not at all, 5 is very.",
            "required": True,
            "rules": {"scale": 5},
        },
    ],
}

_WHAT_YOU_WANT: dict[str, Any] = {
    "id": "s_goals1",
    "title": "What you want",
    "questions": [
        {
            "id": "q_future",
            "type": "long_text",
            "label": "What would be different in half a year?",
            "help": "A sentence or two is plenty.",
            "rules": {"maxLength": 1000},
        },
        {
            "id": "q_tried1",
            "type": "multiple_choice",
            "label": "What have you tried so far?",
            "options": ["Books or podcasts", "A course", "Talking to friends", "Therapy", "Nothing yet"],
        },
        {
            "id": "q_before",
            "type": "yes_no",
            "label": "Have you worked with a coach before?",
            "required": True,
        },
        {
            "id": "q_missed",
            "type": "short_text",
            "label": "What did you miss then?",
            "showIf": _when("q_before", "equals", "yes"),
        },
    ],
}

_PRACTICALITIES: dict[str, Any] = {
    "id": "s_pract1",
    "title": "Practicalities",
    "questions": [
        {
            "id": "q_place1",
            "type": "single_choice",
            "label": "Where would you like to meet?",
            "options": ["By video", "In our rooms in Leeds", "Either"],
        },
        {
            "id": "q_start1",
            "type": "dropdown",
            "label": "When would you like to start?",
            "required": True,
            "options": ["As soon as possible", "Within a month", _ON_A_DAY, "I am just looking around"],
        },
        {
            "id": "q_theday",
            "type": "date",
            "label": "From which day?",
            "required": True,
            "rules": {"earliest": "2026-01-01"},
            "showIf": _when("q_start1", "equals", _ON_A_DAY),
        },
        {
            "id": "q_budget",
            "type": "number",
            "label": "What could you put into coaching a month, in pounds?",
            "help": "Roughly. It helps us to suggest what fits.",
            "placeholder": "200",
            "rules": {"min": "0", "max": "10000", "whole": True},
        },
        {"id": "q_source", "type": "hidden", "label": "Came through", "param": "ref"},
    ],
}
