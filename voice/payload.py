"""What we ask of Vapi: the body of POST /call."""

from typing import Any

from django.conf import settings

from agents.prompt import one_line, variable_values
from leads.channels import Order
from leads.wording import answers_in_words
from voice.account import Caller

# Vapi's validator refuses longer ones; the full values stand in the variables.
MAX_CHARS = 40
SERVER_TIMEOUT_S = 20
BACKOFF_PLAN = {"type": "exponential", "maxRetries": 5, "baseDelaySeconds": 2}
SERVER_MESSAGES = ["status-update", "end-of-call-report", "hang"]
DISPATCH_KEY = "coachbotDispatchId"
NAME_PREFIX = "cb_"


def call_name(order: Order) -> str:
    """Return the name that a call carries at Vapi: ours, and short enough for its limit."""
    return f"{NAME_PREFIX}{order.dispatch_id.hex}"


def call_payload(order: Order, caller: Caller) -> dict[str, Any]:
    """Build the body of POST /call. Only keys that Vapi's whitelist has: it refuses any other."""
    payload: dict[str, Any] = {
        "name": call_name(order),
        "assistantId": caller.assistant_id,
        "customer": _customer(order),
        "assistantOverrides": {
            "variableValues": variable_values(
                order, answers=answers_in_words(order), business=caller.business, now=order.claimed_at
            ),
            "metadata": {
                DISPATCH_KEY: str(order.dispatch_id),
                "leadId": str(order.lead_id),
                "workspaceId": str(order.workspace_id),
            },
            "server": {
                "url": f"{settings.PUBLIC_BASE_URL}/api/vapi/{order.workspace_id}/events",
                "timeoutSeconds": SERVER_TIMEOUT_S,
                "headers": {"X-Vapi-Secret": caller.webhook_secret},
                "backoffPlan": BACKOFF_PLAN,
            },
            "serverMessages": SERVER_MESSAGES,
        },
    }
    if caller.phone_number_id:
        payload["phoneNumberId"] = caller.phone_number_id
    return payload


def _customer(order: Order) -> dict[str, str]:
    customer = {
        "number": order.phone,
        "name": one_line(order.name)[:MAX_CHARS],
        "externalId": str(order.lead_id),
    }
    # Cut, it would be somebody else's address.
    if order.email and len(order.email) <= MAX_CHARS:
        customer["email"] = order.email
    return {key: value for key, value in customer.items() if value}
