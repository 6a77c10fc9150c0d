"""Who was told that a colleague will answer is seen by one, also after the appointment was made."""

import pytest

from leads.models import Lead
from whatsapp.tests.conftest import Phone, Wire, reply, work
from whatsapp.tests.test_replies import FALLBACK


@pytest.mark.parametrize("status", ["booked", "unqualified", "in_conversation"])
def test_a_promised_colleague_is_asked_for_wherever_the_lead_was(wire: Wire, phone: Phone, status: str) -> None:
    Lead.objects.update(status=status, booking_uid="bk_1" if status == "booked" else None)
    wire.openai(json=reply(""))
    wire.twilio()
    phone.write("Can we move it to Tuesday?")

    work()

    assert [sent["Body"] for sent in wire.sent] == [FALLBACK]
    assert Lead.objects.get().status == "needs_human"


@pytest.mark.parametrize(("status", "after"), [("booked", "needs_human"), ("unqualified", "unqualified")])
def test_an_answer_that_twilio_refuses_concerns_who_has_an_appointment(
    wire: Wire, phone: Phone, status: str, after: str
) -> None:
    Lead.objects.update(status=status)
    wire.openai()
    wire.twilio(status=400, json={"code": 63007, "message": "No such sender", "status": 400})
    phone.write("Can we move it to Tuesday?")

    work()

    assert Lead.objects.get().status == after


def test_nobody_waits_hours_for_a_model_that_is_worn_out(wire: Wire, phone: Phone) -> None:
    error = {"message": "Rate limit reached for requests per day", "code": "rate_limit_exceeded"}
    wire.openai(status=429, json={"error": error}, headers={"retry-after": "3600"})
    wire.twilio()
    phone.write("Hi")

    work()

    assert [sent["Body"] for sent in wire.sent] == [FALLBACK]
    assert (len(wire.asked), Lead.objects.get().status) == (1, "needs_human")
