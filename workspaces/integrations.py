"""A workspace's accounts at the providers, as the code that speaks to them wants them."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from workspaces.models import Integration


class NotConnected(Exception):
    """The workspace has not connected this provider."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"{Integration.Provider(provider).label} is not connected")
        self.provider = provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Credentials and options of one integration; never logged, never put in an event."""

    credentials: dict[str, str] = field(repr=False)
    options: dict[str, Any]
    webhook_secret: str = field(repr=False)


def account(*, workspace_id: UUID, provider: str) -> Account:
    """Fetch a workspace's account now: a disconnect works at once.

    Raises NotConnected, and workspaces.secrets.SecretUnreadable when the encryption key is missing.
    """
    integration = Integration.objects.filter(workspace_id=workspace_id, provider=provider).first()
    if integration is None:
        raise NotConnected(provider)
    return Account(
        credentials=integration.read_credentials(),
        options=integration.options,
        webhook_secret=integration.webhook_secret,
    )
