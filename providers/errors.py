"""The three ways in which a provider fails, told apart by what may be done next."""

from typing import Any


class ProviderError(Exception):
    """A provider did not do what was asked.

    `message` is fit for the person who reads the journal; `status` and `body` are the provider's own, where it
    answered; `request` is the payload that was sent, without the credentials. `usage` is what a model's answer cost
    that is of no use (providers.openai.Usage).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        body: str = "",
        code: str = "",
        request: object = "",
        duration_ms: int | None = None,
        usage: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.body = body
        self.code = code
        self.request = request
        self.duration_ms = duration_ms
        self.usage = usage

    @property
    def reason(self) -> str:
        """The message as a row can hold it: short, without NULs and half surrogate pairs."""
        return self.message.replace("\x00", "").encode("utf-8", "replace").decode()[:255]


class Rejected(ProviderError):
    """It said no. Asking again unchanged gets the same answer."""


class Unavailable(ProviderError):
    """The request never got there, or was refused for load: safe to send again."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(ProviderError):
    """It may have acted. Never repeat blindly: ask first."""


# Codes of `Unavailable` that mean more than "try later": the lead was accepted, but all lines of the account are busy …
BLOCKED = "concurrency_blocked"
# … or the engine that would do the work is away: no attempt was made on the lead.
ENGINE_AWAY = "inngest_away"
