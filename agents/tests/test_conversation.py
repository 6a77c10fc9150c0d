"""The tool loop: asks as often as it must, pays once for what was answered, and always comes to an end."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import responses

from agents.conversation import NOTHING_BOOKED, Said, converse
from agents.models import ToolCall
from agents.tests.factories import answer_slots, make_calendar_lead
from conftest import NOW
from leads.models import Lead
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from providers.openai import Usage
from workspaces.models import LogEntry

pytestmark = pytest.mark.django_db
URL = "https://api.openai.com/v1/responses"
Items = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _wire() -> Iterator[None]:
    with responses.mock:
        yield


class Stored:
    """What the caller keeps."""

    def __init__(self) -> None:
        self.items: Items = []
        self.spent: list[Usage] = []

    def __call__(self, items: Items, spent: Usage) -> None:
        self.items = json.loads(json.dumps(items))
        self.spent.append(spent)


def talk(lead: Lead, stored: Stored | None = None, text: str = "Hi") -> Said:
    stored = stored or Stored()
    return converse(
        lead,
        turns=[{"role": "user", "content": text}],
        items=stored.items,
        store=stored,
        credentials={"api_key": "sk-test-0123456789"},
        model="gpt-5.4-mini",
        now=NOW,
    )


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def call(name: str, call_id: str = "call_1", **arguments: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": json.dumps(arguments)}


def answer(*output: dict[str, Any], **fields: Any) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 100}
    responses.add(responses.POST, URL, json={"status": "completed", "output": list(output), "usage": usage} | fields)


def asked() -> list[dict[str, Any]]:
    return [json.loads(each.request.body or "") for each in responses.calls if each.request.url == URL]


def test_words_are_the_message() -> None:
    lead = make_calendar_lead()
    stored = Stored()
    answer(message("Hello Jane!"))

    said = talk(lead, stored)

    assert (said.text, said.ended, said.usage) == ("Hello Jane!", False, Usage(1000, 100))
    assert said.cost_usd == Decimal("0.001200")
    assert stored.spent == [Usage(1000, 100)]
    (body,) = asked()
    assert [tool["name"] for tool in body["tools"]][0] == "updateLeadProfile"
    assert body["safety_identifier"] == lead.pk.hex
    entry = LogEntry.objects.get(lead_id=lead.pk)
    assert (entry.provider, entry.operation, entry.outcome) == ("openai", "write reply", "ok")
    assert "sk-test" not in entry.request + entry.response


def test_tools_are_called_in_their_order_and_their_results_go_back() -> None:
    lead = make_calendar_lead()
    stored = Stored()
    answer(call("updateLeadProfile", "c1", goal="Run"), call("updateLeadProfile", "c2", goal="Walk"))
    answer(call("listSlots", "c3"))
    answer_slots("2026-06-08T08:00:00Z")
    answer(message("Monday at nine?"))

    said = talk(lead, stored)

    assert (said.text, said.usage) == ("Monday at nine?", Usage(3000, 300))
    assert stored.spent == [Usage(1000, 100), Usage(), Usage(), Usage(1000, 100), Usage(), Usage(1000, 100)]
    assert [item.get("call_id") for item in asked()[2]["input"][1:]] == ["c1", "c2", "c1", "c2", "c3", "c3"]
    assert "Monday, June 8, 9:00 AM" in asked()[2]["input"][-1]["output"]
    assert (Lead.objects.get(pk=lead.pk).profile or {})["goal"] == "Walk"
    assert list(ToolCall.objects.order_by("pk").values_list("call_id", flat=True)) == ["c1", "c2", "c3"]


def test_an_interrupted_run_asks_and_acts_for_nothing_twice() -> None:
    lead = make_calendar_lead()
    stored = Stored()
    answer(call("updateLeadProfile", "c1", notes="a"), call("updateLeadProfile", "c2", notes="b"))
    responses.add(responses.POST, URL, status=500, json={})
    with pytest.raises(OutcomeUnknown):
        talk(lead, stored)
    responses.reset()
    # As if the process had died between the two results.
    del stored.items[-1]
    answer(message("Noted."))

    said = talk(lead, stored)

    assert (said.text, said.usage) == ("Noted.", Usage(1000, 100))
    assert len(asked()) == 1
    assert [item["type"] for item in stored.items] == [
        *("function_call", "function_call", "function_call_output", "function_call_output", "message"),
    ]
    assert (Lead.objects.get(pk=lead.pk).profile or {})["notes"] == "a\nb"


def test_a_message_that_is_there_already_is_not_asked_for() -> None:
    stored = Stored()
    stored.items = [call("escalateToHuman", "c1"), {"type": "function_call_output", "call_id": "c1", "output": "{}"}]
    stored.items.append(message("A person will call."))

    said = talk(make_calendar_lead(), stored)

    assert (said.text, said.usage) == ("A person will call.", Usage())
    assert len(responses.calls) == 0


def test_a_goodbye_beside_the_end_needs_no_other_answer() -> None:
    answer(message("Goodbye, Jane!"), call("endConversation"))

    said = talk(make_calendar_lead())

    assert (said.text, said.ended, len(asked())) == ("Goodbye, Jane!", True, 1)


def test_an_end_without_words_is_asked_for_its_goodbye_alone() -> None:
    answer(call("endConversation"))
    answer(message("Bye!"))

    said = talk(make_calendar_lead())

    assert (said.text, said.ended) == ("Bye!", True)
    assert [body["tool_choice"] for body in asked()] == ["auto", "none"]


def test_an_end_that_was_refused_is_none() -> None:
    answer(message("Wait"), call("endConversation", why="x"))
    answer(message("Sorry, where were we?"))

    said = talk(make_calendar_lead())

    assert (said.text, said.ended) == ("Sorry, where were we?", False)


def test_after_six_rounds_words_are_asked_for() -> None:
    for number in range(6):
        answer(call("updateLeadProfile", f"c{number}", notes=str(number)))
    answer(message("Enough."))

    said = talk(make_calendar_lead())

    assert said.text == "Enough."
    assert [body["tool_choice"] for body in asked()] == ["auto"] * 6 + ["none"]


def test_rounds_of_an_interrupted_run_count() -> None:
    stored = Stored()
    for number in range(6):
        result = {"type": "function_call_output", "call_id": f"c{number}", "output": "{}"}
        stored.items += [call("updateLeadProfile", f"c{number}"), result]
    answer(message("Enough."))

    talk(make_calendar_lead(), stored)

    assert asked()[0]["tool_choice"] == "none"


def test_a_model_that_never_stops_calling_is_stopped() -> None:
    for number in range(8):
        answer(call("updateLeadProfile", f"c{number}", notes=str(number)))

    with pytest.raises(Rejected) as caught:
        talk(make_calendar_lead())

    assert (caught.value.code, len(asked())) == ("empty", 7)


def test_nonsense_is_explained_to_the_model_which_goes_on() -> None:
    answer({"type": "function_call", "call_id": "c1", "name": "flyToTheMoon", "arguments": "{{{"})
    answer(message("Sorry."))

    assert talk(make_calendar_lead()).text == "Sorry."
    assert "There is no tool of that name" in asked()[1]["input"][-1]["output"]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"status": 429, "json": {"error": {"message": "No", "code": "insufficient_quota"}}}, Rejected),
        ({"status": 429, "json": {"error": {"message": "No", "code": "rate_limit_exceeded"}}}, Unavailable),
        ({"status": 500, "json": {}}, OutcomeUnknown),
    ],
)
def test_a_failure_is_journaled_and_keeps_its_kind(fields: dict[str, Any], kind: type[ProviderError]) -> None:
    lead = make_calendar_lead()
    responses.add(responses.POST, URL, **fields)

    with pytest.raises(ProviderError) as caught:
        talk(lead)

    assert type(caught.value) is kind
    assert LogEntry.objects.get(lead_id=lead.pk).outcome in {"rejected", "unavailable", "unknown"}


def test_an_id_that_was_there_before_is_another_call_all_the_same() -> None:
    for number in range(3):
        answer(call("updateLeadProfile", "call_0", notes=f"n{number}"), call("updateLeadProfile", "call_0", budget="1"))
    answer(message("Noted."))
    lead = make_calendar_lead()

    assert talk(lead).text == "Noted."
    assert (Lead.objects.get(pk=lead.pk).profile or {}) == {"notes": "n0\nn1\nn2", "budget": "1"}
    assert ToolCall.objects.count() == 6

    # Another turn, in which the server counts from nought again.
    answer(call("updateLeadProfile", "call_0", notes="n3"))
    answer(message("That too."))
    assert talk(lead).text == "That too."
    assert (Lead.objects.get(pk=lead.pk).profile or {})["notes"] == "n0\nn1\nn2\nn3"


def test_a_server_that_repeats_its_ids_for_ever_is_stopped() -> None:
    for _ in range(9):
        answer(call("updateLeadProfile", "call_0", notes="again"))

    with pytest.raises(Rejected):
        talk(make_calendar_lead())

    assert len(asked()) == 7


def test_a_call_without_an_id_is_made_and_answered() -> None:
    answer(call("updateLeadProfile", "", notes="a"), call("updateLeadProfile", "", notes="b"))
    answer(message("Noted."))

    assert talk(make_calendar_lead()).text == "Noted."
    assert len({item["call_id"] for item in asked()[1]["input"] if item.get("type") == "function_call_output"}) == 2


def test_an_answer_of_no_use_is_paid_for() -> None:
    stored = Stored()
    answer(status="incomplete", incomplete_details={"reason": "max_output_tokens"})

    with pytest.raises(Rejected):
        talk(make_calendar_lead(), stored)

    assert stored.spent == [Usage(1000, 100)]


def test_knows_the_appointment_in_the_zone_in_which_it_was_offered() -> None:
    lead = make_calendar_lead(phone="+12125550123", booking_start=datetime(2026, 6, 8, 14, tzinfo=UTC))
    answer(message("See you then."))

    talk(lead)

    assert "Appointment: Monday, June 8, 2026, 10:00 AM (America/New_York)" in asked()[0]["instructions"]


class TestFalseBooking:
    """What claims a booking that isn't there is written again, once."""

    def test_the_model_says_it_again(self) -> None:
        answer(message("You are booked for Tuesday!"))
        answer(message("Shall I book Tuesday at 10?"))
        stored = Stored()

        assert talk(make_calendar_lead(), stored).text == "Shall I book Tuesday at 10?"

        assert asked()[1]["input"][-1] == {"role": "developer", "content": NOTHING_BOOKED}
        assert len(stored.spent) == 3
        # An interrupted run doesn't send what was taken back.
        assert talk(make_calendar_lead(), stored).text == "Shall I book Tuesday at 10?"

    def test_one_that_insists_is_left_to_a_person(self) -> None:
        answer(message("You are booked for Tuesday!"))
        answer(message("Your appointment is confirmed."))

        with pytest.raises(Rejected) as caught:
            talk(make_calendar_lead())

        assert caught.value.code == "false_booking"

    def test_who_is_booked_is_told_so(self) -> None:
        answer(message("You are booked for Tuesday!"))
        lead = make_calendar_lead()
        Lead.objects.filter(pk=lead.pk).update(booking_uid="bk_1")

        assert talk(lead).text == "You are booked for Tuesday!"

    def test_the_older_api_hears_it_too(self, settings: Any) -> None:
        from providers.openai import _chat_messages, note

        items = [message("You are booked!"), note(NOTHING_BOOKED)]

        assert [each["role"] for each in _chat_messages(items)] == ["assistant", "system"]
