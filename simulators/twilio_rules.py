"""What Twilio accepts as a message, and its errors."""

import json
import re

from aiohttp import web

from simulators.replies import json_reply

BODY_LIMIT = 1600
ADDRESS = re.compile(r"whatsapp:\+[1-9]\d{6,14}")
CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")
UNSAFE_VARIABLE = re.compile(r"[\n\r\t]| {5,}")
MESSAGES = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    21610: "Attempt to send to unsubscribed recipient",
    21603: "A 'From' phone number is required.",
    21617: "The concatenated message body exceeds the 1600 character limit.",
    21619: "A text message body, media urls or a content sid must be specified.",
    21654: "ContentSid Required",
    21655: "The ContentSid is Invalid",
    21656: "The ContentVariables Parameter is invalid",
    21658: "Parameter exceeded character limit",
    63007: "Twilio could not find a Channel with the specified From address",
    63014: "Message delivery failed: blocked by user action.",
    63015: "Channel Sandbox can only send messages to phone numbers that have joined the Sandbox",
    63016: "Failed to send freeform message because you are outside the allowed window.",
}


def problem(code: int, status: int = 400, message: str | None = None) -> web.Response:
    """An error in Twilio's shape."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    text = message or MESSAGES[code]
    return json_reply({"code": code, "message": text, "more_info": more_info, "status": status}, status)


def form_problem(form: dict[str, str]) -> web.Response | None:
    """The error a form earns, or None when it may be sent."""
    to, sender, service = form.get("To", ""), form.get("From", ""), form.get("MessagingServiceSid")
    if not ADDRESS.fullmatch(to):
        return problem(21211, message=f"The 'To' number {to} is not a valid phone number.")
    if not sender and not service:
        return problem(21603)
    if sender and not ADDRESS.fullmatch(sender):
        return problem(63007)
    return _content_problem(form)


def _content_problem(form: dict[str, str]) -> web.Response | None:
    body, content_sid, variables = form.get("Body"), form.get("ContentSid"), form.get("ContentVariables")
    if not body and not content_sid and not form.get("MediaUrl"):
        return problem(21654 if variables else 21619)
    if body and len(body) > BODY_LIMIT:
        return problem(21617)
    if not content_sid:
        return problem(21654) if variables else None
    if body or form.get("MediaUrl"):
        return problem(21655, message="ContentSid must not be combined with Body or MediaUrl.")
    if not CONTENT_SID.fullmatch(content_sid):
        return problem(21655)
    return _variables_problem(variables) if variables is not None else None


def _variables_problem(variables: str) -> web.Response | None:
    try:
        values = json.loads(variables)
    except ValueError:
        return problem(21656)
    if not isinstance(values, dict):
        return problem(21656)
    for value in values.values():
        if not isinstance(value, str) or not value or UNSAFE_VARIABLE.search(value):
            return problem(21656)
        if len(value) > BODY_LIMIT:
            return problem(21658)
    return None
