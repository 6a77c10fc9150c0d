"""What visitors post is understood, or named at its field; nothing is stored that the form doesn't ask for."""

from typing import Any

import pytest
from django.http import QueryDict
from django.utils import translation

from leadforms.answers import ContactAnswers, Read, raw_answers, read_answers
from leadforms.content import read_content
from leadforms.tests.factories import document, question, step, when

JANE = {"name": "Jane Doe", "phone": "+44 7123 456789", "consent": "yes"}


def post(**fields: Any) -> QueryDict:
    posted = QueryDict(mutable=True)
    for name, value in fields.items():
        posted.setlist(name, value if isinstance(value, list) else [value])
    return posted


def read(content: dict[str, Any], region: str = "", **fields: Any) -> Read:
    return read_answers(read_content(content), post(**fields), region=region)


def read_one(kind: str, typed: Any, region: str = "", **fields: Any) -> str | None:
    """Answer one question: what would be stored, or the message in <…>."""
    asked = question(kind, id="q_answer", **fields)
    result = read(document(asked), region, **JANE, **({} if typed is None else {"q_answer": typed}))
    assert set(result.issues) <= {"q_answer"}
    return f"<{result.issues['q_answer']}>" if result.issues else result.answers.get("q_answer")


def contact(region: str = "", settings: dict[str, Any] | None = None, **fields: Any) -> Read:
    return read(document(contact=settings or {}), region, **JANE | fields)


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("short_text", "  Leeds \x00", "Leeds"),
        ("short_text", "one\r\n  two", "one two"),
        ("short_text", "x" * 301, "<Please write at most 300 characters.>"),
        ("long_text", " one\r\ntwo ", "one\ntwo"),
        ("long_text", "\n" * 6000, None),
        ("long_text", "x" * 5001, "<Please write at most 5000 characters.>"),
        ("long_text", "x" * 200_000, "<Please write at most 5000 characters.>"),
        ("email", "jane@example.com ", "jane@example.com"),
        ("email", "jane@example", "<Please check the email address. It looks like name@example.com.>"),
        ("email", "j" * 250 + "@example.com", "<Please check the email address. It looks like name@example.com.>"),
        ("phone", "0044 (0)7123 456789", "+447123456789"),
        ("phone", "12", "<Please check the phone number. With its country code it looks like +44 7123 456789.>"),
        ("number", "1,500", "1500"),
        ("number", "-0", "0"),
        ("number", "many", "<Please enter a number, in digits.>"),
        ("date", "2026-02-28", "2026-02-28"),
        ("date", "2026-02-30", "<Please enter a date as year-month-day, like 2026-06-30.>"),
        ("date", "28.02.2026", "<Please enter a date as year-month-day, like 2026-06-30.>"),
        ("single_choice", "Red", "Red"),
        ("single_choice", "red", "<Please choose one of the options.>"),
        ("dropdown", "Pink", "<Please choose one of the options.>"),
        ("multiple_choice", ["Blue", "Red", "Blue"], "Red; Blue"),
        ("multiple_choice", ["Blue", "Pink"], "<Please choose from the options.>"),
        ("yes_no", "yes", "yes"),
        ("yes_no", "maybe", "<Please choose one of the options.>"),
        ("rating", "5", "5"),
        ("rating", "6", "<Please choose one of the options.>"),
        ("rating", "٣", "<Please choose one of the options.>"),
        ("statement", "Tampered", None),
        ("hidden", " spring\nsale ", "spring sale"),
        ("hidden", "x" * 301, None),
    ],
)
def test_each_type_keeps_what_fits_it(kind: str, typed: Any, stored: str | None) -> None:
    assert read_one(kind, typed) == stored


