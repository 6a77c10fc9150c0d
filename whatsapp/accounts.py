"""A workspace's account at a provider, and the journal of what crossed the border to it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from agents import journal
from agents.journal import Errand
from leads.models import Lead
from providers.errors import ProviderError, Rejected, Unavailable
from providers.openai import Reply
from providers.twilio import ListedMessage, SentMessage
from workspaces.integrations import Account, NotConnected, account
from workspaces.journal import Crossing
from workspaces.models import LogEntry
from workspaces.secrets import SecretUnreadable

NEEDED = {"twilio": ("account_sid", "auth_token", "from_number"), "openai": ("api_key",)}
OPERATIONS = {"twilio": "send message", "openai": "write reply"}
LOOK = "look for message"


def connected_account(lead: Lead, provider: str) -> Account:
    """Fetch the credentials now: a disconnect works at once. They never leave the step that asked.

    Raises Rejected when the workspace lacks them, Unavailable when our encryption key for them is missing.
    """
    return _connected(lead.workspace_id, provider)


def connected_twilio(workspace_id: UUID) -> Account:
    """Fetch a workspace's Twilio credentials, as connected_account does."""
    return _connected(workspace_id, "twilio")


def _connected(workspace_id: UUID, provider: str) -> Account:
    try:
        found = account(workspace_id=workspace_id, provider=provider)
    except NotConnected as error:
        raise Rejected(f"{error}. Connect it under Integrations.", code="not_connected") from error
    except SecretUnreadable as error:
        raise Unavailable(f"The credentials of {provider} can't be read: an encryption key is missing.") from error
    missing = [name for name in NEEDED[provider] if not found.credentials.get(name)]
    if missing:
        raise Rejected(f"{provider} is not fully connected: {', '.join(missing)} missing.", code="not_connected")
    return found


def journal_answer(lead: Lead, provider: str, answer: Reply | SentMessage, *, now: datetime) -> None:
    """Write down what a provider took."""
    journal.journal_answer(lead, Errand(provider, OPERATIONS[provider]), answer, now=now)


def journal_look(lead: Lead, listed: Sequence[ListedMessage], *, now: datetime) -> None:
    """Write down that Twilio was asked what became of a message."""
    found = [{"sid": each.sid, "status": each.status, "date_created": each.created_at.isoformat()} for each in listed]
    crossing = Crossing(
        provider="twilio",
        operation=LOOK,
        outcome=LogEntry.Outcome.OK,
        status_code=200,
        request={"To": lead.phone},
        response={"messages": found},
    )
    journal.record_of_lead(lead, crossing, now=now)


def journal_error(lead: Lead, provider: str, error: ProviderError, *, now: datetime, operation: str = "") -> None:
    """Write down what a provider refused, or left unanswered."""
    journal.journal_error(lead, Errand(provider, operation or OPERATIONS[provider]), error, now=now)
