"""Twilio's wire, WhatsApp only: send a message, look for one, check who calls us."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from django.conf import settings

from providers import http
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from webapi.strict_json import read_tolerant

MAX_BODY_CHARS = 1600
MAX_TEMPLATE_CHARS = 1024
LIST_PAGE = 50
MAX_PAGES = 20
# A page of long texts in another script than Latin.
MAX_LIST_BYTES = 1024 * 1024

# What staff can do about a code of https://www.twilio.com/docs/api/errors.
ADVICE = {
    "20003": "Twilio does not accept the credentials. Check account SID and auth token under Integrations.",
    "20404": "Twilio does not know this account. Check the account SID under Integrations.",
    "21211": "This phone number can't be reached by WhatsApp. Contact the lead another way.",
    "21608": "A trial account writes to verified numbers only. Verify the number at Twilio or upgrade the account.",
    "21610": "The lead has opted out of messages from this number.",
    "21617": "The text is too long for WhatsApp.",
    "21656": "The template's variables don't fit. Check the mapping under Integrations.",
    "21658": "The text is too long for WhatsApp.",
    "63007": "The sender is no WhatsApp number of this Twilio account. Check the number under Integrations.",
    "63013": "WhatsApp has stopped this sender for breaking its policy. Look into the Twilio console.",
    "63014": "The lead has blocked messages from this number.",
    "63015": "Twilio's sandbox reaches joined phones only. Send `join <code>` to the sandbox number from that phone.",
    "63016": (
        "WhatsApp takes approved templates only until the lead has written. Enter an approved template's ContentSid "
        "under Integrations."
    ),
    "63018": "WhatsApp limits how much this sender may send. Try again later.",
    "63021": "WhatsApp refused the content, or template and text are longer than 1,024 characters together.",
    "63024": "This phone number is not on WhatsApp. Contact the lead another way.",
    "63049": "WhatsApp chose not to deliver this marketing message. Don't send it again; use a utility template.",
    "63112": "WhatsApp has disabled this sender. Look into the Twilio console.",
    "21408": "The account may not write to this country. Allow it under Messaging → Geo permissions at Twilio.",
    "21606": "The sender can't write to this number. Check the number under Integrations.",
    "21611": "Too many messages wait at Twilio for this sender. Send again later.",
    "21655": "Twilio does not know the template. Check its ContentSid under Integrations.",
    "30001": "Too many messages waited at Twilio. Send again.",
    "30007": "The message was filtered as spam. Change the wording.",
    "63001": "WhatsApp did not accept the sender's credentials. Connect the sender again in the Twilio console.",
    "63003": "This phone number is not on WhatsApp. Contact the lead another way.",
    "63005": "WhatsApp did not accept the content of the message.",
    "63008": "The sender is not set up correctly. Look into the Twilio console.",
    "63010": "WhatsApp had an error. Send again later.",
    "63012": "WhatsApp was not available. Send again later.",
    "63017": "WhatsApp limits messages to this person. Send again later.",
    "63019": "A picture or file could not be fetched by WhatsApp.",
    "63020": "WhatsApp has restricted this business account. Look into Meta's Business Manager.",
    "63025": "The media was already sent in this message.",
    "63027": "The template is not approved in this language. Check it in the Twilio console.",
    "63028": "The template's variables don't fit. Check the mapping under Integrations.",
    "63032": "WhatsApp did not deliver this message to spare the person. Don't send it again.",
    "63036": "This phone number can't be reached by WhatsApp. Contact the lead another way.",
    "63038": "The account's daily number of messages is reached. Upgrade it at Twilio or wait a day.",
    "63040": "The template was rejected by WhatsApp. Submit another one.",
    "63041": "The template is paused because people complained. Use another one.",
    "63042": "The template was disabled by WhatsApp. Use another one.",
    "63051": "The business account is locked by Meta. Look into Meta's Business Manager.",
}
# The sender or WhatsApp has too much to do: the same message may be sent again later.
LOAD = frozenset({"20429", "21611", "63017", "63018"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message that Twilio took; whether it arrives is told by its status callbacks."""

    sid: str
    status: str
    status_code: int
    request: dict[str, str]
    response: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMessage:
    """A message as Twilio remembers it. `body` of a template is the rendered text."""

    sid: str
    status: str
    body: str
    created_at: datetime
    error_code: str


