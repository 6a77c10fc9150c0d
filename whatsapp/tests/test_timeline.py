"""What a lead's timeline shows of a conversation."""

from datetime import timedelta

from django.template.loader import render_to_string
from django.utils import timezone

from conftest import make_lead, make_member
from leads.timeline import read_timeline
from whatsapp.models import AgentTurn
from whatsapp.tests.conftest import Phone, make_message
from whatsapp.timeline import items


def shown(phone: Phone) -> list[str]:
    rendered = [render_to_string(item.template, {"item": item, "data": item.data}) for item in items(phone.lead)]
    return [" ".join(html.split()) for html in rendered]


def test_shows_messages_with_their_author_and_where_they_are(phone: Phone) -> None:
    kim = make_member(phone.lead.workspace, username="kim")
    make_message(phone.lead, role="user", status="received", text="<b>Hi</b>\nyou")
    make_message(phone.lead, role="operator", by=kim, text="Kim here.", status="read")

    first, second, third = shown(phone)

    assert "Robin" in first
    assert "sent" in first
    assert "Jane Doe" in second
    assert "&lt;b&gt;Hi&lt;/b&gt;<br>you" in second
    assert "kim" in third
    assert "read" in third


def test_says_what_to_do_about_a_message_that_failed(phone: Phone) -> None:
    make_message(
        phone.lead, status="failed", error_code="63016", error_message="Enter an approved template's ContentSid."
    )

    assert "not delivered (63016)" in shown(phone)[1]
    assert "Enter an approved template&#x27;s ContentSid." in shown(phone)[1]


def test_says_why_the_agent_stopped(phone: Phone) -> None:
    now = timezone.now()
    times = {"due_at": now, "wake_at": now, "created_at": now, "finished_at": now}
    stopped = {"workspace": phone.lead.workspace, "lead": phone.lead, "state": "stopped"} | times
    AgentTurn.objects.create(code="limit", reason="The day's limit is reached.", **stopped)
    AgentTurn.objects.create(code="taken_over", reason="A person has taken over.", **stopped)

    assert "The day&#x27;s limit is reached." in shown(phone)[1]
    assert len(shown(phone)) == 2


def test_is_part_of_the_leads_timeline_in_the_order_of_time(phone: Phone) -> None:
    make_message(phone.lead, text="Before", created_at=timezone.now() - timedelta(hours=1))
    make_message(make_lead(phone.lead.workspace), text="Somebody else's")

    texts = [item.data.get("text") for item in read_timeline(phone.lead) if item.key.startswith("message-")]

    assert texts == ["Before", "Hi Jane!"]
