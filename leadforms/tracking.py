"""Where a visitor came from: what the page's address and the embedding page say of it, for a lead's metadata."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest

from webapi import strict_json

CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")
CLICK_IDS = ("gclid", "fbclid", "msclkid", "ttclid")
REFERRER, LANDING_PAGE = "referrer", "landing_page"
_ADDRESSES = (REFERRER, LANDING_PAGE)
KEYS = (*CAMPAIGN, *CLICK_IDS, *_ADDRESSES)
# How static/js/embed.js passes on the address and the referrer of the page that it stands on.
HOST_PAGE, HOST_REFERRER = "cb_page", "cb_referrer"
# What a link may fill in for its reader, and so nothing that an address is kept with.
PREFILLED = ("name", "phone", "email", "goal")
MAX_LENGTH = 500

_control = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]").sub
_of_web = re.compile(r"https?://[^/]").match
_own = frozenset({*CAMPAIGN, *CLICK_IDS, *PREFILLED, HOST_PAGE, HOST_REFERRER, "embed"})


def find_tracking(request: HttpRequest) -> dict[str, str]:
    """Read it off a request for the page."""
    query = request.GET
    found: dict[str, Any] = {key: query.get(key, "") for key in (*CAMPAIGN, *CLICK_IDS)}
    came_from = _of_other_site(request)
    if HOST_PAGE in query or "embed" in query:
        # In a frame the site that sent the visitor here is the site around it.
        found[LANDING_PAGE] = _address(query.get(HOST_PAGE, "")) or came_from
        found[REFERRER] = _address(query.get(HOST_REFERRER, ""))
    else:
        found[LANDING_PAGE] = _address(request.build_absolute_uri())
        found[REFERRER] = came_from
    return _clean(found)


def read_tracking(text: str) -> dict[str, str]:
    """Read it out of the field that carried it through the page; what is not as we wrote it is dropped."""
    try:
        found = strict_json.read(text)
    except strict_json.NotJson:
        return {}
    return _clean(found) if isinstance(found, dict) else {}


def write_tracking(tracking: Mapping[str, str]) -> str:
    """Write it into that field."""
    return json.dumps(tracking, ensure_ascii=False, separators=(",", ":"))


def _clean(found: Mapping[str, Any]) -> dict[str, str]:
    texts = {key: _control("", value).strip()[:MAX_LENGTH] for key in KEYS if isinstance(value := found.get(key), str)}
    return {key: text for key, text in texts.items() if text and (key not in _ADDRESSES or _of_web(text))}


def _of_other_site(request: HttpRequest) -> str:
    """Return the Referer, unless we are it ourselves."""
    referrer = request.headers.get("Referer", "")
    own = urlsplit(request.build_absolute_uri("/"))
    try:
        return "" if urlsplit(referrer).netloc == own.netloc else _address(referrer)
    except ValueError:
        return ""


def _address(text: str) -> str:
    """Return a web address without its fragment and without what is kept elsewhere or is nobody's business."""
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"}:
        return ""
    rest = urlencode([(name, value) for name, value in pairs if name.lower() not in _own])
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, rest, ""))
