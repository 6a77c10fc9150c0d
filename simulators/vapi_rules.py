"""What Vapi's validator says about the body of POST /call."""

import re
from typing import Any

from simulators.clock import parse_moment
from simulators.replies import JsonDict, names

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
E164 = re.compile(r"\+[1-9]\d{6,14}")
LOOSE_NUMBER = re.compile(r"\+?[a-zA-Z0-9]+")

CALL_KEYS = names("""
    assistantId assistant assistantVersion assistantOverrides squadId squad squadVersion squadOverrides workflowId
    workflow workflowOverrides phoneNumberId phoneNumber customerId customer customers name schedulePlan
    transport""")
CUSTOMER_KEYS = names("number name email externalId extension numberE164CheckEnabled sipUri assistantOverrides")
OVERRIDE_KEYS = names("""
    transcriber model voice firstMessage firstMessageInterruptionsEnabled firstMessageMode voicemailDetection
    clientMessages serverMessages maxDurationSeconds backgroundSound modelOutputInMessagesEnabled
    transportConfigurations observabilityPlan credentials hooks tools:append variableValues name voicemailMessage
    endCallMessage endCallPhrases compliancePlan metadata backgroundSpeechDenoisingPlan analysisPlan artifactPlan
    startSpeakingPlan stopSpeakingPlan monitorPlan credentialIds server keypadInputPlan silenceTimeoutSeconds
    backgroundDenoisingEnabled""")
SERVER_KEYS = names("url timeoutSeconds headers backoffPlan credentialId staticIpAddressesEnabled encryptedPaths")
BACKOFF_KEYS = names("type maxRetries baseDelaySeconds excludedStatusCodes")
SCHEDULE_KEYS = frozenset(("earliestAt", "latestAt"))
SERVER_MESSAGES = names("""
    assistant.started assistant.speechStarted conversation-update end-of-call-report function-call hang
    language-changed language-change-detected model-output phone-call-control speech-update status-update transcript
    transcript[transcriptType="final"] tool-calls transfer-destination-request handoff-destination-request
    transfer-update user-interrupted voice-input chat.created chat.deleted session.created session.updated
    session.deleted call.deleted call.delete.failed call.artifact.upload""")
E164_PROBLEM = (
    "customer.number must be a valid phone number in the E.164 format. "
    "Hot tip, you may be missing the country code (Eg. US: +1)."
)
NO_ASSISTANT = "Couldn't Get Assistant. Need Either `assistantId`, `assistant`, `squadId` Or `squad`."
NO_PHONE_NUMBER = "Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`."
NO_CUSTOMER = "Couldn't Get Customer. Need Either `customerId` Or `customer`."


def problems_of(body: Any) -> list[str]:
    """All that is wrong with the body of POST /call, in the provider's words; [] when it may be dialled."""
    if not isinstance(body, dict):
        return ["body must be an object"]
    problems = [f"property {key} should not exist" for key in body if key not in CALL_KEYS]
    _check_text(problems, body, "name", 40)
    _check_id(problems, body, "assistantId", NO_ASSISTANT, instead=("assistant", "squadId", "squad", "workflowId"))
    _check_id(problems, body, "phoneNumberId", NO_PHONE_NUMBER, instead=("phoneNumber",))
    _check_customer(problems, body)
    overrides = _object(problems, body, "assistantOverrides", OVERRIDE_KEYS)
    if overrides is not None:
        _check_overrides(problems, overrides)
    if "schedulePlan" in body:
        _check_schedule(problems, body)
    return problems


def message_of(problems: list[str]) -> str | list[str]:
    """One failed lookup is told as a string, everything else as a list."""
    lookups = (NO_ASSISTANT, NO_PHONE_NUMBER, NO_CUSTOMER)
    return problems[0] if len(problems) == 1 and problems[0] in lookups else problems


def _object(
    problems: list[str], parent: JsonDict, key: str, allowed: frozenset[str], prefix: str = ""
) -> JsonDict | None:
    value = parent.get(key)
    if value is None:
        return None
    if not isinstance(value, dict):
        problems.append(f"{prefix}{key} must be an object")
        return None
    problems += [f"{prefix}{key}.property {name} should not exist" for name in value if name not in allowed]
    return value


