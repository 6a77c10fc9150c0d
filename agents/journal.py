"""The journal of what an agent asked of a provider on a lead's behalf."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from leads.models import Lead
from providers.errors import ProviderError, Rejected, Unavailable
from workspaces.journal import Crossing, record
from workspaces.models import LogEntry

_OUTCOMES: dict[type[ProviderError], LogEntry.Outcome] = {
    Rejected: LogEntry.Outcome.REJECTED,
    Unavailable: LogEntry.Outcome.UNAVAILABLE,
}


class OnTheWire(Protocol):
    """How an exchange looked: what providers' answers have in common."""

    @property
    def status_code(self) -> int: ...
    @property
    def request(self) -> Any: ...
    @property
    def response(self) -> str: ...
    @property
    def duration_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Errand:
    """Whom an agent asks, and for what, as the journal names it."""

    provider: str
    operation: str


WRITE_REPLY = Errand("openai", "write reply")
LIST_SLOTS = Errand("calcom", "list slots")
BOOK = Errand("calcom", "book")
FIND_BOOKING = Errand("calcom", "find booking")
READ_BOOKING = Errand("calcom", "read booking")
READ_EVENT_TYPE = Errand("calcom", "read event type")


def journal_answer(lead: Lead, errand: Errand, wire: OnTheWire, *, now: datetime) -> None:
    """Write down what a provider answered."""
    crossing = Crossing(
        provider=errand.provider,
        operation=errand.operation,
        outcome=LogEntry.Outcome.OK,
        status_code=wire.status_code,
        duration_ms=wire.duration_ms,
        request=wire.request,
        response=wire.response,
    )
    record_of_lead(lead, crossing, now=now)


def journal_error(lead: Lead, errand: Errand, error: ProviderError, *, now: datetime) -> None:
    """Write down what a provider refused, or left unanswered."""
    crossing = Crossing(
        provider=errand.provider,
        operation=errand.operation,
        outcome=_OUTCOMES.get(type(error), LogEntry.Outcome.UNKNOWN),
        status_code=error.status,
        duration_ms=error.duration_ms,
        request=error.request,
        response=error.body or error.message,
    )
    record_of_lead(lead, crossing, now=now)


def record_of_lead(lead: Lead, crossing: Crossing, *, now: datetime) -> None:
    """Write an entry, unless the lead was erased meanwhile: then nothing about it may come back."""
    if Lead.objects.filter(pk=lead.pk).exists():
        record(crossing, workspace_id=lead.workspace_id, lead_id=lead.pk, now=now)