@pytest.mark.parametrize(
    "kind",
    [
        *("short_text", "long_text", "email", "phone", "number", "date"),
        *("single_choice", "multiple_choice", "dropdown", "yes_no", "rating", "statement", "hidden"),
    ],
)
@pytest.mark.parametrize("typed", [None, "", " \r\n\t ", ["", ""]])
def test_what_is_optional_may_be_left_empty(kind: str, typed: Any) -> None:
    assert read_one(kind, typed) is None


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("short_text", "Please answer this question."),
        ("long_text", "Please answer this question."),
        ("email", "Please enter an email address."),
        ("phone", "Please enter a phone number."),
        ("number", "Please enter a number."),
        ("date", "Please enter a date."),
        ("single_choice", "Please choose one of the options."),
        ("dropdown", "Please choose one of the options."),
        ("multiple_choice", "Please choose at least 1 option."),
        ("yes_no", "Please choose one of the options."),
        ("rating", "Please choose one of the options."),
    ],
)
def test_says_what_is_missing(kind: str, message: str) -> None:
    assert read_one(kind, None, required=True) == f"<{message}>"
    assert read_one(kind, "   ", required=True) == f"<{message}>"


@pytest.mark.parametrize(
    ("kind", "rules", "typed", "stored"),
    [
        ("short_text", {"minLength": 3}, "ab", "<Please write at least 3 characters.>"),
        ("short_text", {"maxLength": 1}, "ab", "<Please write at most 1 character.>"),
        ("short_text", {"maxLength": 400}, "x" * 301, "<Please write at most 300 characters.>"),
        ("number", {"min": "1000"}, "999.99", "<Please enter 1000 or more.>"),
        ("number", {"min": "1000"}, "1000", "1000"),
        ("number", {"max": "-1.5"}, "-1", "<Please enter -1.5 or less.>"),
        ("number", {"whole": True}, "1.5", "<Please enter a whole number.>"),
        ("number", {"whole": True}, "1.0", "1"),
        ("date", {"earliest": "2026-02-01"}, "2026-01-31", "<Please choose Feb. 1, 2026 or a later day.>"),
        ("date", {"latest": "2026-02-01"}, "2026-02-02", "<Please choose Feb. 1, 2026 or an earlier day.>"),
        ("date", {"latest": "2026-02-01"}, "2026-02-01", "2026-02-01"),
        ("multiple_choice", {"minChoices": 2}, ["Red"], "<Please choose at least 2 options.>"),
        ("multiple_choice", {"minChoices": 2}, None, None),
        ("multiple_choice", {"maxChoices": 1}, ["Red", "Blue"], "<Please choose at most 1 option.>"),
        ("rating", {"scale": 10}, "10", "10"),
        ("rating", {"scale": 3}, "4", "<Please choose one of the options.>"),
    ],
)
def test_holds_answers_against_the_rules(kind: str, rules: dict[str, Any], typed: Any, stored: str | None) -> None:
    assert read_one(kind, typed, rules=rules) == stored


def test_a_required_choice_says_how_many_at_once() -> None:
    said = read_one("multiple_choice", None, required=True, rules={"minChoices": 2})
    assert said == "<Please choose at least 2 options.>"


@pytest.mark.parametrize(
    ("language", "typed", "stored"),
    [
        ("en", "1,500", "1500"),
        ("en", "1.500", "1.5"),
        ("de", "1.500", "1500"),
        ("de", "1,500", "1.5"),
        ("fr", "1 500,5", "1500.5"),
        ("fr", "1\u202f500\u202f000", "1500000"),
        ("en", "£1,234.50", "1234.5"),
        ("de", "1.234,50 €", "1234.5"),
        ("en", "1'000", "1000"),
        ("en", "0,125", "0.125"),
        ("en", "12,5", "12.5"),
        ("en", "007", "7"),
        ("en", ".5", "0.5"),
        ("en", "\u22124", "-4"),
        ("ar", "١٬٥٠٠", "1500"),
        ("ar", "١٢٫٥", "12.5"),
        ("en", "5 6", None),
        ("en", "1,2,3", None),
        ("en", "1,23,456", None),
        ("en", "1.234,567.8", None),
        ("en", "5-10", None),
        ("en", "1e5", None),
        ("en", ".", None),
        ("en", "²", None),
        ("en", "9" * 16, None),
    ],
)
def test_numbers_are_read_as_people_write_them(language: str, typed: str, stored: str | None) -> None:
    with translation.override(language):
        said = read_one("number", typed)
    assert (said or "").startswith("<") if stored is None else said == stored


