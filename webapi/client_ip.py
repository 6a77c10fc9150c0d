"""Whose address a request came from, as far as the proxies before us can be believed."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """Return the visitor's address; None where there is none (a Unix socket) or what stands there is no address.

    Each of TRUSTED_PROXIES proxies of ours appends whom it heard from to X-Forwarded-For, so the one that the
    outermost wrote stands so many places from the end; everything before it is the visitor's own claim.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if settings.TRUSTED_PROXIES and hops:
        address = hops[-min(settings.TRUSTED_PROXIES, len(hops))]
    return _read(address)


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
