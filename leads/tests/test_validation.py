"""What a submission must look like: each field's rule, and every problem named at once."""

from typing import Any

import pytest

from conftest import make_workspace
from leads.models import Lead
from webapi.tests.backend import Backend, submission, without

pytestmark = pytest.mark.django_db

PHONE = "Phone must be a valid E.164-style number."
CONSENT = "`consent` must be true."
FAILED = "Validation failed."


@pytest.fixture
def backend() -> Backend:
    return Backend(mode="test")


def issues_of(answer: Any, error: str = FAILED) -> list[tuple[list[str | int], str]]:
    assert answer.status_code == 400
    body = answer.json()
    assert list(body) == ["ok", "error", "issues"]
    assert (body["ok"], body["error"]) == (False, error)
    assert not Lead.objects.exists()
    return [(issue["path"], issue["message"]) for issue in body["issues"]]


def paths_of(answer: Any, error: str = FAILED) -> list[list[str | int]]:
    return [path for path, _ in issues_of(answer, error)]


def test_names_all_problems_at_once(backend: Backend) -> None:
    answer = backend.post(
        {
            "name": "",
            "phone": "nope",
            "consent": "true",
            "email": "nope",
            "goal": "x" * 2001,
            "metadata": {"utm_source": "a\x00b", "list": [0, {"deep": "\x00"}]},
            "formResponses": {"q_abc123": 7, "q_ok": "fine", "q_null": None},
        }
    )

    assert issues_of(answer) == [
        (["name"], "Must not be empty."),
        (["phone"], PHONE),
        (["consent"], CONSENT),
        (["email"], "Must be a valid email address."),
        (["goal"], "Must be at most 2000 characters."),
        (["metadata", "utm_source"], "Must not contain NUL characters."),
        (["metadata", "list", 1, "deep"], "Must not contain NUL characters."),
        (["formResponses", "q_abc123"], "Must be a string."),
        (["formResponses", "q_null"], "Must be a string."),
    ]


def test_names_all_that_is_missing(backend: Backend) -> None:
    assert paths_of(backend.post({})) == [["name"], ["phone"], ["consent"]]


@pytest.mark.parametrize("consent", ["true", 1, 1.0, False, None, "yes", [], [True], {}])
def test_consent_is_the_literal_true(backend: Backend, consent: Any) -> None:
    assert issues_of(backend.post(submission(consent=consent)), CONSENT) == [(["consent"], CONSENT)]


def test_consent_may_not_be_left_out(backend: Backend) -> None:
    assert issues_of(backend.post(without(submission(), "consent")), CONSENT) == [(["consent"], CONSENT)]


def test_consent_beside_another_problem_is_one_of_them(backend: Backend) -> None:
    assert paths_of(backend.post(submission(name="", consent=False))) == [["name"], ["consent"]]


@pytest.mark.parametrize("field", ["name", "phone", "email", "goal"])
@pytest.mark.parametrize("value", [True, False, 0, 7, 447123456789, 1.5, ["x"], {"a": "b"}])
def test_strings_are_not_made_of_anything_else(backend: Backend, field: str, value: Any) -> None:
    assert paths_of(backend.post(submission(**{field: value}))) == [[field]]


@pytest.mark.parametrize("field", ["name", "phone", "email", "goal"])
@pytest.mark.parametrize("value", ["\x00", "+4471234\x0056789", "Ja\x00ne", "jane\x00@acme.com"])
def test_a_nul_character_is_an_issue(backend: Backend, field: str, value: str) -> None:
    assert paths_of(backend.post(submission(**{field: value}))) == [[field]]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"metadata": {"a\x00": 1}}, ["metadata", "a"]),
        ({"metadata": {"a": {"b\x00": 1}}}, ["metadata", "a", "b"]),
        ({"metadata": {"a": ["x", "\x00"]}}, ["metadata", "a", 1]),
        ({"formResponses": {"q_1": "\x00"}}, ["formResponses", "q_1"]),
        ({"formResponses": {"q_\x001": "x"}}, ["formResponses", "q_1"]),
    ],
)
def test_a_nul_character_is_found_at_any_depth(backend: Backend, fields: dict[str, Any], path: list[Any]) -> None:
    assert issues_of(backend.post(submission(**fields))) == [(path, "Must not contain NUL characters.")]


@pytest.mark.parametrize("name", ["", " ", "\t\n", "x" * 121, None])
def test_refuses_a_name(backend: Backend, name: Any) -> None:
    assert paths_of(backend.post(submission(name=name))) == [["name"]]


@pytest.mark.parametrize(("name", "stored"), [("x", "x"), ("y" * 120, "y" * 120), (" " * 9 + "z" * 120, "z" * 120)])
def test_takes_a_name_of_1_to_120_characters_after_trimming(backend: Backend, name: str, stored: str) -> None:
    assert backend.post(submission(name=name)).status_code == 201
    assert Lead.objects.get().name == stored


@pytest.mark.parametrize(
    "email", ["nope", "a@b", "@acme.com", "jane@", "a b@acme.com", "jane@acme.com,joe@acme.com", "x" * 250 + "@a.io"]
)
def test_refuses_an_email(backend: Backend, email: str) -> None:
    assert paths_of(backend.post(submission(email=email))) == [["email"]]


