"""One person, several numbers: WhatsApp spells some phones otherwise than a form does."""

import pytest

from conftest import make_lead, make_workspace
from leads.models import Lead
from leads.suppression import is_suppressed
from whatsapp.models import Message
from whatsapp.numbers import spellings
from whatsapp.tests.conftest import Phone

# As a form has it, as WhatsApp may have it.
PAIRS = [("+525512345678", "+5215512345678"), ("+541123456789", "+5491123456789"), ("+5511987654321", "+551187654321")]


@pytest.mark.parametrize(("form", "whatsapp"), PAIRS)
def test_knows_the_other_spelling_from_either(form: str, whatsapp: str) -> None:
    assert set(spellings(form)) == set(spellings(whatsapp)) == {form, whatsapp}


@pytest.mark.parametrize("number", ["+447700900123", "+12025550123", "+551133334444", "+5211"])
def test_leaves_every_other_number_alone(number: str) -> None:
    assert spellings(number) == (number,)


@pytest.mark.parametrize(("form", "whatsapp"), PAIRS)
@pytest.mark.parametrize("turned", [False, True])
def test_knows_a_lead_by_either_number_and_obeys_its_stop_on_both(
    phone: Phone, form: str, whatsapp: str, turned: bool
) -> None:
    ours, theirs = (whatsapp, form) if turned else (form, whatsapp)
    Lead.objects.filter(pk=phone.lead.pk).update(phone=ours)

    phone.write("Hi", From=f"whatsapp:{theirs}")
    assert Message.objects.get(text="Hi").lead_id == phone.lead.pk
    phone.write("STOP", From=f"whatsapp:{theirs}")
    assert [is_suppressed(phone.lead.workspace_id, number) for number in (form, whatsapp)] == [True, True]
    phone.write("START", From=f"whatsapp:{theirs}")
    assert [is_suppressed(phone.lead.workspace_id, number) for number in (form, whatsapp)] == [False, False]


@pytest.mark.parametrize(
    ("sender", "kept"),
    [
        *(("+5215512345678", "+525512345678"), ("+551187654321", "+5511987654321")),
        *(("+5491123456789", "+5491123456789"), ("+541123456789", "+541123456789"), ("+15555550123", "+15555550123")),
    ],
)
def test_makes_a_lead_by_the_number_that_a_form_would_have(phone: Phone, sender: str, kept: str) -> None:
    phone.lead.workspace.unknown_senders = "lead"
    phone.lead.workspace.save()

    phone.write("Hi", From=f"whatsapp:{sender}")

    assert Message.objects.get(text="Hi").lead.phone == kept


def test_prefers_the_lead_with_the_very_number(phone: Phone) -> None:
    form, whatsapp = PAIRS[0]
    Lead.objects.filter(pk=phone.lead.pk).update(phone=form)
    very = make_lead(phone.lead.workspace, phone=whatsapp)

    phone.write("Hi", From=f"whatsapp:{whatsapp}")

    assert Message.objects.get(text="Hi").lead_id == very.pk


def test_hides_leads_of_other_workspaces(phone: Phone) -> None:
    form, whatsapp = PAIRS[0]
    other = make_workspace(channel="whatsapp", slug="other", connected=False)
    make_lead(other, phone=form)

    phone.write("Hi", From=f"whatsapp:{whatsapp}")

    assert not Message.objects.filter(text="Hi").exists()
