"""Names and addresses are read alike through every door: what nobody sees goes, what is none is refused or marked."""

from typing import Any

import pytest

from agents.prompt import business_of, system_prompt, variable_values
from conftest import NOW, make_lead, make_workspace
from leads import emails
from leads.export import stream_csv
from leads.models import Lead
from leads.names import clean_name, is_placeholder
from webapi.tests.backend import Backend
from whatsapp.template import content_variables


@pytest.mark.parametrize(
    "text", ["\u200b", "\u3164", "\u2800", "\u00ad", "\u202e\u2066", " \u00a0 ", "\u0301", "\x07\x1b"]
)
def test_a_name_that_nobody_sees_is_empty(text: str) -> None:
    assert clean_name(text) == ""
    assert clean_name(f"Jane{text}Doe").startswith("Jan")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("Jane\u202eeoD", "JaneeoD"),
        ("Jane\x00\x07 Doe", "Jane Doe"),
        (" Jane \n\t Doe ", "Jane Doe"),
        ("Zoe\u0308", "Zoë"),
        ("Жанна Д'Арк", "Жанна Д'Арк"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("李雷", "李雷"),
        ("O\u2019Brien-Müller", "O\u2019Brien-Müller"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("X Æ A-12", "X Æ A-12"),
    ],
)
def test_a_name_is_stored_as_one_sees_it(sent: str, stored: str) -> None:
    assert clean_name(sent) == stored


PLACEHOLDERS = [
    *(
        "undefined",
        "null",
        "NULL null",
        "None",
        "{{name}}",
        "{{ contact.first_name }}",
        "[First Name]",
        "%s",
        "${name}",
    ),
    *("%(name)s", "*|FNAME|*", "<name>", "%FIRSTNAME%", "{name}", "First Name", "your name", "[object Object]", "NaN"),
]


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_knows_a_placeholder(name: str) -> None:
    assert is_placeholder(name)


@pytest.mark.parametrize(
    "name", ["Jane", "Jennifer Null", "Na", "Noname Jones", "Nil Ozcan", "50% Off Ltd", "Jane [Doe]", "A < B", "Test"]
)
def test_a_person_is_none(name: str) -> None:
    assert not is_placeholder(name)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('"john doe"@x.com', '"john doe"@x.com'),
        ("josé@x.com", "josé@x.com"),
        ("jose\u0301@x.com", "josé@x.com"),
        ("user@例子.公司", "user@例子.公司"),
        ("Jane@ACME.com", "Jane@acme.com"),
        ("\u200bjane@x.com\ufeff", "jane@x.com"),
        (" jane@x.com ", "jane@x.com"),
        ("o'brien+x@x.ie", "o'brien+x@x.ie"),
        ("jane@acme.test", "jane@acme.test"),
    ],
)
def test_takes_the_addresses_that_people_have(sent: str, stored: str) -> None:
    assert emails.normalise(sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "user@localhost",
        "user@[192.168.0.1]",
        "ja\u00adne@x.com",
        "ｊａｎｅ@x.com",
        "jane@ｘ.com",
        "jane",
        "@x.com",
        "a@b@c.com",
        "a..b@x.com",
        "jane@x.com.",
        "jane@x_y.com",
        "x@test",
        f"{'x' * 250}@x.com",
        "jane@-x.com",
        "jane doe@x.com",
    ],
)
def test_refuses_what_no_mail_server_takes(sent: str) -> None:
    with pytest.raises(emails.NotAnEmail):
        emails.normalise(sent)


@pytest.mark.parametrize(("address", "plain"), [("jane@x.com", True), ("josé@x.com", False), ('"a b"@x.com', False)])
def test_knows_what_calendars_take(address: str, plain: bool) -> None:
    assert emails.is_plain(address) is plain


@pytest.mark.django_db
class TestApi:
    """The same through the Public API, in the contract's words."""

    def post(self, **fields: Any) -> Any:
        backend = Backend(make_workspace(channel="whatsapp"))
        return backend.post({"name": "Jane Doe", "phone": "+447700900123", "consent": True} | fields)

    @pytest.mark.parametrize("name", ["\u200b", "\u3164", "\u2800", "\u00ad"])
    def test_refuses_a_name_that_nobody_sees(self, name: str) -> None:
        answer = self.post(name=name)

        assert answer.status_code == 400
        assert answer.json()["issues"] == [{"path": ["name"], "message": "Must not be empty."}]

    def test_stores_the_name_as_it_was_sent_and_tells_nobody_of_its_marks(self) -> None:
        name = "Jane\u202e  {{7*7}} Doe\x07"
        assert self.post(name=name, email="Jane@ACME.com").status_code == 201

        lead = Lead.objects.select_related("workspace").get()
        assert (lead.name, lead.email) == (name, "Jane@acme.com")
        row = b"".join(stream_csv(Lead.objects.all())).decode()
        values = variable_values(lead, business=business_of(lead.workspace), now=NOW)
        for told in (
            row,
            *values.values(),
            content_variables({"content_variables": {"1": "name"}}, lead=lead, sentence="")["1"],
        ):
            assert not set(told) & {"\u202e", "\x07"}
        # Vapi's template engine finds nothing to expand.
        assert not any("{{" in value or "{%" in value for value in values.values())

    def test_an_agent_greets_without_a_placeholder(self) -> None:
        assert self.post(name="{{first_name}}").status_code == 201

        lead = Lead.objects.select_related("workspace").get()
        values = variable_values(lead, business=business_of(lead.workspace), now=NOW)
        assert (values["leadName"], values["leadFirstName"]) == ("", "there")
        assert content_variables({"content_variables": {"1": "first_name"}}, lead=lead, sentence="")["1"] == "there"
        assert "first_name" not in system_prompt(lead, business=business_of(lead.workspace), now=NOW)

    @pytest.mark.parametrize("email", ["user@localhost", "ja\u00adne@x.com"])
    def test_refuses_an_address_in_the_fixed_words(self, email: str) -> None:
        answer = self.post(email=email)

        assert answer.json()["issues"] == [{"path": ["email"], "message": "Must be a valid email address."}]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "marked"), [("{{name}}", True), ("Jane Doe", False)])
def test_a_placeholder_is_marked_on_the_lead_s_page(client: Any, name: str, marked: bool) -> None:
    from conftest import make_member

    lead = make_lead(name=name)
    client.force_login(make_member(lead.workspace))

    page = client.get(f"/admin/{lead.workspace.slug}/leads/{lead.pk}").content.decode()

    assert ("Not a name" in page) is marked
