"""What we ask of Vapi, to the letter."""

import json
import uuid
from typing import Any

import pytest
import responses
from django.db import connection

from conftest import make_dispatch, make_integration, make_lead, make_workspace
from leads.channels import get_channel
from providers.errors import OutcomeUnknown, Rejected, Unavailable
from voice.tests.factories import CALL_ID, CALL_URL, make_order, secret_of
from workspaces.models import Integration

pytestmark = pytest.mark.django_db

# The complete lists of keys that Vapi's validator lets through, as far as we use them.
CALL_KEYS = {"name", "assistantId", "phoneNumberId", "customer", "assistantOverrides"}
CUSTOMER_KEYS = {"number", "name", "email", "externalId"}
OVERRIDE_KEYS = {"variableValues", "metadata", "server", "serverMessages"}


def sent_payload(**lead: Any) -> dict[str, Any]:
    workspace = lead.pop("workspace", None) or make_workspace(name="Acme", slug="acme", agent_name="Ava")
    order = make_order(make_dispatch(make_lead(workspace, **lead), status="sending"))
    with responses.RequestsMock() as wire:
        wire.post(CALL_URL, json={"id": CALL_ID, "status": "queued"}, status=201)
        get_channel("voice").send(order)
        return dict(json.loads(wire.calls[0].request.body or b""))


def test_asks_for_the_call_in_these_words() -> None:
    workspace = make_workspace(
        name="Acme",
        slug="acme",
        agent_name="Ava",
        timezone="Europe/London",
        persona="Warm and brief.",
        offer="Coaching",
        pricing="From 500 a month",
        qualification_criteria="Owners only",
    )
    lead = make_lead(
        workspace,
        name="Jane Doe",
        phone="+447123456789",
        email="jane@acme.com",
        goal="More sales",
        metadata={"companyName": "Acme Corp", "utm source": "x", "n": 3, "none": None, "empty": ""},
        form_responses={"q_abc123": "5-10k"},
    )
    dispatch = make_dispatch(lead, status="sending")
    with responses.RequestsMock() as wire:
        wire.post(CALL_URL, json={"id": CALL_ID, "status": "queued"}, status=201)
        sent = get_channel("voice").send(make_order(dispatch))
        request = wire.calls[0].request
    assert sent.reference == CALL_ID
    assert request.headers["Authorization"] == "Bearer vapi-private-0123456789"
    assert json.loads(request.body or b"") == {
        "name": f"cb_{dispatch.pk.hex}",
        "assistantId": "7d9b6c1e-3a52-4f0e-9c44-0a8f6a2b1c10",
        "phoneNumberId": "b1f0c7aa-8f7d-4a0f-9a3c-52f6c1d2e3f4",
        "customer": {
            "number": "+447123456789",
            "name": "Jane Doe",
            "email": "jane@acme.com",
            "externalId": str(lead.pk),
        },
        "assistantOverrides": {
            "variableValues": {
                "leadName": "Jane Doe",
                "leadFirstName": "Jane",
                "leadPhone": "+447123456789",
                "leadEmail": "jane@acme.com",
                "leadGoal": "More sales",
                "leadMetadata": "companyName: Acme Corp\nutm source: x\nn: 3",
                "formResponses": "q_abc123: 5-10k",
                "businessName": "Acme",
                "agentName": "Ava",
                "currentTime": "Sunday, June 7, 2026, 02:03 PM (Europe/London)",
                "persona": "Warm and brief.",
                "offer": "Coaching",
                "pricing": "From 500 a month",
                "qualificationCriteria": "Owners only",
                "qualificationFields": "",
                "metadata_companyName": "Acme Corp",
                "metadata_utm_source": "x",
                "metadata_n": "3",
            },
            "metadata": {
                "coachbotDispatchId": str(dispatch.pk),
                "leadId": str(lead.pk),
                "workspaceId": str(workspace.pk),
            },
            "server": {
                "url": f"http://127.0.0.1:8000/api/vapi/{workspace.pk}/events",
                "timeoutSeconds": 20,
                "headers": {"X-Vapi-Secret": secret_of(workspace)},
                "backoffPlan": {"type": "exponential", "maxRetries": 5, "baseDelaySeconds": 2},
            },
            "serverMessages": ["status-update", "end-of-call-report", "hang"],
        },
    }


def test_holds_no_key_that_vapis_whitelist_lacks() -> None:
    payload = sent_payload(email="a@example.com", metadata={"a": 1})
    assert set(payload) <= CALL_KEYS
    assert set(payload["customer"]) <= CUSTOMER_KEYS
    assert set(payload["assistantOverrides"]) <= OVERRIDE_KEYS
    assert all(isinstance(value, str) for value in payload["assistantOverrides"]["variableValues"].values())


