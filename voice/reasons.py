"""Vapi's reasons for the end of a call: what each means, and what an operator can do about it.

The set is open and holds some 600. Rules for their kinds, first match wins; `voice/tests/ended_reasons.tsv` holds every
documented one. Sources: docs.vapi.ai, calls/call-ended-reason and calls/troubleshoot-call-errors; the enumeration of
`endedReason` in Vapi's API description.
"""

import re

from voice.models import CallSession

Outcome = CallSession.Outcome

# `vapifault` is Vapi's own failure, `providerfault` that of the model, voice or transcriber behind it; `pipeline-error`
# is the older word for either, where it may also be a key of the customer's at that provider.
_ANY = r"(pipeline-error|call\.in-progress\.error-(vapifault|providerfault))-"
_OWN_KEY = r"pipeline-error-(?!vapi-)"
# The assistant asks for a model, voice or transcriber that can't be had: no time makes it better.
_SET_UP_WRONG = (
    r"400-bad-request-validation-failed|returning-400-(no-such|paid-only).*|returning-404-.*"
    r"|returning-500-(invalid-schema|word-boost-parsing-failed)|transcriber-invalid-config"
    r"|voice-(not-found|not-fine-tuned.*|must-be-.*|disabled-by-owner|not-allowed-for-free-users)"
    r"|invalid-(voice|voice-samples|emotion)|missing-samples-.*|max-character-limit-exceeded|professional-voices-only-.*"
    r"|blocked-(content|voice|using-instant-voice-clone)-.*"
)
_KEY_REFUSED = (
    r"(returning-)?40[13]-.*|transcriber-(auth-failed|api-key-missing)|invalid-api-key|unauthorized-.*"
    r"|429-exceeded-quota|quota-exceeded|out-of-credits|requested-payment|returning-400-insufficent-funds"
    r"|blocked-(free-plan|account-in-probation).*"
)
_RULES: tuple[tuple[Outcome, str], ...] = (
    (
        Outcome.TRANSFERRED,
        r"assistant-forwarded-call|customer-ended-call-.*transfer.*|call\.forwarding\..*"
        r"|call\.in-progress\.error-(warm-)?transfer-.*|call\.(ringing|ending)\.hook-executed-transfer",
    ),
    (
        Outcome.COMPLETED,
        r"assistant-ended-call(-.*)?|assistant-said-end-call-phrase|customer-ended-call(-.*)?|exceeded-max-duration"
        r"|silence-timed-out|call\.in-progress\.(twilio|sip)-completed-call|vonage-completed"
        r"|call\.in-progress\.error-assistant-did-not-receive-customer-audio|call\.(ringing|ending)\.hook-executed-say",
    ),
    (
        Outcome.NO_ANSWER,
        r"customer-did-not-answer|customer-busy|call\.in-progress\.error-providerfault-outbound-sip-(408|480)-.*"
        r"|call\.ringing\.sip-inbound-caller-hungup-before-call-connect|customer-did-not-give-microphone-permission",
    ),
    (Outcome.VOICEMAIL, r"voicemail"),
    (Outcome.INVALID_NUMBER, r"twilio-reported-customer-misdialed|sip-outbound-unallocated-number"),
    (
        Outcome.ACCOUNT,
        r"assistant-not-(found|valid)|assistant-request-.*|call-start-error-neither-assistant-nor-server-set"
        r"|call\.start\.(assistant|squad)-version-error-.*|call\.start\.error-(get|vapi-number|enterprise-feature)-.*"
        r"|call\.start\.error-subscription-(frozen|insufficient-credits|wallet-does-not-exist|upgrade-failed)"
        r"|call\.start\.error-fraud-check-failed|phone-call-provider-bypass-enabled-but-no-call-received"
        r"|vonage-rejected|call\.in-progress\.error-providerfault-outbound-sip-40[37]-.*"
        r"|call\.in-progress\.error-configfault-.*|(call\.in-progress\.error-)?pipeline-no-available-llm-model"
        r"|call\.in-progress\.error-pipeline-ws-model-connection-failed",
    ),
    (Outcome.ACCOUNT, rf"{_ANY}.*?({_SET_UP_WRONG})|{_OWN_KEY}.*?({_KEY_REFUSED})"),
    (
        Outcome.TRANSIENT,
        r"call\.start\.error-subscription-concurrency-limit-reached|call\.start\.error-vapifault-.*"
        r"|call\.in-progress\.error-(vapifault|providerfault)-.*|pipeline-error-.*|.*-(llm|voice|transcriber)-failed"
        r"|worker-shutdown|phone-call-provider-closed-websocket|(twilio|vonage)-failed-to-connect-call"
        r"|vonage-disconnected|sip-outbound-carrier-released-call|assistant-join-timed-out|database-error"
        r"|call\.(in-progress|ringing)\.error-sip-.*failed-to-connect.*",
    ),
    (Outcome.CANCELLED, r"manually-canceled|scheduled-call-deleted|call-deleted"),
)
_COMPILED = tuple((outcome, re.compile(rule)) for outcome, rule in _RULES)
# The phone can't have rung.
_never_dialled = re.compile(r"call\.start\..*|(twilio|vonage)-failed-to-connect-call").fullmatch
# Nor has it, unless we were told that it did.
_not_connected = re.compile(
    r"call\.in-progress\.error-(vapifault|providerfault)-(transport-never-connected|worker-not-available)"
    r"|call\.in-progress\.error-sip-(outbound-call|telephony-provider)-failed-to-connect.*"
    r"|call\.in-progress\.error-providerfault-outbound-sip-503-.*"
).fullmatch
# Faults of the account that keep a call from ringing at all: one that rings proves them mended.
_before_ringing = re.compile(
    r"http-.*|call[.-]start.*|assistant-.*|phone-call-provider-.*|vonage-.*|.*-outbound-sip-.*"
).fullmatch
# Somebody picked up, and nothing was heard of them.
SILENCES = frozenset({"silence-timed-out", "call.in-progress.error-assistant-did-not-receive-customer-audio"})
# The lead was to be put through to a person, and as far as is known was not.
_not_put_through = re.compile(
    r"call\.forwarding\..*|call\.in-progress\.error-(warm-)?transfer-.*|customer-ended-call-.*transfer.*"
).fullmatch
LINES_BUSY = "call.start.error-subscription-concurrency-limit-reached"

