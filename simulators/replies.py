"""How a stand-in answers: JSON, a connection reset, a bearer check."""

import asyncio
import json
import socket
import struct
from typing import Any

from aiohttp import web

JsonDict = dict[str, Any]

JSON_TYPE = {"Content-Type": "application/json; charset=utf-8"}
_LINGER_ZERO = struct.pack("ii", 1, 0)


def names(text: str) -> frozenset[str]:
    """A set of the words of `text`."""
    return frozenset(text.split())


class Dropped(web.Response):
    """Nothing was answered: the connection is gone. Recorded with status null."""


def json_reply(data: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer `data` as UTF-8 JSON."""
    body = json.dumps(data, ensure_ascii=False).encode()
    return web.Response(body=body, status=status, headers={**JSON_TYPE, **headers} if headers else JSON_TYPE)


def json_body(raw: bytes) -> Any:
    """Parse a request's body. Raises ValueError (also for bytes that aren't UTF-8)."""
    return json.loads(raw)


def bearer_of(request: web.Request) -> str | None:
    """The bearer token, or None when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def cut(request: web.Request, *, after: bytes = b"") -> Dropped:
    """Reset the connection (RST), having written the raw bytes `after` first."""
    transport = request.transport
    if transport is not None:
        if after:
            transport.write(after)
            await asyncio.sleep(0.02)
        # Without SO_LINGER 0 the kernel would say goodbye politely (FIN) and the client would see an empty answer.
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        transport.abort()
    return Dropped()


def half_of(response: web.Response) -> bytes:
    """The raw HTTP bytes of `response` up to the middle of its body."""
    body = response.body if isinstance(response.body, bytes) else b""
    head = (
        f"HTTP/1.1 {response.status} {response.reason}\r\n"
        f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body[: len(body) // 2]
