"""What the serializers can't say of the API: constants, patterns, headers and examples of createLead's answers."""

from collections.abc import Iterator
from typing import Any

from leads.read import DEFAULT_LIMIT, MAX_LIMIT
from leads.validation import EMAIL_MAX, METADATA_KEYS

Document = dict[str, Any]
LEAD_ID = "8f14e45f-ceea-467f-9d2b-1c8f3a0b6d52"
CALL_ID = "019d2ad0-6eb1-7aac-9377-0fc25d8bc1ad"
_VAPI_WORDS = "Vapi /call failed (400): customer.number must be a valid phone number in E.164 format."
# Status → name → body. Tests hold each against the schema and against what the server answers.
CREATE_LEAD: dict[str, dict[str, dict[str, Any]]] = {
    "201": {
        "voice": {"ok": True, "leadId": LEAD_ID, "status": "in_progress", "vapiCallId": CALL_ID, "callQueued": True},
        "voice, outcome not known yet": {
            **{"ok": True, "leadId": LEAD_ID, "status": "in_progress", "vapiCallId": None, "callQueued": True}
        },
        "WhatsApp": {"ok": True, "leadId": LEAD_ID, "status": "new", "messageQueued": True},
        "nobody is contacted": {"ok": True, "leadId": LEAD_ID, "status": "new", "callQueued": False},
    },
    "400": {
        "values": {
            "ok": False,
            "error": "Validation failed.",
            "issues": [{"path": ["name"], "message": "This field is required."}],
        },
        "consent": {
            "ok": False,
            "error": "`consent` must be true.",
            "issues": [{"path": ["consent"], "message": "`consent` must be true."}],
        },
        "not JSON": {
            **{"ok": False, "error": "Request body must be valid JSON."},
            "message": "The body is empty.",
        },
    },
    "401": {"key": {"ok": False, "error": "API key is invalid or revoked."}},
    "409": {
        "known phone": {
            "ok": False,
            "error": "duplicate_phone",
            "message": "A lead with this phone number already exists in the workspace.",
            "leadId": LEAD_ID,
        },
        "still running": {
            "ok": False,
            "error": "idempotency_in_progress",
            "message": "The first request with this Idempotency-Key is still running.",
        },
    },
    "413": {
        "too large": {"ok": False, "error": "payload_too_large", "message": "The request body is larger than 128 kB."}
    },
    "422": {
        "key of another body": {
            "ok": False,
            "error": "idempotency_key_reused",
            "message": "This Idempotency-Key was used with a different request body.",
        }
    },
    "429": {"a minute": {"ok": False, "error": "Rate limit exceeded. Wait a minute before retrying."}},
    "500": {
        "crash": {
            "ok": False,
            "error": "internal_error",
            "message": "Something went wrong on our side. It has been logged.",
        }
    },
    "502": {"refused": {"ok": False, "error": "voice_dispatch_failed", "message": _VAPI_WORDS}},
    "503": {"away": {"ok": False, "error": "unavailable"}},
}
_TEXT = {"type": "string"}
_HEADERS = {
    "X-Request-Id": {"description": "Names the request in our log; tell it to support.", "schema": _TEXT},
    "RateLimit": {"description": "What is left in each window, as the IETF draft writes it.", "schema": _TEXT},
    "RateLimit-Policy": {"description": "The windows of the key.", "schema": _TEXT},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    "Idempotency-Replayed": {"description": "`true` on an answer that was given before.", "schema": _TEXT},
}
_RETRIED = frozenset({"409", "429", "503"})
_REPLAYED = frozenset({"201", "400", "409", "413"})


def complete(document: Document) -> Document:
    """Make the document as strict as the server, in place, and return it."""
    schemas = document["components"]["schemas"]
    _tighten_shapes(schemas)
    _tighten_lead(schemas["LeadInput"]["properties"])
    for path in document["paths"].values():
        for operation in path.values():
            _bound_parameters(operation)
            for status, response in operation["responses"].items():
                response["headers"] = _headers_of(status, operation["operationId"])
    create = document["paths"]["/api/public/leads"]["post"]["responses"]
    for status, examples in CREATE_LEAD.items():
        content = create[status]["content"]["application/json"]
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return document


def _tighten_shapes(schemas: Document) -> None:
    for name, schema in schemas.items():
        if "ok" in schema.get("properties", {}):
            schema["properties"]["ok"] = {"type": "boolean", "const": name != "ErrorShape"}
    for schema in _each_schema(schemas):
        # What may be anything may be null; said twice, null would fit neither.
        if schema.get("additionalProperties") == {"oneOf": [{}, {"type": "null"}]}:
            schema["additionalProperties"] = {}


def _tighten_lead(fields: Document) -> None:
    fields["name"] |= {"minLength": 1}
    fields["phone"] |= {"pattern": r"^[0-9+ ().\-]+$"}
    fields["consent"] |= {"const": True}
    address = {"type": "string", "format": "email", "maxLength": EMAIL_MAX}
    fields["email"] = {"anyOf": [address, {"type": "string", "const": ""}, {"type": "null"}]}
    fields["metadata"] |= {"maxProperties": METADATA_KEYS}


def _bound_parameters(operation: Document) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "limit":
            parameter["schema"] |= {"minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        if parameter["name"] == "Idempotency-Key":
            parameter["schema"] |= {"minLength": 1, "maxLength": 255}


def _headers_of(status: str, operation_id: str) -> Document:
    names = ["X-Request-Id"]
    if status not in {"401", "500"}:
        names += ["RateLimit", "RateLimit-Policy"]
    if status in _RETRIED:
        names.append("Retry-After")
    if operation_id == "createLead" and status in _REPLAYED:
        names.append("Idempotency-Replayed")
    return {name: _HEADERS[name] for name in names}


def _each_schema(value: Any) -> Iterator[Document]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _each_schema(inner)
