"""WhatsApp's 24 hours: when one may write freely, what is done outside of them, and what staff are told."""

from datetime import timedelta

from django.utils import timezone

from conftest import make_lead
from leads.channels import get_channel
from leads.models import Lead, LeadEvent
from whatsapp.models import AgentTurn, Message
from whatsapp.tests.conftest import Phone, Wire, make_message, reply, work
from whatsapp.window import template_needed, window_of
from workspaces.models import Integration

TEMPLATE = {"content_sid": "HX" + "c" * 32, "content_variables": {"1": "first_name", "2": "sentence"}}


def age(phone: Phone, **by: float) -> None:
    Message.objects.filter(lead=phone.lead, role="user").update(created_at=timezone.now() - timedelta(**by))


def test_is_open_for_a_day_after_the_leads_last_message(phone: Phone) -> None:
    now = timezone.now()
    assert not window_of(phone.lead, now=now).open
    make_message(phone.lead, role="user", status="received", created_at=now - timedelta(hours=30))
    make_message(phone.lead, role="user", status="received", created_at=now - timedelta(hours=23))
    make_message(phone.lead, role="operator", created_at=now)

    window = get_channel("whatsapp").window(phone.lead, now=now)

    assert window is not None
    assert (window.open, window.until, window.reason) == (True, now + timedelta(hours=1), "")
    later = window_of(phone.lead, now=now + timedelta(hours=1))
    assert (later.open, later.until) == (False, now + timedelta(hours=1))
    assert "24 hours" in later.reason


def test_may_always_write_to_a_test_lead(phone: Phone) -> None:
    assert window_of(make_lead(phone.lead.workspace, is_test=True), now=timezone.now()).open


def test_voice_has_none(phone: Phone) -> None:
    assert get_channel("voice").window(phone.lead, now=timezone.now()) is None


def test_a_late_reply_goes_out_in_the_template(wire: Wire, phone: Phone) -> None:
    Integration.objects.filter(provider="twilio").update(options=TEMPLATE)
    wire.openai(json=reply("Sorry for\nthe wait."))
    wire.twilio()
    phone.write("Hi")
    age(phone, hours=25)

    work()

    assert wire.sent[0]["ContentVariables"] == '{"1": "Jane", "2": "Sorry for the wait."}'
    assert "Body" not in wire.sent[0]


def test_a_late_reply_without_a_template_is_left_to_a_human(wire: Wire, phone: Phone) -> None:
    wire.openai()
    phone.write("Hi")
    age(phone, hours=25)

    work()
    work(hours=1)

    assert (wire.sent, AgentTurn.objects.get().code) == ([], "window_closed")
    assert Lead.objects.get().status == "needs_human"
    assert "24 hours" in LeadEvent.objects.get(kind="agent_stopped").data["reason"]


def test_a_reply_within_the_window_is_free_text_whatever_the_template(wire: Wire, phone: Phone) -> None:
    Integration.objects.filter(provider="twilio").update(options=TEMPLATE)
    wire.openai()
    wire.twilio()
    phone.write("Hi")

    work()

    assert "ContentSid" not in wire.sent[0]


def test_settings_are_told_that_a_template_is_needed_until_they_change(phone: Phone) -> None:
    workspace_id = phone.lead.workspace_id
    assert not template_needed(workspace_id)
    make_message(phone.lead, status="failed", error_code="63016")
    make_message(make_lead(channel="whatsapp"), status="failed", error_code="63016")
    assert template_needed(workspace_id)

    integration = Integration.objects.get(workspace_id=workspace_id, provider="twilio")
    integration.options = TEMPLATE
    integration.save()

    assert not template_needed(workspace_id)