def explain(code: str) -> str:
    """Say what staff can do about an error code."""
    return ADVICE.get(code) or f"See https://www.twilio.com/docs/api/errors/{code}" if code else "No reason was given."


def whatsapp_address(number: str) -> str:
    """Write an E.164 number as Twilio's WhatsApp address."""
    return f"whatsapp:{number.removeprefix('whatsapp:')}"


def send_message(
    *,
    account_sid: str,
    auth_token: str,
    sender: str,
    to: str,
    body: str = "",
    content_sid: str = "",
    content_variables: Mapping[str, str] | None = None,
    status_callback: str = "",
) -> SentMessage:
    """Send a WhatsApp message: `body` as free text, or the template `content_sid` with its variables.

    Raises Rejected (with Twilio's `code`), Unavailable for load (20429: never processed), OutcomeUnknown for
    time-outs, broken connections and 5xx. There is no idempotency at Twilio: after OutcomeUnknown look into
    `list_messages` before sending again.
    """
    content = _template(content_sid, content_variables or {}) if content_sid else {"Body": body}
    form = {"To": whatsapp_address(to), "From": whatsapp_address(sender), **content}
    if status_callback:
        form["StatusCallback"] = status_callback
    answer = _call("POST", account_sid=account_sid, auth_token=auth_token, form=form)
    if not 200 <= answer.status < 300:
        raise _refusal(answer, request=form)
    return _sent(answer, form=form)


def _template(content_sid: str, variables: Mapping[str, str]) -> dict[str, str]:
    said = json.dumps(dict(variables), ensure_ascii=False)
    return {"ContentSid": content_sid, **({"ContentVariables": said} if variables else {})}


def _sent(answer: http.Answer, *, form: dict[str, str]) -> SentMessage:
    try:
        said = read_tolerant(answer.body)
        sid, status = str(said["sid"]), str(said.get("status") or "queued")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OutcomeUnknown("Twilio's answer could not be read", **_details(answer, request=form)) from error
    return SentMessage(
        sid=sid,
        status=status,
        status_code=answer.status,
        request=form,
        response=answer.body,
        duration_ms=answer.duration_ms,
    )


def list_messages(
    *, account_sid: str, auth_token: str, sender: str, to: str, created_after: datetime
) -> list[ListedMessage]:
    """Return the latest messages from us to one phone, newest first.

    Asked without Twilio's own DateSent filter, which leaves out what is still queued, page after page until one ends
    before `created_after`. Raises ProviderError.
    """
    query = {"To": whatsapp_address(to), "From": whatsapp_address(sender), "PageSize": str(LIST_PAGE)}
    found: list[ListedMessage] = []
    for _ in range(MAX_PAGES):
        answer = _call("GET", account_sid=account_sid, auth_token=auth_token, query=query)
        if answer.status != 200:
            raise _refusal(answer, request=query)
        try:
            page = read_tolerant(answer.body)
            listed = [_listed(message) for message in page["messages"]]
            query = dict(parse_qsl(urlsplit(str(page.get("next_page_uri") or "")).query))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise OutcomeUnknown("Twilio's list could not be read", **_details(answer, request=query)) from error
        recent = [message for message in listed if message.created_at >= created_after]
        found += recent
        if not query or len(recent) < len(listed) or not listed:
            break
    return found


def delete_message(*, account_sid: str, auth_token: str, sid: str) -> None:
    """Erase a message at Twilio, where it still is. Raises ProviderError: one on its way can't be erased yet."""
    resource = f"Messages/{quote(sid, safe='')}.json"
    answer = _call("DELETE", account_sid=account_sid, auth_token=auth_token, resource=resource)
    if answer.status != 404 and not 200 <= answer.status < 300:
        raise _refusal(answer, request={"sid": sid})


