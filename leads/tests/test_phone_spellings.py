"""One reader of phones: what people paste is the same number through every entrance."""

import json
from collections.abc import Callable, Iterator

import phonenumbers
import pytest
from django.http import QueryDict
from django.test import Client
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from conftest import make_lead, make_member, make_workspace
from leadforms.answers import read_answers
from leadforms.content import read_content
from leadforms.tests.factories import document
from leads import phone as phones
from leads.models import Lead, Suppression
from leads.phone import HasExtension, NotAPhoneNumber, normalise
from webapi.tests.backend import Backend, submission

PHONE = "Phone must be a valid E.164-style number."
EXTENSION = "Extensions can't be dialled. Send the number without its extension."
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
FULL_WIDTH = str.maketrans("+0123456789", "＋０１２３４５６７８９")
# Without a country code: read in the region, so these need one.
NATIONAL: dict[str, Callable[[str], str]] = {
    "national": lambda text: text,
    "with a slash": lambda text: text.replace(" ", "/", 1),
}
ABROAD: dict[str, Callable[[str], str]] = {
    "spaces": lambda text: text,
    "E.164": lambda text: "+" + "".join(mark for mark in text if mark.isdigit()),
    "00": lambda text: "00" + text[1:],
    "no-break spaces": lambda text: text.replace(" ", "\u00a0").replace("-", "\u00a0"),
    "direction marks": lambda text: f"\u202a{text}\u202c",
    "no-break hyphens": lambda text: text.replace(" ", "\u2011").replace("-", "\u2011"),
    "zero-width spaces": lambda text: "\u200b".join(text),
    "full-width digits": lambda text: text.translate(FULL_WIDTH),
    "Arabic digits": lambda text: text.translate(ARABIC),
    "tel:": lambda text: "tel:" + text.replace(" ", "-"),
    "an apostrophe": lambda text: f"'{text}",
    "a slash": lambda text: text.replace(" ", "/", 1).replace(" ", "/", 1),
}
SAMPLE = ("AD", "AR", "DE", "FO", "GB", "IT", "MX", "US")


def examples(regions: Iterator[str] | tuple[str, ...]) -> Iterator[tuple[str, phonenumbers.PhoneNumber]]:
    """Yield each region's example numbers: a landline's and a mobile's."""
    for region in regions:
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            if (example := phonenumbers.example_number_for_type(region, kind)) is not None:
                yield region, example


def spellings(number: phonenumbers.PhoneNumber) -> Iterator[tuple[str, str]]:
    """Yield the name of a spelling and the text."""
    abroad = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    for name, spell in ABROAD.items():
        yield name, spell(abroad)
    for name, spell in NATIONAL.items():
        yield name, spell(national)


def e164(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def through_the_form(text: str, region: str) -> str:
    post = QueryDict(mutable=True)
    post.update({"name": "Ada", "phone": text, "phone_region": region, "consent": "yes"})
    return read_answers(read_content(document()), post, region="").contact.phone


def test_every_region_s_numbers_are_read_in_every_spelling() -> None:
    wrong = [
        (region, name, text)
        for region, number in examples(iter(sorted(phonenumbers.SUPPORTED_REGIONS)))
        for name, text in spellings(number)
        if normalise(text, region=region) != e164(number)
    ]
    assert wrong == []


def test_every_region_s_numbers_are_read_in_every_spelling_on_the_form() -> None:
    wrong = [
        (region, name, text)
        for region, number in examples(iter(sorted(phonenumbers.SUPPORTED_REGIONS)))
        for name, text in spellings(number)
        if through_the_form(text, region) != e164(number)
    ]
    assert wrong == []


@pytest.mark.django_db
def test_the_api_takes_them_all() -> None:
    for region in SAMPLE:
        backend = Backend(make_workspace(default_region=region, connected=False), mode="test")
        for _region, number in examples((region,)):
            for name, text in spellings(number):
                answer = backend.post(submission(phone=text))
                assert answer.status_code in {201, 409}, (region, name, text, answer.content)
            assert list(backend.workspace.leads.values_list("phone", flat=True)) == [e164(number)]
            backend.workspace.leads.all().delete()


@pytest.mark.django_db
def test_the_api_s_list_the_console_s_search_and_the_opt_outs_read_them_too(client: Client) -> None:
    workspace = make_workspace(default_region="GB")
    client.force_login(make_member(workspace))
    backend = Backend(workspace)
    lead = make_lead(workspace, phone="+447123456789", name="Ada")
    make_lead(workspace, phone="+447123456780", name="Grace")
    number = phonenumbers.parse(lead.phone)
    page = f"/admin/{workspace.slug}"
    for name, text in spellings(number):
        assert [each["name"] for each in backend.get(phone=text).json()["leads"]] == ["Ada"], name
        assert [each["name"] for each in backend.get(q=text).json()["leads"]] == ["Ada"], name
        found = client.get(f"{page}/leads", {"q": text}).content.decode()
        assert ("Ada" in found, "Grace" in found) == (True, False), name
        client.post(f"{page}/settings/opt-outs/add", {"phone": text})
        assert Suppression.objects.get().phone == lead.phone, name
        assert lead.phone in client.get(f"{page}/settings/opt-outs", {"q": text}).content.decode(), name
        Suppression.objects.all().delete()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        # As WhatsApp writes Mexico, and as people write Italian mobiles: the number that exists is meant.
        ("+52 1 55 1234 5678", "+525512345678"),
        ("+39 0347 1234567", "+393471234567"),
        ("+39 (0)347 1234567", "+393471234567"),
        ("+39 06 698 12345", "+390669812345"),
        ("+39 6 698 12345", "+390669812345"),
        ("+55 11 8765 4321", "+5511987654321"),
        ("+54 11 1234 5678", "+541112345678"),
        ("+34 (0) 612 34 56 78", "+34612345678"),
        ("Tel.: +44 7123 456789", "+447123456789"),
        ('="+447123456789"', "+447123456789"),
        ("+44\t7123\u2212456789", "+447123456789"),
        ("+683 4002", "+6834002"),
        ("+441111111111", "+441111111111"),
    ],
)
def test_the_number_that_is_meant_is_taken(typed: str, stored: str) -> None:
    assert normalise(typed) == stored


