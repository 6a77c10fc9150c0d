"""What became of a call whose answer was lost."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.db import connection

from conftest import NOW, make_dispatch, make_lead
from leads.channels import Order, get_channel
from leads.models import Dispatch
from providers.errors import OutcomeUnknown, ProviderError
from voice.models import CallSession
from voice.tests.factories import CALL_ID, CALL_URL, make_order
from workspaces.models import Integration

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return make_order(make_dispatch(make_lead(), status="sending"))


def call_at(second: int, **more: Any) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    return {"id": f"call-{second}", "createdAt": at, "status": "ringing"} | more


def ours(order: Order) -> dict[str, Any]:
    return {"assistantOverrides": {"metadata": {"coachbotDispatchId": str(order.dispatch_id)}}}


@responses.activate
def test_finds_its_call_by_our_id_among_others_to_the_same_phone(order: Order) -> None:
    same_phone = {"customer": {"number": order.phone}}
    responses.get(CALL_URL, json=[call_at(9, **same_phone), call_at(1, **ours(order)), call_at(0)])
    sent = get_channel("voice").find(order)
    assert sent is not None
    assert (sent.reference, sent.details) == ("call-1", {"vapi_status": "ringing"})
    assert responses.calls[0].request.url == f"{CALL_URL}?createdAtGe=2026-06-07T12%3A48%3A37.162Z&limit=100"


@responses.activate
def test_finds_its_call_by_name_where_the_list_shows_no_metadata(order: Order) -> None:
    responses.get(CALL_URL, json=[call_at(1, name=f"cb_{order.dispatch_id.hex}")])
    sent = get_channel("voice").find(order)
    assert sent is not None
    assert sent.reference == "call-1"


@responses.activate
def test_never_takes_a_call_for_its_own_by_the_phone_alone(order: Order) -> None:
    stranger = {"customer": {"number": order.phone, "externalId": str(order.lead_id)}}
    other = {"name": f"cb_{order.dispatch_id.hex}", "assistantOverrides": {"metadata": {"coachbotDispatchId": "x"}}}
    responses.get(CALL_URL, json=[call_at(1, **stranger), call_at(2, **other)])
    assert get_channel("voice").find(order) is None


@responses.activate
@pytest.mark.parametrize("newest_first", [True, False])
def test_turns_the_pages_until_all_were_seen(order: Order, newest_first: bool) -> None:
    calls = [call_at(second) for second in range(250)]
    calls[3 if newest_first else 247] |= ours(order)

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        low, high = request.params.get("createdAtGe", ""), request.params.get("createdAtLe", "9")
        found = [call for call in calls if low <= call["createdAt"].replace("000Z", "Z") <= high]
        return 200, {}, json.dumps((found[::-1] if newest_first else found)[:100])

    responses.add_callback("GET", CALL_URL, answer)
    sent = get_channel("voice").find(order)
    assert sent is not None
    assert sent.reference == ("call-3" if newest_first else "call-247")
    assert len(responses.calls) == 3


@responses.activate
def test_does_not_say_no_before_it_saw_every_page(order: Order) -> None:
    responses.get(CALL_URL, json=[call_at(1)] * 100)
    with pytest.raises(OutcomeUnknown):
        get_channel("voice").find(order)


@responses.activate
def test_a_call_that_was_blocked_was_never_made(order: Order) -> None:
    blocked = {"status": "ended", "endedReason": "call.start.error-subscription-concurrency-limit-reached"}
    responses.get(CALL_URL, json=[call_at(1, **ours(order), **blocked)])
    assert get_channel("voice").find(order) is None


@responses.activate
@pytest.mark.parametrize(
    "reason",
    [
        "call.start.error-subscription-concurrency-limit-reached",
        "call.start.error-vapifault-database-error",
        "twilio-failed-to-connect-call",
    ],
)
def test_steps_over_an_earlier_try_that_never_came_about(order: Order, reason: str) -> None:
    earlier = call_at(0, status="ended", endedReason=reason, **ours(order))
    responses.get(CALL_URL, json=[earlier, call_at(1, **ours(order))])
    sent = get_channel("voice").find(order)
    assert sent is not None
    assert sent.reference == "call-1"


@responses.activate
@pytest.mark.parametrize(
    "ended",
    [
        {"endedReason": "call.start.error-subscription-frozen"},
        {"endedReason": "customer-did-not-answer"},
        {"endedReason": "twilio-failed-to-connect-call", "startedAt": "2026-06-07T13:04:00.000Z"},
        {},
    ],
)
def test_a_call_that_may_have_rung_or_is_not_to_be_tried_again_is_found(order: Order, ended: dict[str, str]) -> None:
    responses.get(CALL_URL, json=[call_at(1, status="ended", **ended, **ours(order))])
    sent = get_channel("voice").find(order)
    assert sent is not None
    assert sent.reference == "call-1"


@responses.activate
def test_turns_pages_for_a_limited_time_and_then_does_not_say_no(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.channel.SEARCH_WITHIN_S", -1.0, raising=False)
    responses.get(CALL_URL, json=[call_at(second) for second in range(200, 100, -1)])
    responses.get(CALL_URL, json=[call_at(1, **ours(order))])
    with pytest.raises(OutcomeUnknown):
        get_channel("voice").find(order)
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize("status", [401, 403, 429, 500, 502])
def test_being_refused_a_look_is_not_a_no(order: Order, status: int) -> None:
    responses.get(CALL_URL, status=status, body=b"no")
    with pytest.raises(ProviderError):
        get_channel("voice").find(order)


@responses.activate
def test_a_disconnected_account_cannot_be_asked(order: Order) -> None:
    Integration.objects.all().delete()
    with pytest.raises(OutcomeUnknown):
        get_channel("voice").find(order)


@responses.activate
def test_confirming_twice_or_after_a_webhook_keeps_one_session(order: Order, django_assert_num_queries: Any) -> None:
    responses.post(CALL_URL, json={"id": CALL_ID, "status": "queued"}, status=201)
    channel = get_channel("voice")
    sent = channel.send(order)
    channel.confirm([(order, sent)], now=NOW)
    CallSession.objects.update(vapi_status="ringing")
    others = [make_order(make_dispatch(make_lead(), status="sending"), is_test=True) for _ in range(9)]
    # A prepared statement goes past Django's count, on PostgreSQL.
    with django_assert_num_queries(0 if connection.vendor == "postgresql" else 1):
        channel.confirm([(order, sent), *((other, channel.send(other)) for other in others)], now=NOW)
    session = CallSession.objects.get(vapi_call_id=CALL_ID)
    assert (session.vapi_status, session.status, session.lead_id) == ("ringing", "in_progress", order.lead_id)
    assert CallSession.objects.count() == 10
    assert Dispatch.objects.get(pk=order.dispatch_id).status == "sending"
