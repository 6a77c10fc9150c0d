"""A message in the shapes Twilio shows it: API, status callback, inbound webhook."""

import json
import uuid
from datetime import UTC, datetime

from simulators.clock import rfc2822
from simulators.replies import JsonDict
from simulators.state import Message

SANDBOX = "whatsapp:+14155238886"


def new_message(
    *,
    account_sid: str,
    auth_token: str,
    direction: str,
    sender: str | None,
    to: str,
    body: str | None,
    sid: str | None = None,
) -> Message:
    """A queued message in the shape of the API, dated now."""
    sid = sid or f"SM{uuid.uuid4().hex}"
    now = datetime.now(UTC)
    uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{sid}"
    data = {
        "sid": sid,
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "status": "queued",
        "direction": direction,
        "from": sender,
        "to": to,
        "body": body,
        "num_segments": "1",
        "num_media": "0",
        "price": None,
        "price_unit": None,
        "error_code": None,
        "error_message": None,
        "messaging_service_sid": None,
        "date_created": rfc2822(now),
        "date_updated": rfc2822(now),
        "date_sent": None,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }
    return Message(data=data, created=now.replace(microsecond=0), auth_token=auth_token)


def callback_params(message: Message, status: str) -> dict[str, str]:
    """The form of a status callback."""
    data = message.data
    to = data["to"].removeprefix("whatsapp:")
    params = {
        "MessageSid": data["sid"],
        "SmsSid": data["sid"],
        "MessageStatus": status,
        "SmsStatus": status,
        "AccountSid": data["account_sid"],
        "ApiVersion": "2010-04-01",
        "From": data["from"] or SANDBOX,
        "To": data["to"],
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": f"{to[:-4]}XXXX",
        "ChannelInstallSid": "XE" + "0" * 32,
    }
    if status in ("delivered", "read"):
        params["EventType"] = status.upper()
    if data["error_code"]:
        params |= {"ErrorCode": str(data["error_code"]), "ErrorMessage": data["error_message"]}
    return params


def inbound_params(data: JsonDict) -> dict[str, str]:
    """The form of an inbound text message."""
    wa_id = data["from"].removeprefix("whatsapp:+")
    context = {"ProfileName": "Ada", "WaId": wa_id}
    return {
        "MessageSid": data["sid"],
        "SmsMessageSid": data["sid"],
        "SmsSid": data["sid"],
        "SmsStatus": "received",
        "AccountSid": data["account_sid"],
        "ApiVersion": "2010-04-01",
        "From": data["from"],
        "To": data["to"],
        "WaId": wa_id,
        "ProfileName": "Ada",
        "MessageType": "text",
        "Body": data["body"],
        "NumMedia": "0",
        "NumSegments": "1",
        "ReferralNumMedia": "0",
        "ChannelMetadata": json.dumps({"type": "whatsapp", "data": {"context": context}}),
        "ExternalUserId": f"whatsapp:US.{wa_id}",
    }
