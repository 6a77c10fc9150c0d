"""What Vapi's reasons for the end of a call mean."""

import pytest

from voice import outcomes, reasons


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("customer-ended-call", "completed"),
        ("assistant-ended-call", "completed"),
        ("assistant-ended-call-after-message-spoken", "completed"),
        ("assistant-ended-call-with-hangup-task", "completed"),
        ("assistant-said-end-call-phrase", "completed"),
        ("exceeded-max-duration", "completed"),
        ("silence-timed-out", "completed"),
        ("call.in-progress.twilio-completed-call", "completed"),
        ("vonage-completed", "completed"),
        ("assistant-forwarded-call", "transferred"),
        ("customer-ended-call-after-warm-transfer-attempt", "transferred"),
        ("call.forwarding.operator-busy", "transferred"),
        ("customer-did-not-answer", "no_answer"),
        ("customer-busy", "no_answer"),
        ("voicemail", "voicemail"),
        ("twilio-reported-customer-misdialed", "invalid_number"),
        ("assistant-not-found", "account"),
        ("assistant-not-valid", "account"),
        ("call-start-error-neither-assistant-nor-server-set", "account"),
        ("call.start.error-get-org", "account"),
        ("call.start.error-subscription-frozen", "account"),
        ("call.start.error-subscription-insufficient-credits", "account"),
        ("call.start.error-vapi-number-international", "account"),
        ("call.start.error-vapi-number-outbound-daily-limit", "account"),
        ("call.start.error-fraud-check-failed", "account"),
        ("call.start.error-subscription-concurrency-limit-reached", "transient"),
        ("call.start.error-vapifault-get-assistant", "transient"),
        ("call.in-progress.error-vapifault-worker-died", "transient"),
        ("call.in-progress.error-providerfault-transport-never-connected", "transient"),
        ("pipeline-error-openai-llm-failed", "transient"),
        ("openai-llm-failed", "transient"),
        ("eleven-labs-voice-failed", "transient"),
        ("deepgram-transcriber-failed", "transient"),
        ("worker-shutdown", "transient"),
        ("phone-call-provider-closed-websocket", "transient"),
        ("twilio-failed-to-connect-call", "transient"),
        ("manually-canceled", "cancelled"),
        ("scheduled-call-deleted", "cancelled"),
        ("call-deleted", "cancelled"),
        ("something-vapi-thought-of-yesterday", "failed"),
        ("", "failed"),
    ],
)
def test_every_reason_has_an_outcome(reason: str, outcome: str) -> None:
    assert reasons.classify(reason) == outcome


@pytest.mark.parametrize(
    "reason",
    [
        "call.start.error-subscription-insufficient-credits",
        "call.start.error-vapi-number-outbound-daily-limit",
        "assistant-not-found",
        "call.start.error-get-phone-number",
        "call.start.error-subscription-frozen",
    ],
)
def test_an_operator_is_told_what_to_do(reason: str) -> None:
    text = outcomes.explain(reason)
    assert reason in text
    assert len(text) > len(reason) + 80