@pytest.mark.parametrize("email", ["jane@acme.com", "JANE+crm@acme.co.uk", "o'brien@acme.com", "jane@münchen.de"])
def test_takes_an_email(backend: Backend, email: str) -> None:
    assert backend.post(submission(email=email)).status_code == 201
    assert Lead.objects.get().email == email


def test_takes_a_goal_of_2000_characters(backend: Backend) -> None:
    assert backend.post(submission(goal="ö" * 2000)).status_code == 201


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "+4471",
        "123456",
        "+",
        "+++++++",
        "-------",
        "+1-800-FLOWERS",
        "+44,7123456789",
        "+447123456789\n+447123456780",
        "44+7123456789",
        "++447123456789",
        "+44 7123 456789" + " " * 10 + "0" * 10,
        "+999123456789",
        "+4412345678901234",
        "07123456789",
        None,
    ],
)
def test_refuses_a_phone(backend: Backend, phone: Any) -> None:
    ((path, message),) = issues_of(backend.post(submission(phone=phone)))

    assert path == ["phone"]
    assert message == (PHONE if phone is not None else "This field is required.")


@pytest.mark.parametrize(
    ("phone", "stored"),
    [
        ("+447123456789", "+447123456789"),
        ("+44 7123 456 789", "+447123456789"),
        ("+44 (0)7123 456789", "+447123456789"),
        ("(+44) 7123 456789", "+447123456789"),
        ("+44-7123-456-789", "+447123456789"),
        ("+44.7123.456.789", "+447123456789"),
        (" +447123456789 ", "+447123456789"),
        ("00447123456789", "+447123456789"),
        ("00 44 7123 456789", "+447123456789"),
        ("447123456789", "+447123456789"),
        ("1 (415) 523-8886", "+14155238886"),
        ("+1 415 523 8886", "+14155238886"),
        ("+39 06 698 12345", "+390669812345"),
        ("tel:+447123456789", "+447123456789"),
        ("+44/7123/456789", "+447123456789"),
        ("+44\t7123456789", "+447123456789"),
        ("+44\u00a07123456789", "+447123456789"),
        ("+٤٤٧١٢٣٤٥٦٧٨٩", "+447123456789"),
        # Possible, not valid: no such range exists.
        ("+441111111111", "+441111111111"),
    ],
)
def test_takes_a_phone_without_a_region(backend: Backend, phone: str, stored: str) -> None:
    assert backend.post(submission(phone=phone)).status_code == 201
    assert Lead.objects.get().phone == stored


@pytest.mark.parametrize(
    ("region", "phone", "stored"),
    [
        ("GB", "07123 456789", "+447123456789"),
        ("GB", "(020) 7946 0958", "+442079460958"),
        ("GB", "+1 415 523 8886", "+14155238886"),
        ("GB", "001 415 523 8886", "+14155238886"),
        ("US", "415-523-8886", "+14155238886"),
        ("US", "0044 7123 456789", "+447123456789"),
        ("US", "(415) 523-8886", "+14155238886"),
        ("DE", "0151 23456789", "+4915123456789"),
    ],
)
def test_reads_a_phone_in_the_workspaces_region(region: str, phone: str, stored: str) -> None:
    backend = Backend(make_workspace(default_region=region), mode="test")

    assert backend.post(submission(phone=phone)).status_code == 201
    assert Lead.objects.get().phone == stored


@pytest.mark.parametrize("value", ["x", 1, True, [], [{"a": 1}]])
@pytest.mark.parametrize("field", ["metadata", "formResponses"])
def test_wants_objects(backend: Backend, field: str, value: Any) -> None:
    assert issues_of(backend.post(submission(**{field: value}))) == [([field], "Must be an object.")]


def test_takes_50_keys_of_metadata_and_no_more(backend: Backend) -> None:
    fifty = {f"k{n}": n for n in range(50)}

    assert paths_of(backend.post(submission(metadata=fifty | {"k50": 50}))) == [["metadata"]]
    assert backend.post(submission(metadata=fifty)).status_code == 201


def test_takes_32_kb_of_metadata_and_no_more(backend: Backend) -> None:
    # {"a":"…","b":1} as JSON without spaces: 14 bytes and the text
    assert paths_of(backend.post(submission(metadata={"a": "x" * 32_755, "b": 1}))) == [["metadata"]]
    assert backend.post(submission(metadata={"a": "x" * 32_754, "b": 1})).status_code == 201


@pytest.mark.parametrize("value", ["x", 1, 2.5, True, None, [], {}, [{"a": [None]}]])
def test_metadata_holds_any_json_value(backend: Backend, value: Any) -> None:
    assert backend.post(submission(metadata={"key": value})).status_code == 201
    assert Lead.objects.get().metadata == {"key": value}


def test_ignores_any_other_field(backend: Backend) -> None:
    body = submission(status="booked", id="x", workspaceId="x", isTest=False, utm={"a": "\x00"}, source=7)

    assert backend.post(body).status_code == 201
    lead = Lead.objects.get()
    assert (lead.status, lead.source, lead.is_test) == ("new", "api", True)