def _check_text(problems: list[str], parent: JsonDict, key: str, limit: int, prefix: str = "") -> None:
    value = parent.get(key)
    if value is None:
        return
    if not isinstance(value, str):
        problems.append(f"{prefix}{key} must be a string")
    elif len(value) > limit:
        problems.append(f"{prefix}{key} must be shorter than or equal to {limit} characters")


def _check_number(problems: list[str], parent: JsonDict, key: str, low: int, high: int, prefix: str) -> None:
    value = parent.get(key)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.append(f"{prefix}{key} must be a number conforming to the specified constraints")
    elif value < low:
        problems.append(f"{prefix}{key} must not be less than {low}")
    elif value > high:
        problems.append(f"{prefix}{key} must not be greater than {high}")


def _check_id(problems: list[str], body: JsonDict, key: str, missing: str, instead: tuple[str, ...]) -> None:
    value = body.get(key)
    if value is None:
        if not any(body.get(other) for other in instead):
            problems.append(missing)
    elif not isinstance(value, str) or not UUID.fullmatch(value):
        problems.append(f"{key} must be a UUID")


def _check_customer(problems: list[str], body: JsonDict) -> None:
    customer = _object(problems, body, "customer", CUSTOMER_KEYS)
    if customer is None:
        if body.get("customer") is None:
            problems.append(NO_CUSTOMER)
        return
    for key in ("name", "email", "externalId"):
        _check_text(problems, customer, key, 40, "customer.")
    _check_text(problems, customer, "extension", 10, "customer.")
    number = customer.get("number")
    strict = customer.get("numberE164CheckEnabled") is not False
    pattern = E164 if strict else LOOSE_NUMBER
    if not isinstance(number, str) or not 3 <= len(number) <= 40 or not pattern.fullmatch(number):
        problems.append(E164_PROBLEM)


def _check_overrides(problems: list[str], overrides: JsonDict) -> None:
    prefix = "assistantOverrides."
    for key in ("voicemailMessage", "endCallMessage"):
        _check_text(problems, overrides, key, 1000, prefix)
    _check_number(problems, overrides, "maxDurationSeconds", 10, 43_200, prefix)
    for key in ("variableValues", "metadata"):
        if key in overrides and not isinstance(overrides[key], dict):
            problems.append(f"{prefix}{key} must be an object")
    wanted = overrides.get("serverMessages", [])
    if not isinstance(wanted, list) or any(str(kind) not in SERVER_MESSAGES for kind in wanted):
        problems.append(f"each value in {prefix}serverMessages must be one of the known server messages")
    server = _object(problems, overrides, "server", SERVER_KEYS, prefix)
    if server is not None:
        _check_server(problems, server, f"{prefix}server.")


def _check_server(problems: list[str], server: JsonDict, prefix: str) -> None:
    url = server.get("url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        problems.append(f"{prefix}url must be a URL address")
    headers = server.get("headers", {})
    if not isinstance(headers, dict) or any(not isinstance(value, str) for value in headers.values()):
        problems.append(f"{prefix}headers must be an object of strings")
    _check_number(problems, server, "timeoutSeconds", 1, 300, prefix)
    plan = _object(problems, server, "backoffPlan", BACKOFF_KEYS, prefix)
    if plan is not None:
        _check_number(problems, plan, "maxRetries", 0, 10, f"{prefix}backoffPlan.")
        _check_number(problems, plan, "baseDelaySeconds", 0, 10, f"{prefix}backoffPlan.")


def _check_schedule(problems: list[str], body: JsonDict) -> None:
    plan = _object(problems, body, "schedulePlan", SCHEDULE_KEYS)
    if plan is None:
        return
    if parse_moment(plan.get("earliestAt")) is None:
        problems.append("schedulePlan.earliestAt must be a valid ISO 8601 date string")
    if plan.get("latestAt") is not None and parse_moment(plan["latestAt"]) is None:
        problems.append("schedulePlan.latestAt must be a valid ISO 8601 date string")
