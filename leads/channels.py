"""What leads asks of a channel. A channel is found by its dotted path in settings.LEAD_CHANNELS, never imported."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from leads.models import Lead, LeadQuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A dispatch that this process has claimed, with all that a channel may want to say about the lead."""

    dispatch_id: UUID
    lead_id: UUID
    workspace_id: UUID
    channel: str
    is_test: bool
    name: str
    phone: str
    email: str | None
    goal: str | None
    metadata: dict[str, Any]
    form_responses: dict[str, str]
    form_version_id: UUID | None = None
    claimed_at: datetime
    claimed_by: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the provider took.

    `reference` is its own id. `queued`: an engine took it over and will report itself (the dispatch waits as QUEUED).
    `details` is the channel's own business, handed back to `confirm`. The rest is for the journal.
    """

    reference: str | None
    queued: bool = False
    details: dict[str, Any] = field(default_factory=dict)
    status_code: int | None = None
    request: Any = ""
    response: Any = ""
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """What a provider keeps of a lead: its own id of a call or a message."""

    provider: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whether one may write to a lead freely now, until when, and why not."""

    open: bool
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address of ours that is to be pasted at a provider; `hint` says where."""

    name: str
    url: str
    hint: str


class CannotWrite(Exception):
    """A message of an operator's can't be sent; `reason` is for them to read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Job = Callable[[], None]


class Channel(Protocol):
    """One way of reaching a lead. Instances are shared by all threads and hold no state of a lead."""

    provider: str
    operation: str
    # True: the request that brought the lead waits for the outcome. False: the promise is enough to answer.
    inline: bool
    # True: the channel writes its own journal entries where it crosses the border.
    keeps_journal: bool
    # The provider of its traces, by which the channel is found again when they are to be deleted.
    keeps_traces_at: str

    def grace_s(self) -> float:
        """Seconds for which the worker leaves a fresh promise to the process that made it."""
        ...

    def announce(self, order: Order) -> None:
        """Start on a promise that was just committed, without waiting for it and without ever failing."""
        ...

    def send(self, order: Order) -> Sent:
        """Contact the lead. No transaction is open and no database connection is held while the wire is slow.

        Raises providers.errors.Rejected, Unavailable or OutcomeUnknown.
        """
        ...

    def find(self, order: Order) -> Sent | None:
        """Ask the provider what became of an order whose outcome is unknown. None: it never took it.

        Raises ProviderError where it can't be asked.
        """
        ...

    def confirm(self, sent: Sequence[tuple[Order, Sent]], *, now: datetime) -> None:
        """Write the channel's own rows about what was sent, inside the caller's transaction."""
        ...

    def reference(self, dispatch_id: UUID) -> str | None:
        """Return the provider's own id of what a dispatch became, None where there is none (yet)."""
        ...

    def latest_call(self, lead_id: UUID) -> dict[str, Any] | None:
        """Return the `voiceCall` object of the Public API, None where there is none."""
        ...

    def why_not_again(self, lead_id: UUID) -> str:
        """Say in an operator's words why a lead can't be contacted once more on this channel, "" where it can."""
        ...

    def planned(self, lead_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """Tell which of these leads the provider will contact at a later time, and when."""
        ...

    def unreached(self, leads: "LeadQuerySet") -> "LeadQuerySet":
        """Keep leads that are still new because the last contact reached nobody."""
        ...

    def forget(self, lead_id: UUID) -> Sequence[Trace]:
        """List what providers keep of a lead that is being erased, inside the caller's transaction."""
        ...

    def erase(self, trace: Trace, *, workspace_id: UUID) -> bool:
        """Delete a trace at its provider. False: not yet, what it is about still goes on. Raises ProviderError."""
        ...

    def window(self, lead: "Lead", *, now: datetime) -> Window | None:
        """Tell whether an operator may write to the lead now. None: nobody writes on this channel."""
        ...

    def write(self, lead: "Lead", text: str, *, by_id: Any, now: datetime) -> None:
        """Have an operator's own message sent. Raises CannotWrite."""
        ...

    def handed_back(self, lead: "Lead", *, now: datetime) -> None:
        """Let the agent go on with a lead that a person hands back, inside the caller's transaction."""
        ...

    def opted_out(self, lead: "Lead", *, now: datetime) -> None:
        """Confirm to a lead that it has opted out in a conversation, inside the caller's transaction."""
        ...

    def notices(self, workspace_id: UUID) -> Sequence[str]:
        """Say what keeps the channel from working as it should, for operators: each with what to do about it."""
        ...

    def addresses(self) -> Sequence[Address]:
        """List what operators paste at the provider."""
        ...

    def claim_jobs(self, *, by: str, now: datetime, limit: int) -> Iterable[Job]:
        """Claim up to `limit` pieces of the channel's own work that may wait long for a provider.

        Each must be run, by a thread of its own.
        """
        ...

    def sweep(self, *, now: datetime, limit: int) -> int:
        """Do what the worker must do besides sending: keep the channel's own promises. Returns how many it kept."""
        ...


@cache
def get_channel(name: str) -> Channel:
    """Return the one instance of a channel. Raises KeyError for a name that is not in LEAD_CHANNELS."""
    channel: Channel = import_string(settings.LEAD_CHANNELS[name])()
    return channel