def delete_media(*, account_sid: str, auth_token: str, sid: str) -> None:
    """Erase what came with a message; the message's own erasure leaves it. Raises ProviderError."""
    call = partial(_call, account_sid=account_sid, auth_token=auth_token)
    media = f"Messages/{quote(sid, safe='')}/Media"
    answer = call("GET", resource=f"{media}.json")
    if answer.status == 404:
        return
    if answer.status != 200:
        raise _refusal(answer, request={"sid": sid})
    try:
        found = [str(each["sid"]) for each in read_tolerant(answer.body)["media_list"]]
    except (ValueError, LookupError, TypeError) as error:
        raise OutcomeUnknown("Twilio's list could not be read", **_details(answer, request={"sid": sid})) from error
    for each in found:
        deleted = call("DELETE", resource=f"{media}/{quote(each, safe='')}.json")
        if deleted.status != 404 and not 200 <= deleted.status < 300:
            raise _refusal(deleted, request={"sid": each})


def signature(*, url: str, params: Iterable[tuple[str, str]], auth_token: str) -> str:
    """Compute X-Twilio-Signature of a form POST: HMAC-SHA1 over the URL and the sorted parameters.

    https://www.twilio.com/docs/usage/security#validating-requests. A name with several values counts each once.
    """
    text = url + "".join(name + value for name, value in sorted(set(params)))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def is_signed(*, url: str, params: Iterable[tuple[str, str]], auth_token: str, claimed: str) -> bool:
    """Tell whether Twilio sent this: `url` is the exact public one, with its query string.

    Twilio signs some addresses with their port and some without, whichever way they were entered there.
    """
    pairs, given = list(params), claimed.encode("utf-8", "replace")
    signed = (signature(url=spelling, params=pairs, auth_token=auth_token) for spelling in _with_and_without_port(url))
    return any(hmac.compare_digest(each.encode(), given) for each in signed)


def _with_and_without_port(url: str) -> list[str]:
    parts = urlsplit(url)
    if parts.port is None:
        port = 443 if parts.scheme == "https" else 80
        return [url, url.replace(parts.netloc, f"{parts.netloc}:{port}", 1)]
    return [url, url.replace(parts.netloc, parts.netloc.removesuffix(f":{parts.port}"), 1)]


def _call(
    method: str,
    *,
    account_sid: str,
    auth_token: str,
    resource: str = "Messages.json",
    form: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> http.Answer:
    try:
        return http.send(
            method,
            f"{settings.TWILIO_BASE_URL}/2010-04-01/Accounts/{account_sid}/{resource}",
            timeout_s=settings.TWILIO_TIMEOUT_S,
            form=form,
            query=query,
            basic_auth=(account_sid, auth_token),
            max_body_bytes=MAX_LIST_BYTES if method == "GET" else http.MAX_BODY_BYTES,
        )
    except ProviderError as error:
        error.message = f"Twilio: {error.message}"
        error.request = form or query
        raise


def _listed(message: Mapping[str, Any]) -> ListedMessage:
    created_at = parsedate_to_datetime(message["date_created"])
    return ListedMessage(
        sid=str(message["sid"]),
        status=str(message["status"]),
        body=str(message.get("body") or ""),
        created_at=created_at if created_at.tzinfo else created_at.replace(tzinfo=UTC),
        error_code=str(message.get("error_code") or ""),
    )


def _refusal(answer: http.Answer, *, request: object) -> ProviderError:
    """Turn an answer that is no success into the error it is."""
    try:
        said = read_tolerant(answer.body)
        code = str(said.get("code") or "")
        text = str(said.get("message") or said.get("detail") or said.get("title") or "no reason given")
    except (ValueError, AttributeError):
        code, text = "", "no reason given"
    details = _details(answer, request=request, code=code)
    if answer.status >= 500:
        return OutcomeUnknown(f"Twilio failed ({answer.status}): {text}", **details)
    number = f", code {code}" if code else ""
    advice = f" {ADVICE[code]}" if code in ADVICE else ""
    message = f"Twilio refused ({answer.status}{number}): {text}{advice}"
    if answer.status == 429 or code in LOAD:
        return Unavailable(message, **details)
    return Rejected(message, **details)


def _details(answer: http.Answer, *, request: object, code: str = "") -> dict[str, Any]:
    return {
        "status": answer.status,
        "body": answer.body,
        "code": code,
        "request": request,
        "duration_ms": answer.duration_ms,
    }
