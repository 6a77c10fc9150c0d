"""What goes into a template's variables: the person, the business, the agent's sentence, and no more than fits."""

import json

import pytest
from django.core.management import call_command

from conftest import make_lead, make_workspace
from leads.models import Dispatch, Lead
from leads.tests.link_examples import LINKS, NO_LINKS
from whatsapp.models import Message
from whatsapp.template import content_variables
from whatsapp.tests.conftest import Wire, reply
from workspaces.models import Integration


def test_puts_the_sentence_into_the_template(wire: Wire, dispatch: Dispatch) -> None:
    variables = {"1": "first_name", "2": "business", "3": "sentence", "4": "agent", "5": "goal", "6": "name"}
    twilio = Integration.objects.filter(provider="twilio")
    twilio.update(options={"content_sid": "HX" + "c" * 32, "content_variables": variables})
    wire.openai(json=reply("Which kitchen\ndo you\t\tdream     of?"))
    wire.twilio()

    call_command("sweep")

    (sent,) = wire.sent
    assert "Body" not in sent
    assert sent["ContentSid"] == "HX" + "c" * 32
    assert sent["ContentVariables"] == (
        '{"1": "Jane", "2": "Acme", "4": "Robin", "5": "A new kitchen", "6": "Jane Doe", '
        '"3": "Which kitchen do you dream of?"}'
    )
    assert Message.objects.get().content_sid == "HX" + "c" * 32


def test_keeps_a_template_within_whatsapps_length(wire: Wire, dispatch: Dispatch) -> None:
    Lead.objects.update(goal="g" * 2000, name="n" * 120)
    variables = {"1": "goal", "2": "name", "3": "sentence"}
    Integration.objects.filter(provider="twilio").update(
        options={"content_sid": "HX" + "c" * 32, "content_variables": variables}
    )
    wire.openai(json=reply("long words " * 300))
    wire.twilio()

    call_command("sweep")

    (sent,) = wire.sent
    assert 500 < len(sent["ContentVariables"]) < 1024 - 150


def test_keeps_a_template_of_many_variables_within_whatsapps_length(wire: Wire, dispatch: Dispatch) -> None:
    Lead.objects.update(goal="g" * 2000, name="n" * 120)
    variables = {str(n): "sentence" if n == 9 else "goal" for n in range(1, 10)}
    Integration.objects.filter(provider="twilio").update(
        options={"content_sid": "HX" + "c" * 32, "content_variables": variables}
    )
    wire.openai(json=reply("long words " * 300))
    wire.twilio()

    call_command("sweep")

    values = json.loads(wire.sent[0]["ContentVariables"]).values()
    assert all(values)
    assert sum(map(len, values)) <= 800


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "goal", "told"),
    [
        ("https://evil.example/win", "www.evil.example", ("there", "your enquiry")),
        ("evil.com", "Win at bit.ly/abc now", ("there", "Win at now")),
        ("J.R.R. Tolkien", "A new kitchen, no. 5", ("J.R.R.", "A new kitchen, no. 5")),
    ],
)
def test_a_template_carries_no_strangers_link(name: str, goal: str, told: tuple[str, str]) -> None:
    lead = make_lead(make_workspace(channel="whatsapp"), name=name, goal=goal)
    options = {"content_variables": {"1": "first_name", "2": "goal"}}

    assert tuple(content_variables(options, lead=lead, sentence="").values()) == told


@pytest.mark.django_db
@pytest.mark.parametrize("link", LINKS)
def test_a_template_leaves_out_whatever_looks_like_a_link(link: str) -> None:
    lead = make_lead(make_workspace(channel="whatsapp"), name=f"Ann {link} Lee", goal=f"{link} A new kitchen")
    options = {"content_variables": {"1": "name", "2": "goal"}}

    assert content_variables(options, lead=lead, sentence="") == {"1": "Ann Lee", "2": "A new kitchen"}


@pytest.mark.django_db
@pytest.mark.parametrize("words", NO_LINKS)
def test_a_template_keeps_words_that_are_no_links(words: str) -> None:
    lead = make_lead(make_workspace(channel="whatsapp"), name=words)

    assert content_variables({"content_variables": {"1": "name"}}, lead=lead, sentence="") == {"1": words}