@pytest.mark.parametrize(
    ("region", "typed", "stored"),
    [
        ("GB", "07123 456789", "+447123456789"),
        ("GB", "+49 171 1234567", "+491711234567"),
        ("GB", "447123456789", "+447123456789"),
        ("DE", "0171/123 45 67", "+491711234567"),
        ("DE", "49 171 1234567", "+491711234567"),
        ("DE", "(49) 171 1234567", "+491711234567"),
        ("DE", "0491 51234567", "+4949151234567"),
        ("DE", "49", ""),
        ("IT", "393 1234567", "+393931234567"),
        ("US", "(212) 555-1234", "+12125551234"),
        ("GB", "\u202a+44\u00a07123\u2011456789\u202c", "+447123456789"),
        ("EG", "٠١٠١٢٣٤٥٦٧٨", "+201012345678"),
        ("", "+447123456789", "+447123456789"),
        ("", "0044 7123 456789", "+447123456789"),
        ("", "7123456789", ""),
        ("", "07123456789", ""),
        ("US", "5551234", ""),
        ("US", "1-800-FLOWERS", ""),
        ("GB", "0909 879 0123", "+449098790123"),
        ("GB", "+1 900 234 5678", "+19002345678"),
        ("GB", "+44 7123 456789 ext. 5", ""),
        ("GB", "+", ""),
    ],
)
def test_phones_are_read_as_people_write_them(region: str, typed: str, stored: str) -> None:
    result = contact(region, phone=typed)
    assert result.contact.phone == stored
    assert ("phone" in result.issues) is (stored == "")


def test_the_country_that_was_chosen_wins_over_the_workspaces_own() -> None:
    assert contact("GB", phone="0171 1234567", phone_region="de").contact.phone == "+491711234567"
    assert contact("GB", phone="07123 456789", phone_region="XX").contact.phone == "+447123456789"
    assert contact("GB", phone="07123 456789", phone_region="").contact.phone == "+447123456789"


def test_a_question_for_a_phone_has_a_country_of_its_own() -> None:
    asked = question("phone", id="q_phone1")
    typed = {"q_phone1": "0171 1234567", "q_phone1_region": "DE", "phone_region": "US"}
    assert read(document(asked), "GB", **JANE, **typed).answers == {"q_phone1": "+491711234567"}


def test_the_contact_step_is_read_trimmed() -> None:
    result = contact(name=" Jane \n Doe ", email=" jane@example.com ", goal=" Sleep\r\nbetter ")
    assert result.issues == {}
    assert result.contact == ContactAnswers(
        name="Jane Doe", phone="+447123456789", email="jane@example.com", goal="Sleep\nbetter", consent=True
    )


def test_the_contact_step_wants_a_name_a_phone_and_a_tick() -> None:
    result = read(document())
    assert result.issues == {
        "name": "Please enter your name.",
        "phone": "Please enter your phone number.",
        "consent": "Please tick this box if you agree. Without it we may not contact you.",
    }
    assert result.contact == ContactAnswers()


@pytest.mark.parametrize("value", ["on", "true", "1", "YES", "no", ""])
def test_consent_is_the_ticked_box_and_nothing_else(value: str) -> None:
    result = contact(consent=value)
    assert "consent" in result.issues
    assert result.contact.consent is False


def test_an_email_and_a_goal_are_wanted_where_the_operator_says_so() -> None:
    wanted = {"emailRequired": True, "goalRequired": True}
    assert contact(settings=wanted).issues == {
        "email": "Please enter your email address.",
        "goal": "Please answer this question.",
    }
    assert contact().issues == {}


