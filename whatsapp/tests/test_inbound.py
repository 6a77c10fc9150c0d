"""What people write: signed, found by the number it was written to, stored once, answered with empty TwiML at once."""

import threading
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client, override_settings

from conftest import make_integration, make_lead, make_workspace
from leads.models import Lead
from providers.twilio import signature
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import FORM, TOKEN, Phone
from workspaces.models import Integration, LogEntry

EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


def received() -> list[Message]:
    return list(Message.objects.filter(role="user").order_by("created_at"))


def test_stores_a_message_and_answers_with_empty_twiml(phone: Phone) -> None:
    answer = phone.write("Tuesday works.", MessageSid="SM1")

    assert (answer.status_code, answer.content) == (200, EMPTY)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    (message,) = received()
    assert (message.lead_id, message.text, message.status, message.twilio_sid) == (
        phone.lead.pk,
        "Tuesday works.",
        "received",
        "SM1",
    )
    assert AgentTurn.objects.get().state == "waiting"


def test_stores_a_message_once_however_often_it_is_delivered(phone: Phone) -> None:
    answers = [phone.write("Hi", MessageSid="SM1") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(received()) == 1
    assert AgentTurn.objects.count() == 1
    assert LogEntry.objects.filter(operation="inbound message").count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_stores_a_message_once_when_it_is_delivered_at_once(phone: Phone) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("threads share no database in memory")
    barrier, statuses = threading.Barrier(6), list[int]()

    def deliver() -> None:
        try:
            barrier.wait(10)
            statuses.append(Phone(Client(), phone.lead).write("Hi", MessageSid="SM1").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert statuses == [200] * 6
    assert len(received()) == 1
    assert AgentTurn.objects.count() == 1


def test_journals_the_crossing(phone: Phone) -> None:
    phone.write("Hello")

    entry = LogEntry.objects.get(operation="inbound message")
    assert (entry.direction, entry.provider, entry.outcome, entry.lead_id) == ("in", "twilio", "ok", phone.lead.pk)


def test_refuses_what_the_workspaces_token_did_not_sign(phone: Phone) -> None:
    forged = phone.write(token="another")
    unsigned = phone.client.post("/api/whatsapp/inbound", urlencode({"To": "whatsapp:+14155238886"}), content_type=FORM)

    for answer in (forged, unsigned):
        assert (answer.status_code, answer.json()) == (403, {"ok": False, "error": "forbidden"})
    assert received() == []


def test_refuses_a_number_that_is_nobodys_in_the_same_words(phone: Phone) -> None:
    unknown, none = phone.write(To="whatsapp:+15550001111"), phone.write(To=None)

    for answer in (unknown, none):
        assert (answer.status_code, answer.json()) == (403, {"ok": False, "error": "forbidden"})


@override_settings(PUBLIC_BASE_URL="https://coachbot.example")
def test_checks_the_signature_against_the_public_address_whatever_the_proxy_says(phone: Phone) -> None:
    as_public, as_seen = phone.write(base="https://coachbot.example"), phone.write(base="http://testserver")

    assert (as_public.status_code, as_seen.status_code) == (200, 403)


def test_signs_the_query_string_too(phone: Phone) -> None:
    form = {"MessageSid": "SM9", "From": f"whatsapp:{phone.lead.phone}", "To": "whatsapp:+14155238886", "Body": "Hi"}
    path = "/api/whatsapp/inbound?source=a%20b"
    signed = signature(url=f"http://127.0.0.1:8000{path}", params=form.items(), auth_token=TOKEN)

    answer = phone.client.post(path, urlencode(form), content_type=FORM, headers={"X-Twilio-Signature": signed})

    assert answer.status_code == 200


def test_of_workspaces_with_one_number_takes_the_one_whose_token_signs(phone: Phone) -> None:
    other = make_workspace(channel="whatsapp", connected=False)
    make_integration(other, "twilio", credentials={"auth_token": "their-token"})
    theirs = make_lead(other, phone=phone.lead.phone)

    phone.write("To them", token="their-token")
    phone.write("To us")

    assert [(message.lead_id, message.text) for message in received()] == [
        (theirs.pk, "To them"),
        (phone.lead.pk, "To us"),
    ]


def test_of_workspaces_with_one_account_takes_the_one_that_knows_the_lead(phone: Phone) -> None:
    first = make_workspace(channel="whatsapp", unknown_senders="lead")
    Integration.objects.filter(workspace=first).update(created_at="2020-01-01T00:00:00Z")

    phone.write("Hi")

    assert received()[0].lead_id == phone.lead.pk


def test_hides_leads_of_other_workspaces(phone: Phone) -> None:
    other = make_workspace(channel="whatsapp", connected=False)
    make_integration(other, "twilio", credentials={"from_number": "+442079460000", "auth_token": "their-token"})

    answer = phone.write(To="whatsapp:+442079460000", token="their-token")

    assert answer.status_code == 200
    assert received() == []


def test_finds_a_number_that_was_changed(phone: Phone) -> None:
    integration = Integration.objects.get(provider="twilio")
    integration.credentials = integration.credentials.replace("+14155238886", "+442079460000")
    integration.save()

    assert phone.write(To="whatsapp:+442079460000").status_code == 200
    assert phone.write().status_code == 403


def test_ignores_who_is_no_lead(phone: Phone) -> None:
    answer = phone.write(From="whatsapp:+447999000111")

    assert (answer.status_code, received(), Lead.objects.count()) == (200, [], 1)
    assert "ignores unknown senders" in LogEntry.objects.get(operation="inbound message").response


def test_notes_who_hides_their_number(phone: Phone) -> None:
    answer = phone.write(From="whatsapp:US.13491208655302741918")

    assert (answer.status_code, received(), Lead.objects.count()) == (200, [], 1)
    assert "hides their number" in LogEntry.objects.get(operation="inbound message").response


def test_makes_a_lead_of_who_is_none_where_the_workspace_wants_that(phone: Phone) -> None:
    phone.lead.workspace.unknown_senders = "lead"
    phone.lead.workspace.save()

    phone.write("Do you do kitchens?", From="whatsapp:+447999000111", ProfileName="Ada \x00\n Lovelace")
    phone.write("Start", From="whatsapp:+447999000222", ProfileName=None)

    ada, nameless = Lead.objects.exclude(pk=phone.lead.pk).order_by("created_at")
    assert (ada.name, ada.phone, ada.source, ada.status) == ("Ada Lovelace", "+447999000111", "whatsapp", "new")
    assert nameless.name == "+447999000222"
    assert AgentTurn.objects.count() == 2


def test_a_test_lead_is_nobody_who_could_write(phone: Phone) -> None:
    Lead.objects.update(is_test=True)

    phone.write()

    assert received() == []


@pytest.mark.parametrize(
    ("params", "text", "kind"),
    [
        ({"Body": "", "NumMedia": "1", "MediaContentType0": "image/jpeg"}, "[image]", "media"),
        (
            {
                "Body": "Our kitchen",
                "NumMedia": "2",
                "MediaContentType0": "image/png",
                "MediaContentType1": "audio/ogg",
            },
            "[image]\n[voice message]\nOur kitchen",
            "media",
        ),
        ({"Body": "", "NumMedia": "1"}, "[file]", "media"),
        (
            {"Body": "", "Latitude": "51.5", "Longitude": "-0.1", "Label": "Acme", "Address": "1 High St"},
            "[location: Acme, 1 High St (51.5, -0.1)]",
            "location",
        ),
        ({"Body": "", "ButtonText": "Yes, please", "ButtonPayload": "yes"}, "Yes, please", "button"),
        ({"Body": None}, "[message without words]", "sign"),
        ({"Body": "a\x00b", "NumMedia": "many"}, "ab", ""),
        ({"Body": "x" * 9000}, "x" * 8000, ""),
        ({"Body": "كيف حالك 👋🏽"}, "كيف حالك 👋🏽", ""),
    ],
)
def test_notes_what_is_more_than_text(phone: Phone, params: dict[str, Any], text: str, kind: str) -> None:
    assert phone.write(**params).status_code == 200

    (message,) = received()
    assert (message.text, message.kind) == (text, kind)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"x" * 3_000_000, FORM),
        (b"Body=%ff%fe&To=whatsapp%3A%2B14155238886", FORM),
        (b"&".join(b"a%d=1" % n for n in range(2000)), FORM),
        (b"To=x", "application/x-www-form-urlencoded; charset=utf-16"),
        (b"To=x", "application/x-www-form-urlencoded; charset=klingon"),
        (b'{"To": "x"}', "application/json"),
        (b"", "multipart/form-data; boundary="),
        (b"To=%00&From=%00&Body=%00", FORM),
        (b"To=whatsapp%3A%2B14155238886&From=" + b"9" * 5000, FORM),
    ],
)
def test_a_hostile_body_is_refused_and_no_crash(phone: Phone, body: bytes, content_type: str) -> None:
    answer = phone.client.generic("POST", "/api/whatsapp/inbound", body, content_type=content_type)

    assert answer.status_code in {400, 403, 413}
    assert received() == []


@pytest.mark.parametrize(
    "sender", ["whatsapp:US.13491208655302741918", "", None, "whatsapp:+0", "whatsapp:+1" + "2" * 30]
)
def test_who_hides_their_number_is_taken_for_nobody(phone: Phone, sender: str | None) -> None:
    answer = phone.write(From=sender)

    assert (answer.status_code, received()) == (200, [])


def test_takes_posts_only(client: Client) -> None:
    answer = client.get("/api/whatsapp/inbound")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
