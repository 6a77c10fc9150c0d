"""Addresses that an operator may have visitors sent to, or frames allowed from."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.utils.encoding import iri_to_uri

MAX_URL = 2000
LOCAL_HOSTS = ("localhost", "127.0.0.1")
_host = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?").fullmatch
_unprintable = re.compile(r"[\x00-\x1f\x7f-\x9f\\]").search


class AddressError(ValueError):
    """Not such an address; `str` is why, for a log or a test. Forms say it in the operator's words."""


def read_redirect(text: str) -> str:
    """Return the address of a page of the web, as it may stand in a Location header. Raises AddressError.

    http and https only, with a host, without user name or password, at most MAX_URL characters. Letters that an
    address can't hold are encoded.
    """
    text = text.strip()
    if _unprintable(text):
        raise AddressError("characters")
    if not text.lower().startswith(("http://", "https://")):
        raise AddressError("scheme")
    if "@" in re.split(r"[/?#]", text.partition("://")[2])[0]:
        raise AddressError("credentials")
    address = str(iri_to_uri(_in_ascii(text)))
    if len(address) > MAX_URL:
        raise AddressError("too long")
    _split(address)
    return address


def read_origin(text: str) -> str:
    """Return an origin (scheme://host[:port]) in its one spelling. Raises AddressError.

    https, or http on this machine. An international name becomes its ASCII form; a slash at the end is forgiven.
    """
    text = text.strip().rstrip("/").lower()
    if "://" not in text:
        raise AddressError("scheme")
    scheme, host, port = _split(_in_ascii(text))
    if scheme not in {"http", "https"} or (scheme == "http" and host not in LOCAL_HOSTS):
        raise AddressError("scheme")
    standard = {"https": 443, "http": 80}[scheme]
    origin = f"{scheme}://{host}" if port in {None, standard} else f"{scheme}://{host}:{port}"
    if _in_ascii(text) not in {origin, f"{origin}:{standard}"}:
        raise AddressError("more than an origin")
    return origin


def safe_origins(stored: object) -> list[str]:
    """Keep those of the stored values that are origins: whatever happened to the row, they go into a header."""
    found: list[str] = []
    for value in stored if isinstance(stored, Iterable) and not isinstance(stored, str) else ():
        try:
            found.append(read_origin(str(value)))
        except AddressError:
            continue
    return found


def _split(text: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise AddressError("port or host") from error
    if not _host(host):
        raise AddressError("host")
    return parts.scheme, host, port


def _in_ascii(text: str) -> str:
    scheme, _, rest = text.partition("://")
    host = re.split(r"[/?#:]", rest)[0]
    try:
        return text if host.isascii() else f"{scheme}://{host.encode('idna').decode()}{rest[len(host) :]}"
    except UnicodeError as error:
        raise AddressError("host") from error
