"""The OpenAPI document is as strict as the server, and its examples are what the server says."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from coachbot.openapi import describe_api
from coachbot.openapi_details import CREATE_LEAD
from conftest import make_lead, make_workspace
from leads.models import Lead
from webapi.tests.backend import Backend

GOOD: dict[str, Any] = {"name": "Jane Doe", "phone": "+447700900123", "consent": True}


def schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", "components": describe_api()["components"]}


def fits(value: Any, name: str) -> bool:
    return bool(Draft202012Validator(schema(name)).is_valid(value))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        *({"consent": False}, {"consent": "true"}, {"consent": 1}, {"consent": None}),
        *({"name": ""}, {"name": "x" * 121}, {"name": 7}, {"name": None}),
        *({"phone": "123456"}, {"phone": "+44 770 0900 123 x"}, {"phone": "1" * 33}, {"phone": None}),
        *({"email": 7}, {"goal": "x" * 2001}, {"metadata": []}, {"metadata": {str(n): n for n in range(51)}}),
        *({"formResponses": {"a": 1}}, {"formResponses": []}),
    ],
    ids=str,
)
def test_refuses_what_the_server_refuses(change: dict[str, Any]) -> None:
    body = GOOD | change

    assert not fits(body, "LeadInput")
    assert Backend(make_workspace(), mode="test").post(body).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        *({}, {"email": ""}, {"email": None}, {"email": "jane@example.com"}, {"goal": ""}, {"goal": None}),
        *({"metadata": None}, {"metadata": {"a": None, "b": [1, {"c": None}]}}, {"formResponses": {"q": ""}}),
        *({"phone": "0044 (7700) 900-123"}, {"phone": "+44.7700.900123"}, {"name": "x" * 120}, {"anything": "else"}),
    ],
    ids=str,
)
def test_takes_what_the_server_takes(change: dict[str, Any]) -> None:
    body = GOOD | change

    assert fits(body, "LeadInput")
    assert Backend(make_workspace(), mode="test").post(body).status_code == 201


def test_every_answer_has_a_shape_its_headers_and_a_true_word_on_ok() -> None:
    document = describe_api()
    for path in document["paths"].values():
        for operation in path.values():
            statuses = set(operation["responses"])
            assert {"401", "429", "500", "503"} <= statuses, operation["operationId"]
            for status, response in operation["responses"].items():
                assert "X-Request-Id" in response["headers"]
                assert ("content" in response) is (status not in {"204", "304"}), (operation["operationId"], status)
                assert ("Retry-After" in response["headers"]) is (status in {"409", "429", "503"})
    oks = {
        name: s["properties"]["ok"]["const"]
        for name, s in document["components"]["schemas"].items()
        if "ok" in s.get("properties", {})
    }
    assert oks.pop("ErrorShape") is False
    assert set(oks.values()) == {True}


def test_bounds_the_limit() -> None:
    parameters = describe_api()["paths"]["/api/public/leads"]["get"]["parameters"]

    limit = next(each["schema"] for each in parameters if each["name"] == "limit")

    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100, 25)


@pytest.mark.parametrize("status", list(CREATE_LEAD))
def test_its_examples_fit_its_shapes(status: str) -> None:
    shape = "LeadAccepted" if status == "201" else "ErrorShape"

    assert all(fits(example, shape) for example in CREATE_LEAD[status].values())
    assert set(CREATE_LEAD) == set(describe_api()["paths"]["/api/public/leads"]["post"]["responses"])


@pytest.mark.django_db
class TestExamplesAreAnswers:
    """What can be had without breaking anything is what the server answers, to the letter."""

    def check(self, status: str, name: str, answer: Any, **own: Any) -> None:
        assert answer.status_code == int(status)
        assert answer.json() == CREATE_LEAD[status][name] | own

    def test_refusals(self) -> None:
        backend = Backend(make_workspace(), mode="live")
        self.check("400", "values", backend.post({key: GOOD[key] for key in ("phone", "consent")}))
        self.check("400", "consent", backend.post(GOOD | {"consent": False}))
        self.check("400", "not JSON", backend.post(""))
        self.check("413", "too large", backend.post(GOOD | {"goal": "x" * 140_000}))
        self.check("401", "key", Backend(backend.workspace, key="ck_live_" + "0" * 32).post(GOOD))
        lead = make_lead(backend.workspace, phone=GOOD["phone"])
        self.check("409", "known phone", backend.post(GOOD), leadId=str(lead.pk))
        backend.post("{}", Idempotency_Key="one")
        self.check("422", "key of another body", backend.post(GOOD, Idempotency_Key="one"))

    def test_accepted(self) -> None:
        whatsapp = Backend(make_workspace(channel="whatsapp"))
        self.check("201", "WhatsApp", whatsapp.post(GOOD), leadId=str(Lead.objects.get().pk))
        paused = Backend(make_workspace(agent_enabled=False))
        answer = paused.post(GOOD)
        self.check("201", "nobody is contacted", answer, leadId=answer.json()["leadId"])
