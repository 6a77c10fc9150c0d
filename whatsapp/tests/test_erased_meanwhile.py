"""A lead that is erased while Twilio takes a message leaves nothing of it there."""

import json
import re
from typing import Any

import responses
from django.utils import timezone

from leads.erasure import erase_leads
from leads.models import Erasure, Lead
from whatsapp.tests.conftest import SID, TWILIO, Phone, Wire, message, work

ANY_MESSAGE = re.compile(r"https://api\.twilio\.com/.*/Messages/SM\w+\.json")


def test_what_twilio_took_while_the_lead_was_erased_is_deleted_there(wire: Wire, phone: Phone) -> None:
    def erase(request: Any) -> Any:
        erase_leads(Lead.objects.filter(pk=phone.lead.pk), now=timezone.now())
        return 201, {}, json.dumps(message())

    wire.openai()
    wire.mock.add_callback(responses.POST, TWILIO, callback=erase)
    wire.mock.add(responses.DELETE, ANY_MESSAGE, status=204)
    phone.write("Hi")

    work()

    gone = [str(call.request.url) for call in wire.mock.calls if call.request.method == "DELETE"]
    assert sum(SID in url for url in gone) == 1
    assert Erasure.objects.count() == 0