def test_stays_within_vapis_limits_and_tells_the_whole_in_the_variables() -> None:
    name, email = "Dr. " + "Jané " * 23 + "D", "a" * 40 + "@example.com"
    payload = sent_payload(name=name, email=email)
    assert payload["customer"]["name"] == name[:40]
    assert "email" not in payload["customer"]
    assert len(payload["name"]) == 35
    variables = payload["assistantOverrides"]["variableValues"]
    assert (variables["leadName"], variables["leadEmail"]) == (name, email)


def test_an_email_of_40_characters_is_kept() -> None:
    email = "a" * 28 + "@example.com"
    assert sent_payload(email=email)["customer"]["email"] == email


@responses.activate
@pytest.mark.parametrize("answer", [{}, {"concurrencyBlocked": False, "remainingConcurrentCalls": 0}])
def test_a_call_that_was_taken_is_sent(answer: dict[str, Any]) -> None:
    responses.post(CALL_URL, json={"id": CALL_ID, "status": "queued", "subscriptionLimits": answer}, status=201)
    sent = get_channel("voice").send(make_order(make_dispatch(make_lead(), status="sending")))
    assert (sent.reference, sent.status_code, sent.details) == (CALL_ID, 201, {"vapi_status": "queued"})


@responses.activate
def test_a_call_that_found_all_lines_busy_is_to_be_tried_later() -> None:
    limits = {"concurrencyBlocked": True, "concurrencyLimit": 10, "remainingConcurrentCalls": 0}
    responses.post(CALL_URL, json={"id": CALL_ID, "status": "queued", "subscriptionLimits": limits}, status=201)
    with pytest.raises(Unavailable) as caught:
        get_channel("voice").send(make_order(make_dispatch(make_lead(), status="sending")))
    assert (caught.value.code, caught.value.retry_after_s) == ("concurrency_blocked", 30)


@responses.activate
def test_a_workspace_without_vapi_is_told_so_and_nothing_is_sent() -> None:
    order = make_order(make_dispatch(make_lead(make_workspace(connected=False)), status="sending"))
    with pytest.raises(Rejected) as caught:
        get_channel("voice").send(order)
    assert caught.value.message == "Vapi /call failed: Vapi is not connected in this workspace."


@responses.activate
def test_credentials_that_cannot_be_decrypted_are_no_crash(caplog: pytest.LogCaptureFixture) -> None:
    order = make_order(make_dispatch(make_lead(), status="sending"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workspaces_integration SET credentials = 'gone:gAAAAA'")
    with pytest.raises(Rejected) as caught:
        get_channel("voice").send(order)
    assert caught.value.message.startswith("Vapi /call failed: the Vapi credentials of this workspace can't be read")
    assert str(order.workspace_id) in caplog.text


@responses.activate
def test_an_integration_without_an_assistant_is_told_so() -> None:
    workspace = make_workspace(connected=False)
    make_integration(workspace, "vapi", credentials={"assistant_id": ""})
    with pytest.raises(Rejected) as caught:
        get_channel("voice").send(make_order(make_dispatch(make_lead(workspace), status="sending")))
    assert "no assistant is chosen" in caught.value.message


@responses.activate
def test_a_test_lead_touches_no_wire() -> None:
    lead = make_lead(make_workspace(connected=False), is_test=True)
    sent = get_channel("voice").send(make_order(make_dispatch(lead, status="sending")))
    assert sent.reference is not None
    assert uuid.UUID(sent.reference).version == 4
    assert len(responses.calls) == 0


@responses.activate
def test_a_disconnected_account_is_not_used_for_longer_than_the_cache_lasts() -> None:
    responses.post(CALL_URL, json={"id": CALL_ID}, status=201)
    order = make_order(make_dispatch(make_lead(), status="sending"))
    get_channel("voice").send(order)
    Integration.objects.filter(workspace_id=order.workspace_id).delete()
    with pytest.raises(Rejected):
        get_channel("voice").send(order)


@responses.activate
def test_an_account_is_read_once_for_many_calls(settings: Any, django_assert_num_queries: Any) -> None:
    settings.VAPI_ACCOUNT_CACHE_S = 60
    responses.post(CALL_URL, json={"id": CALL_ID}, status=201)
    order = make_order(make_dispatch(make_lead(), status="sending"))
    with django_assert_num_queries(1):
        get_channel("voice").send(order)
    with django_assert_num_queries(0):
        get_channel("voice").send(order)


@responses.activate
@pytest.mark.parametrize(("status", "error"), [(400, Rejected), (429, Unavailable), (500, OutcomeUnknown)])
def test_a_failed_call_says_what_was_asked(status: int, error: type[Exception]) -> None:
    responses.post(CALL_URL, status=status, body=b"no")
    order = make_order(make_dispatch(make_lead(), status="sending"))
    with pytest.raises(error) as caught:
        get_channel("voice").send(order)
    assert caught.value.message == f"Vapi /call failed ({status}): no"  # type: ignore[attr-defined]
    assert caught.value.request["customer"]["number"] == order.phone  # type: ignore[attr-defined]
