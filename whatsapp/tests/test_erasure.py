"""A lead that is erased leaves nothing of it at Twilio."""

import json
import re
from typing import Any

import responses
from django.core.management import call_command
from django.utils import timezone

from leads.erasure import erase_leads
from leads.models import Erasure, Lead
from whatsapp.models import Message
from whatsapp.tests.conftest import SID, TWILIO, Phone, Wire, make_message, message, work

ANY_MESSAGE = re.compile(r"https://api\.twilio\.com/.*/Messages/SM\w+\.json")


def test_what_twilio_took_while_the_lead_was_erased_is_deleted_there(wire: Wire, phone: Phone) -> None:
    def lose(request: Any) -> Any:
        erase_leads(Lead.objects.filter(pk=phone.lead.pk), now=timezone.now())
        return 201, {}, json.dumps(message())

    wire.openai()
    wire.mock.add_callback(responses.POST, TWILIO, callback=lose)
    wire.mock.add(responses.DELETE, ANY_MESSAGE, status=204)
    phone.write("Hi")

    work()

    gone = [str(call.request.url) for call in wire.mock.calls if call.request.method == "DELETE"]
    assert sum(SID in url for url in gone) == 1
    assert Erasure.objects.count() == 0


MESSAGE = f"https://api.twilio.com/2010-04-01/Accounts/AC{'0' * 32}/Messages/{SID}"


def make_picture(phone: Phone) -> None:
    Message.objects.all().delete()
    make_message(phone.lead, role="user", status="received", kind="media", text="[image]", twilio_sid=SID)


def erase(phone: Phone) -> None:
    erase_leads(Lead.objects.filter(pk=phone.lead.pk), now=timezone.now())
    call_command("sweep")


def test_pictures_are_deleted_before_the_message_they_came_with(wire: Wire, phone: Phone) -> None:
    make_picture(phone)
    wire.mock.get(f"{MESSAGE}/Media.json", json={"media_list": [{"sid": "ME1"}, {"sid": "ME2"}]})
    wire.mock.delete(f"{MESSAGE}/Media/ME1.json", status=204)
    wire.mock.delete(f"{MESSAGE}/Media/ME2.json", status=404)
    wire.mock.delete(f"{MESSAGE}.json", status=204)

    erase(phone)

    asked = [str(call.request.url).removeprefix(MESSAGE) for call in wire.mock.calls]
    assert asked == ["/Media.json", "/Media/ME1.json", "/Media/ME2.json", ".json"]
    assert Erasure.objects.count() == 0


def test_a_message_stays_until_its_pictures_are_gone(wire: Wire, phone: Phone) -> None:
    make_picture(phone)
    wire.mock.get(f"{MESSAGE}/Media.json", json={"media_list": [{"sid": "ME1"}]})
    wire.mock.delete(f"{MESSAGE}/Media/ME1.json", status=500, json={})

    erase(phone)

    assert Erasure.objects.get().reason == "OutcomeUnknown, status 500"


def test_a_message_that_is_gone_has_no_pictures_left(wire: Wire, phone: Phone) -> None:
    make_picture(phone)
    wire.mock.get(f"{MESSAGE}/Media.json", status=404, json={"code": 20404})
    wire.mock.delete(f"{MESSAGE}.json", status=404, json={"code": 20404})

    erase(phone)

    assert Erasure.objects.count() == 0
