"""What the proxies before us say of a request, as far as they can be believed: its address and its scheme."""

import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest

# One customer of a provider has at least so much (RFC 6177): single addresses of it are free to change.
IPV6_PREFIX = 64


def client_ip(request: HttpRequest) -> str | None:
    """Return the visitor's address; None where there is none (a Unix socket) or what stands there is no address.

    Each of TRUSTED_PROXIES proxies of ours appends whom it heard from to X-Forwarded-For, so the one that the
    outermost wrote stands so many places from the end; everything before it is the visitor's own claim.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUSTED_PROXIES:
        address = _outermost(request.headers.get("X-Forwarded-For", "")) or address
    return _read(address)


def believe_scheme(environ: dict[str, Any]) -> None:
    """Leave of X-Forwarded-Proto what the outermost of our proxies wrote.

    A proxy that appends leaves the visitor's own word in front, and that is the one that Django looks at.
    """
    told = environ.get("HTTP_X_FORWARDED_PROTO", "")
    if "," in told:
        environ["HTTP_X_FORWARDED_PROTO"] = _outermost(told)


def network_of(ip: str | None) -> str:
    """Name what one visitor has to themselves: an IPv4 address, or an IPv6 network. "" for what is no address."""
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    if address.version == 4 or mapped:
        return str(mapped or address)
    return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))


def _outermost(header: str) -> str:
    """Return what the outermost of TRUSTED_PROXIES wrote into a header that each of them appends to."""
    hops = [hop.strip() for hop in header.split(",") if hop.strip()]
    return hops[-min(settings.TRUSTED_PROXIES, len(hops))] if hops and settings.TRUSTED_PROXIES else ""


def _read(text: str) -> str | None:
    """Read an address that may have a port (1.2.3.4:5, [::1]:5); an IPv4 written as IPv6 becomes one again."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