def test_a_goal_that_is_not_asked_for_is_not_read() -> None:
    result = contact(settings={"goalShown": False, "goalRequired": True}, goal="x" * 9000)
    assert result.issues == {}
    assert result.contact.goal == ""


def test_contact_fields_have_their_limits() -> None:
    result = contact(name="x" * 121, goal="x" * 2001, email="nobody")
    assert result.issues == {
        "name": "Please write at most 120 characters.",
        "email": "Please check the email address. It looks like name@example.com.",
        "goal": "Please write at most 2000 characters.",
    }


@pytest.mark.parametrize(
    ("position", "order"),
    [("first", ["name", "phone", "consent", "q_first0", "q_second"]),
     ("last", ["q_first0", "q_second", "name", "phone", "consent"])],
)  # fmt: skip
def test_all_problems_come_at_once_in_the_order_of_the_page(position: str, order: list[str]) -> None:
    steps = [step(question(id="q_first0", required=True)), step(question(id="q_second", required=True))]
    assert list(read({"steps": steps, "contact": {"position": position}}).issues) == order


def test_a_question_that_is_not_shown_is_never_required_and_never_stored() -> None:
    first = question("yes_no", id="q_first0")
    second = question(id="q_second", required=True, showIf=when(first, "equals", "yes"))
    third = question(id="q_third0", required=True, showIf=when(second))
    typed = {"q_second": "Tampered", "q_third0": "Tampered"}

    assert read(document(first, second, third), **JANE, q_first0="no", **typed).answers == {"q_first0": "no"}
    assert list(read(document(first, second, third), **JANE, q_first0="yes").issues) == ["q_second"]


def test_conditions_look_at_what_is_stored_not_at_how_it_was_typed() -> None:
    first = question("number", id="q_first0")
    second = question(id="q_second", showIf=when(first, "greater", "1000"))
    result = read(document(first, second), **JANE, q_first0="1,500 ", q_second="Shown")
    assert result.answers == {"q_first0": "1500", "q_second": "Shown"}


def test_what_depends_on_a_wrong_answer_is_named_along_with_it() -> None:
    first = question("email", id="q_first0")
    second = question(id="q_second", required=True, showIf=when(first))
    result = read(document(first, second), **JANE, q_first0="nobody")
    assert list(result.issues) == ["q_first0", "q_second"]


def test_answers_to_questions_that_the_form_has_not_are_dropped() -> None:
    other = question("dropdown", id="q_others")
    result = read(document(question(id="q_answer")), **JANE, q_others=other["options"][0], q_answer="Mine", is_test="1")
    assert result.answers == {"q_answer": "Mine"}
    assert result.issues == {}


def test_of_a_field_that_came_twice_the_last_counts() -> None:
    assert read_one("short_text", ["one", "two"]) == "two"
    assert contact(name=["Jane", "Joan"]).contact.name == "Joan"


def test_shows_again_what_was_typed_into_the_forms_own_fields() -> None:
    content = document(question("phone", id="q_phone1"), question("multiple_choice", id="q_choice"))
    typed = {"q_phone1": "12", "q_phone1_region": "DE", "q_choice": ["Red", "Pink"], "phone_region": "GB"}

    assert raw_answers(read_content(content), post(**JANE, **typed, other="x")) == {
        **{name: [value] for name, value in JANE.items()},
        **{"q_phone1": ["12"], "q_phone1_region": ["DE"], "q_choice": ["Red", "Pink"], "phone_region": ["GB"]},
    }


def test_what_is_shown_again_cannot_grow_without_end() -> None:
    content = read_content(document(question("multiple_choice", id="q_choice")))
    raw = raw_answers(content, post(name="x" * 200_000, q_choice=["y"] * 500))
    assert [len(value) for value in raw["name"]] == [10_000]
    assert len(raw["q_choice"]) == 100