@pytest.mark.parametrize(
    ("region", "typed", "stored"),
    [
        ("DE", "0151/23456780", "+4915123456780"),
        ("AU", "0011 44 7123 456789", "+447123456789"),
        ("JP", "010 44 7123 456789", "+447123456789"),
        ("AD", "312345", "+376312345"),
        ("FO", "211234", "+298211234"),
        ("GL", "221234", "+299221234"),
        ("NU", "8884012", "+6838884012"),
        ("NU", "7012", "+6837012"),
        ("SH", "51234", "+29051234"),
    ],
)
def test_national_numbers_are_read_in_the_region(region: str, typed: str, stored: str) -> None:
    assert normalise(typed, region=region) == stored
    assert through_the_form(typed, region) == stored


@pytest.mark.parametrize(
    ("region", "typed"),
    [
        ("", "+1 5550100"),
        ("US", "555-0100"),
        ("GB", "7946 0958"),
        ("", "+1 000 000 0000"),
        ("", "+44 0000 000000"),
        ("GB", "0000000000"),
        ("", "0000000000"),
        ("DE", "12345"),
        ("", "+44 7123 456789 / +44 7123 456780"),
        ("GB", "07123 456789\n07123 456780"),
        ("", "call me"),
        ("", "tel:"),
        ("", "'"),
        ("", "+44 7123 456789" + "\u200b" * 600),
        ("GB", "²²²²²²²²²²"),
    ],
)
@pytest.mark.django_db
def test_what_nobody_can_dial_is_refused(region: str, typed: str) -> None:
    with pytest.raises(NotAPhoneNumber):
        normalise(typed, region=region)
    assert through_the_form(typed, region) == ""
    answer = Backend(make_workspace(default_region=region, connected=False), mode="test").post(submission(phone=typed))
    assert (answer.status_code, answer.json()["issues"]) == (400, [{"path": ["phone"], "message": PHONE}])


EXTENSIONS = [
    "(202) 555-0100 ext. 5",
    "+1 202 555 0100 x5",
    "+1 202-555-0100 #12",
    "tel:+1-202-555-0100;ext=5",
    "202 555 0100 Ext 1234",
    "+49 30 901820 Durchwahl 12",
    "+1 202 555 0100,,5",
    "+33 1 42 68 53 00 poste 12",
    "+1 202 555 0100 (extension 5)",
]


@pytest.mark.parametrize("typed", EXTENSIONS)
@pytest.mark.django_db
def test_an_extension_is_said_to_be_one(typed: str) -> None:
    with pytest.raises(HasExtension):
        normalise(typed, region="US")
    answer = Backend(make_workspace(default_region="US", connected=False), mode="test").post(submission(phone=typed))
    assert answer.json() == {
        "ok": False,
        "error": "Validation failed.",
        "message": EXTENSION,
        "issues": [{"path": ["phone"], "message": PHONE}],
    }
    assert not Lead.objects.exists()
    post = QueryDict(mutable=True)
    post.update({"name": "Ada", "phone": typed, "phone_region": "US", "consent": "yes"})
    read = read_answers(read_content(document()), post, region="")
    assert read.issues == {"phone": "Extensions can’t be dialled. Please enter the number without its extension."}


@pytest.mark.parametrize("typed", ["ext. 5", "+1 800 FLOWERS", "hello ext 5", "12 x 5"])
def test_what_only_looks_like_an_extension_is_no_number(typed: str) -> None:
    with pytest.raises(NotAPhoneNumber) as refused:
        normalise(typed, region="US")
    assert not isinstance(refused.value, HasExtension)


@pytest.mark.django_db
def test_a_long_body_of_marks_is_refused_quickly() -> None:
    typed = json.loads('"' + "\\u202a" * 5000 + '+447123456789"')
    assert len(typed) > phones.MAX_TYPED
    with pytest.raises(NotAPhoneNumber):
        normalise(typed)
