"""What the seven tools do to a lead, and what they say to a model that gets them wrong."""

from typing import Any

import pytest

from agents.models import ToolCall
from agents.tests.factories import make_calendar_lead, use
from agents.tools import TOOL_NAMES, schemas
from conftest import NOW, make_lead, make_workspace
from leads import takeover
from leads.models import Lead, LeadEvent

pytestmark = pytest.mark.django_db
OWN = [{"name": "team_size", "label": "Team size"}]


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def test_there_are_seven_each_with_a_schema_that_strict_mode_takes() -> None:
    told = {tool["name"]: tool for tool in schemas(make_workspace(qualification_fields=OWN))}

    assert set(told) == TOOL_NAMES
    assert list(told) == [
        "updateLeadProfile",
        "listSlots",
        "bookConsult",
        "markUnqualified",
        "escalateToHuman",
        "optOut",
        "endConversation",
    ]
    for tool in told.values():
        schema = tool["parameters"]
        assert set(tool) == {"name", "description", "parameters"}
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    assert list(told["updateLeadProfile"]["parameters"]["properties"]) == [
        *("goal", "budget", "schedulePref", "notes", "team_size"),
    ]
    assert told["updateLeadProfile"]["parameters"]["properties"]["team_size"] == {
        "type": ["string", "null"],
        "description": "Team size",
    }
    assert told["bookConsult"]["parameters"]["properties"]["start"]["type"] == "string"
    assert told["endConversation"]["parameters"]["properties"] == {}


def test_vapi_gets_one_type_each_and_no_word_that_its_validator_refuses() -> None:
    for tool in schemas(make_workspace(qualification_fields=OWN), strict=False):
        schema = tool["parameters"]
        assert set(schema) == {"type", "properties", "required"}
        assert all(set(each) == {"type", "description"} for each in schema["properties"].values())
        assert all(each["type"] in {"string", "integer"} for each in schema["properties"].values())
        assert schema["required"] == {"bookConsult": ["start"], "markUnqualified": ["reason"]}.get(tool["name"], [])


def test_a_field_that_cannot_be_told_to_a_model_is_left_out() -> None:
    odd = [{"name": "notes", "label": "x"}, {"name": "a b"}, {"label": "y"}, "z", {"name": "fine"}, {"name": "fine"}]

    tool = schemas(make_workspace(qualification_fields=odd))[0]

    assert list(tool["parameters"]["properties"]) == ["goal", "budget", "schedulePref", "notes", "fine"]


def test_the_profile_grows_and_notes_add_up() -> None:
    lead = make_lead(make_workspace(qualification_fields=OWN))

    use(lead, "updateLeadProfile", {"goal": "Lose weight", "budget": 5000, "notes": "Vegan", "schedulePref": None})
    told = use(lead, "updateLeadProfile", '{"budget": "6k", "notes": "Has a dog", "team_size": "12", "goal": " "}')

    assert told.result == {"ok": True, "remembered": ["budget", "notes", "team_size"]}
    now = fresh(lead)
    assert now.profile == {"goal": "Lose weight", "budget": "6k", "notes": "Vegan\nHas a dog", "team_size": "12"}
    assert (now.goal, now.status) == ("Lose weight", "new")


def test_what_the_lead_submitted_as_its_goal_stays() -> None:
    lead = make_lead(goal="Run a marathon")

    use(lead, "updateLeadProfile", {"goal": "Walk"})

    assert (fresh(lead).goal, fresh(lead).profile) == ("Run a marathon", {"goal": "Walk"})


@pytest.mark.parametrize("status", ["new", "in_conversation"])
def test_an_unqualified_lead_keeps_the_reason(status: str) -> None:
    lead = make_lead(status=status)

    told = use(lead, "markUnqualified", {"reason": "No budget"})

    assert told.result == {"ok": True, "status": "unqualified"}
    assert (fresh(lead).status, fresh(lead).qualification_notes) == ("unqualified", "No budget")
    event = LeadEvent.objects.get(lead=lead)
    assert event.data == {"from": status, "to": "unqualified", "reason": "No budget"}
    assert use(lead, "markUnqualified", {"reason": "Again"}).ok
    assert fresh(lead).qualification_notes == "No budget"


@pytest.mark.parametrize(("status", "word"), [("booked", "appointment"), ("needs_human", "person")])
def test_who_has_an_appointment_or_a_person_is_not_marked_unqualified(status: str, word: str) -> None:
    lead = make_lead(status=status)

    told = use(lead, "markUnqualified", {"reason": "No budget"})

    assert not told.ok
    assert word in told.result["error"]
    assert (fresh(lead).status, fresh(lead).qualification_notes) == (status, None)


@pytest.mark.parametrize("status", ["new", "in_conversation", "unqualified", "booked"])
def test_a_person_is_called_for_wherever_the_lead_is(status: str) -> None:
    lead = make_lead(status=status, booking_uid="bk_1", booking_start=NOW)

    told = use(lead, "escalateToHuman", {"reason": "Wants to move it"})

    assert told.ok
    now = fresh(lead)
    assert (now.status, now.booking_uid, now.booking_start) == ("needs_human", "bk_1", NOW)
    assert LeadEvent.objects.get(lead=lead).data["reason"] == "Wants to move it"