# What an operator is told to do about a reason: the first whose pattern is found in it.
_ADVICE: tuple[tuple[str, str], ...] = (
    (r"insufficient-credits", "The Vapi account has run out of credits: top it up or switch on auto-reload."),
    (r"wallet|upgrade-failed", "The Vapi account has no way of paying: add one under Billing in Vapi."),
    (r"frozen", "The Vapi account is frozen: see Billing in Vapi."),
    (r"outbound-daily-limit", "Numbers bought at Vapi may make few calls per day: import a number of your own."),
    (r"vapi-number-international", "Numbers bought at Vapi can't call abroad: import a number of your own."),
    (r"fraud-check", "Vapi's fraud check stopped the call: ask Vapi's support."),
    (r"enterprise-feature", "The Vapi plan lacks a feature that the assistant uses: switch it off."),
    (
        r"assistant-request",
        "The server URL of the assistant or number gave Vapi no assistant: choose an assistant for it in Vapi.",
    ),
    (
        r"assistant-not|version-error|neither-assistant",
        "The assistant chosen in settings doesn't exist at Vapi or isn't valid: choose another.",
    ),
    (
        r"error-get-|bypass-enabled",
        "Vapi can't find what the call needs (assistant, number or customer): check the ids in settings.",
    ),
    (
        r"outbound-sip-40[37]|vonage-rejected",
        "The phone provider refused the call: check its credentials, its permissions and the caller's number.",
    ),
    (
        r"quota|credits|payment|funds|free-plan|probation",
        "A provider that the assistant uses wants to be paid: check that account, or choose another in Vapi.",
    ),
    (
        r"40[13]|auth|api-key",
        "A provider that the assistant uses refuses its key: check the provider keys in Vapi.",
    ),
    (r"transcriber|deepgram|assembly-ai|soniox", "The assistant's transcriber isn't set up right: see it in Vapi."),
    (r"voice|eleven-labs|playht|emotion", "The assistant's voice can't be used: choose another in Vapi."),
    (r"model|llm|400-bad-request|configfault", "The assistant's model can't be used: choose another in Vapi."),
)


def classify(ended_reason: str) -> CallSession.Outcome:
    """Say what a reason for ending means; `failed` for one that no rule knows."""
    return next((outcome for outcome, rule in _COMPILED if rule.fullmatch(ended_reason)), Outcome.FAILED)


def advise(ended_reason: str) -> str:
    """Say what an operator can do about a reason, "" where nothing is known."""
    return next((text for pattern, text in _ADVICE if re.search(pattern, ended_reason)), "")


def is_never_dialled(ended_reason: str) -> bool:
    """Return whether a reason says that the phone can't have rung."""
    return _never_dialled(ended_reason) is not None


def is_not_connected(ended_reason: str) -> bool:
    """Return whether a reason says that a call was given up before it rang, as far as nobody told of ringing."""
    return is_never_dialled(ended_reason) or _not_connected(ended_reason) is not None


def is_before_ringing(ended_reason: str) -> bool:
    """Return whether a fault of the account keeps calls from ringing at all."""
    return _before_ringing(ended_reason) is not None


def is_not_put_through(ended_reason: str) -> bool:
    """Return whether a lead that was to be put through to a person may not have reached one."""
    return _not_put_through(ended_reason) is not None
