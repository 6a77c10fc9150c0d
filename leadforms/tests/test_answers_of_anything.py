"""Whatever is posted to whatever form: reading never raises, and what it would store is what was asked for."""

from collections.abc import Callable
from typing import Any

from django.http import QueryDict

from leadforms.answers import JOINT, raw_answers, read_answers
from leadforms.content import MAX_LONG, MAX_SHORT, QuestionType, as_date, is_decimal, read_content
from leadforms.logic import is_shown
from leads.phone import normalise
from tests.properties import given
from tests.properties import strategies as st

IDS = [f"q_aaaaa{n}" for n in range(5)]
OPTIONS = ["Red", "Green; Blue", "yes", "3"]
VALUES = [*OPTIONS, "no", "1", "10", "-2.5", "1,500", "2026-02-28", "2026-13-01", "jane@example.com", "+44 7123 456789"]


@st.composite
def conditions(draw: st.DrawFn, place: int) -> Any:
    if place == 0 or draw(st.booleans()):
        return None
    each = st.fixed_dictionaries(
        {
            "question": st.sampled_from(IDS),
            "is": st.sampled_from(["equals", "not_equals", "contains", "greater", "less", "answered", "not_answered"]),
            "value": st.sampled_from(VALUES),
        }
    )
    return {"match": draw(st.sampled_from(["all", "any"])), "conditions": draw(st.lists(each, min_size=1, max_size=3))}


@st.composite
def forms(draw: st.DrawFn) -> dict[str, Any]:
    kinds = draw(st.lists(st.sampled_from([kind.value for kind in QuestionType]), min_size=1, max_size=5))
    rules: dict[str, Any] = {
        **{"minLength": 2, "maxLength": 20, "min": "-5", "max": "5000", "earliest": "2026-01-01"},
        **{"maxChoices": 2, "scale": 4},
    }
    questions = [
        {
            **{"id": IDS[place], "type": kind, "label": "Q", "options": OPTIONS, "param": "p"},
            "required": draw(st.booleans()),
            "showIf": draw(conditions(place)),
            "rules": rules if draw(st.booleans()) else {},
        }
        for place, kind in enumerate(kinds)
    ]
    contact = {"position": draw(st.sampled_from(["first", "last"])), "goalShown": draw(st.booleans())}
    return {"steps": [{"id": "s_aaaaaa", "questions": questions}], "contact": contact, "consent": "Yes."}


FIELDS = [
    *IDS,
    *(f"{each}_region" for each in IDS),
    "name",
    "phone",
    "phone_region",
    "email",
    "goal",
    "consent",
    "q_other1",
]
POSTS = st.dictionaries(
    st.sampled_from(FIELDS),
    st.lists(
        st.sampled_from(VALUES) | st.text(max_size=30) | st.text(max_size=2).map(lambda text: text * 9000), max_size=3
    ),
)


FITS: dict[str, Callable[[str], bool]] = {
    "short_text": lambda stored: 0 < len(stored) <= MAX_SHORT and "\n" not in stored,
    "long_text": lambda stored: 0 < len(stored) <= MAX_LONG,
    "email": lambda stored: "@" in stored and len(stored) <= 254,
    "phone": lambda stored: normalise(stored) == stored,
    "number": is_decimal,
    "date": lambda stored: as_date(stored) is not None,
    "single_choice": lambda stored: stored in OPTIONS,
    "dropdown": lambda stored: stored in OPTIONS,
    "multiple_choice": lambda stored: JOINT.join(option for option in OPTIONS if option in stored) == stored,
    "yes_no": lambda stored: stored in {"yes", "no"},
    "rating": lambda stored: 1 <= int(stored) <= 5,
    "statement": lambda stored: False,
    "hidden": lambda stored: 0 < len(stored) <= MAX_SHORT and "\n" not in stored,
}


@given(forms(), POSTS, st.sampled_from(["", "GB", "US"]))
def test_reads_anything(form: dict[str, Any], fields: dict[str, list[str]], region: str) -> None:
    content = read_content(form)
    post = QueryDict(mutable=True)
    for name, values in fields.items():
        post.setlist(name, values)

    read = read_answers(content, post, region=region)

    known = {question.id: question for question in content.questions()}
    assert set(read.answers) <= set(known)
    assert all(FITS[known[name].type](stored) for name, stored in read.answers.items())
    assert not set(read.answers) & set(read.issues)
    assert set(read.issues) <= {*known, "name", "phone", "email", "goal", "consent"}
    assert all(message.endswith(".") for message in read.issues.values())
    assert "\x00" not in "".join([*read.answers.values(), read.contact.name, read.contact.goal])
    raw = raw_answers(content, post)
    assert "q_other1" not in raw
    assert all(len(value) <= 10_000 for values in raw.values() for value in values)
    if not set(read.issues) & set(known) and "multiple_choice" not in {each.type for each in known.values()}:
        stored = {name: [answer] for name, answer in read.answers.items()}
        shown = [each for each in known.values() if is_shown(each.show_if, stored)]
        assert set(read.answers) <= {each.id for each in shown}
        assert all(each.id in read.answers for each in shown if each.required)