def test_a_person_is_called_for_without_a_reason_and_once() -> None:
    lead = make_lead()

    assert [use(lead, "escalateToHuman").ok for _ in range(2)] == [True, True]

    assert LeadEvent.objects.get(lead=lead).data["reason"] == "The lead asked for a person."


def test_the_conversation_ends_and_the_lead_stays_as_it_is() -> None:
    lead = make_lead(status="in_conversation")

    told = use(lead, "endConversation", "")

    assert (told.ok, told.ends, fresh(lead).status) == (True, True, "in_conversation")


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("updateLeadProfile", "{", "not valid JSON"),
        ("updateLeadProfile", "[" * 20_000, "too long"),
        ("updateLeadProfile", "[" * 16_000, "not valid JSON"),
        ("updateLeadProfile", "[]", "one JSON object"),
        ("updateLeadProfile", 7, "one JSON object"),
        ("updateLeadProfile", {}, "at least one value"),
        ("updateLeadProfile", {"goal": "\x00 \u202e"}, "at least one value"),
        ("updateLeadProfile", {"goal": ["a"]}, "goal must be a text"),
        ("updateLeadProfile", {"goal": True}, "goal must be a text"),
        ("updateLeadProfile", {"goal": "x" * 501}, "goal is too long: at most 500 characters"),
        ("updateLeadProfile", {"goal": "x", "status": "booked"}, "Unknown argument: status. It takes goal, budget"),
        ("listSlots", {"daysAhead": "soon"}, "daysAhead must be a whole number"),
        ("listSlots", {"daysAhead": 1.5}, "daysAhead must be a whole number"),
        ("listSlots", {"daysAhead": True}, "daysAhead must be a whole number"),
        ("listSlots", {"daysAhead": "9" * 400}, "daysAhead must be a whole number"),
        ("markUnqualified", None, "Missing argument: reason"),
        ("markUnqualified", {"reason": None}, "Missing argument: reason"),
        ("bookConsult", {}, "Missing argument: start"),
        ("endConversation", {"why": "x"}, "It takes none"),
        ("dropTables", {}, "There is no tool of that name. There are updateLeadProfile"),
        ("", {}, "There is no tool of that name"),
    ],
)
def test_what_is_wrong_is_said_in_words_and_nothing_happens(tool: str, arguments: Any, words: str) -> None:
    lead = make_calendar_lead()

    told = use(lead, tool, arguments)

    assert (told.ok, told.result["ok"], told.ends) == (False, False, False)
    assert words in told.result["error"]
    assert (fresh(lead).status, fresh(lead).profile) == ("in_conversation", None)
    assert ToolCall.objects.get(lead=lead).ok is False


@pytest.mark.parametrize("name", ["leadId", "phone", "workspaceId", "id"])
def test_arguments_cannot_choose_another_lead(name: str) -> None:
    other = make_lead()
    lead = make_lead()

    told = use(lead, "escalateToHuman", {"reason": "x", name: str(other.pk)})
    use(lead, "updateLeadProfile", {"goal": f"Call {other.phone} instead", "notes": str(other.pk)})

    assert not told.ok
    assert (fresh(other).status, fresh(other).profile, fresh(other).goal) == ("new", None, None)
    assert ToolCall.objects.filter(lead=other).count() == 0


@pytest.mark.parametrize("arguments", ['{"goal": "\\ud800 \\u0000 x"}', {"goal": "\ud800 \x00 x"}, "\ud800\x00{"])
def test_what_no_database_holds_does_no_harm(arguments: Any) -> None:
    lead = make_lead()

    use(lead, "updateLeadProfile", arguments)

    assert ToolCall.objects.get(lead=lead).arguments


def test_who_was_taken_over_is_left_alone_in_writing_and_not_in_a_call() -> None:
    lead = make_calendar_lead()
    takeover.take_over(lead.pk, by_id=None, now=NOW)

    assert "taken over" in use(lead, "updateLeadProfile", {"goal": "x"}).result["error"]
    assert fresh(lead).profile is None
    assert use(lead, "updateLeadProfile", {"goal": "x"}, channel="voice").ok


def test_a_lead_that_was_erased_ends_the_conversation() -> None:
    lead = make_lead()
    Lead.objects.filter(pk=lead.pk).delete()

    told = use(lead, "updateLeadProfile", {"goal": "x"})

    assert (told.ok, told.ends) == (False, True)


def test_a_fault_of_ours_leaves_something_to_say(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise RuntimeError("+447123456789 said secret things")

    monkeypatch.setattr("agents.actions.change_status", fail)
    lead = make_lead()

    told = use(lead, "escalateToHuman", {"reason": "x"})

    assert told.result["error"].startswith("Something went wrong on our side")
    assert caplog.records[0].getMessage() == f"tool escalateToHuman of lead {lead.pk}"
