"""An appointment that was made before: Cal.com is asked whether it still stands before anybody relies on it."""

from datetime import datetime
from enum import Enum
from typing import Any

from django.db import transaction

from agents.calendar import calendar_of, words
from agents.journal import READ_BOOKING, journal_answer, journal_error
from agents.models import Booking
from agents.set_up import tell_workspace
from leads.models import Lead
from leads.status import OPEN, change_status
from providers import calcom
from providers.errors import ProviderError, Rejected
from workspaces.connections import give_back
from workspaces.integrations import NotConnected

# Who moves an appointment more often than that is not followed.
MAX_MOVES = 5


class State(Enum):
    """How an appointment stands, as far as is known."""

    STANDS = "stands"
    CALLED_OFF = "called off"
    # Cal.com can't be asked now.
    UNKNOWN = "unknown"
    # Cal.com refuses to tell: the key or the account is another.
    REFUSED = "refused"


def check_appointment(lead: Lead, uid: str, *, now: datetime, timeout_s: float) -> State:
    """Ask Cal.com about an appointment and write down what it says: another time, or that it was called off.

    A test lead's stands: it is nowhere but here. Call it outside of a transaction.
    """
    if lead.is_test:
        return State.STANDS
    try:
        found = _find(lead, uid, now=now, timeout_s=timeout_s)
    except NotConnected:
        return State.REFUSED
    except Rejected as error:
        tell_workspace(lead, error, now=now)
        return State.REFUSED
    except ProviderError:
        return State.UNKNOWN
    if not found.stands or found.appointment is None:
        _call_off(lead, uid, now=now)
        return State.CALLED_OFF
    _follow(lead, uid, found.appointment, now=now)
    return State.STANDS


def _find(lead: Lead, uid: str, *, now: datetime, timeout_s: float) -> calcom.Standing:
    """Look an appointment up, and the one that took its place."""
    api_key = calendar_of(lead.workspace_id).api_key
    give_back()
    for _move in range(MAX_MOVES):
        try:
            found = calcom.read_appointment(api_key=api_key, uid=uid, timeout_s=timeout_s)
        except ProviderError as error:
            journal_error(lead, READ_BOOKING, error, now=now)
            raise
        journal_answer(lead, READ_BOOKING, found.wire, now=now)
        if not found.moved_to:
            break
        uid = found.moved_to
    return found


def _call_off(lead: Lead, uid: str, *, now: datetime) -> None:
    """Write down that it was called off at Cal.com, so that another may be made; the lead is in conversation again."""
    with transaction.atomic():
        booked = Booking.objects.filter(lead_id=lead.pk, uid=uid, status=Booking.Status.BOOKED)
        booked.update(status=Booking.Status.CANCELED, updated_at=now)
        row = Lead.objects.filter(pk=lead.pk, booking_uid=uid)
        start = row.values_list("booking_start", flat=True).first()
        if not row.update(booking_uid=None, booking_start=None, updated_at=now):
            return
        at = f" on {words(start, timezone='UTC')} (UTC)" if start else ""
        reason = f"The appointment{at} was called off at Cal.com."
        change_status(lead.pk, Lead.Status.IN_CONVERSATION, now=now, frm=[Lead.Status.BOOKED], reason=reason)


def _follow(lead: Lead, uid: str, found: calcom.Appointment, *, now: datetime) -> None:
    """Write down the time, and the id, under which an appointment stands now."""
    where: dict[str, Any] = {"uid": found.uid, "start": found.start, "end": found.end, "awaits_host": found.awaits_host}
    booked = Booking.objects.filter(lead_id=lead.pk, uid=uid, status=Booking.Status.BOOKED)
    with transaction.atomic():
        booked.exclude(**where).update(**where, updated_at=now)
        held = Lead.objects.filter(pk=lead.pk, booking_uid=uid).exclude(
            booking_uid=found.uid, booking_start=found.start
        )
        held.update(booking_uid=found.uid, booking_start=found.start, updated_at=now)


def is_open(lead: Lead) -> bool:
    """Read the lead again: it was booked in one transaction with its booking."""
    return Lead.objects.filter(pk=lead.pk, status__in=OPEN).exists()
