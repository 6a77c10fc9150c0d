"""What the stand-ins post to the application, and what came back."""

import asyncio
import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Self
from urllib.parse import urldefrag, urlencode

import aiohttp

from simulators.clock import iso_of
from simulators.replies import JsonDict
from simulators.state import State, parsed_body

ANSWER_LIMIT = 4000


@dataclass(slots=True, eq=False)
class Delivery:
    """One POST to the application; status is null until it answered, for good when it never did."""

    seq: int
    at: float
    provider: str
    kind: str
    about: str
    url: str
    headers: dict[str, str]
    body: bytes
    attempt: int = 1
    status: int | None = None
    answer: str = ""
    error: str | None = None
    ms: float | None = None

    def as_dict(self) -> JsonDict:
        """The shape of one entry of `GET /_sim/webhooks`."""
        return {
            "seq": self.seq,
            "time": iso_of(self.at),
            "provider": self.provider,
            "kind": self.kind,
            "about": self.about,
            "url": self.url,
            "headers": self.headers,
            "body": parsed_body(self.body, self.headers.get("Content-Type", "")),
            "attempt": self.attempt,
            "status": self.status,
            "answer": self.answer,
            "error": self.error,
            "ms": self.ms,
        }


class Poster:
    """Posts webhooks through one connection pool and records each."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(  # one parameter per column of the record
        self,
        *,
        provider: str,
        kind: str,
        about: str,
        url: str,
        headers: dict[str, str],
        body: bytes,
        timeout_s: float,
        attempt: int = 1,
    ) -> Delivery:
        """Post once and record it. Never raises for what the network or the application does."""
        delivery = Delivery(
            self._state.next_seq(), time.time(), provider, kind, about, url, headers, body, attempt=attempt
        )
        self._state.memory.deliveries.append(delivery)
        begun = time.perf_counter()
        try:
            await self._exchange(delivery, timeout_s)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            delivery.error = f"{type(error).__name__}: {error}"
        delivery.ms = round((time.perf_counter() - begun) * 1000, 2)
        return delivery

    async def _exchange(self, delivery: Delivery, timeout_s: float) -> None:
        if self._session is None:
            raise RuntimeError("Poster is used outside its context")
        async with self._session.post(
            delivery.url,
            data=delivery.body,
            headers=delivery.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        ) as response:
            delivery.answer = (await response.content.read(ANSWER_LIMIT)).decode("utf-8", "replace")
            delivery.status = response.status

    async def post_form(
        self,
        *,
        kind: str,
        about: str,
        url: str,
        params: dict[str, str],
        auth_token: str,
        signature_url: str | None = None,
    ) -> Delivery:
        """Post `params` like Twilio: a form, signed for `signature_url` (default: `url`). Gives up after 15 s."""
        target = urldefrag(url).url
        return await self.post(
            provider="twilio",
            kind=kind,
            about=about,
            url=target,
            headers={
                "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                "User-Agent": "TwilioProxy/1.1",
                "X-Twilio-Signature": twilio_signature(auth_token, signature_url or target, params),
                "I-Twilio-Idempotency-Token": hashlib.sha256(f"{about}{kind}".encode()).hexdigest()[:36],
            },
            body=urlencode(params).encode(),
            timeout_s=15,
        )

    async def post_with_retries(
        self, *, kind: str, about: str, url: str, headers: dict[str, str], body: bytes, plan: JsonDict, timeout_s: float
    ) -> None:
        """Post like Vapi: again after a failure as often as the call's `backoffPlan` says (by default never)."""
        for attempt in range(1, 2 + int(plan.get("maxRetries") or 0)):
            delivery = await self.post(
                provider="vapi",
                kind=kind,
                about=about,
                url=url,
                headers=headers,
                body=body,
                timeout_s=timeout_s,
                attempt=attempt,
            )
            if delivery.status is not None and (delivery.status < 400 or delivery.status in (400, 401, 403, 404)):
                return
            factor = 2 ** (attempt - 1) if plan.get("type") == "exponential" else 1
            await asyncio.sleep(float(plan.get("baseDelaySeconds") or 0) * factor)


def twilio_signature(auth_token: str, url: str, params: dict[str, str]) -> str:
    """X-Twilio-Signature of a form: HMAC-SHA1 over the URL and the parameters sorted by name, in base64."""
    text = urldefrag(url).url + "".join(f"{name}{params[name]}" for name in sorted(params))
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()
