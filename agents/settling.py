"""Finding out what became of a booking whose answer got lost: Cal.com is asked, and nothing is repeated blindly."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from agents import erasure
from agents.calendar import calendar_of, words
from agents.journal import FIND_BOOKING, journal_answer, journal_error
from agents.models import Booking, BookingQuerySet
from leads.models import Lead
from leads.status import OPEN, change_status
from providers import calcom
from providers.errors import ProviderError
from workspaces.connections import give_back
from workspaces.integrations import NotConnected

LOOK_TIMEOUT_S = 8.0
# "Not there" is believed at the second look, and not while the request may still be under way.
LOOKS = 2
UNDER_WAY = timedelta(seconds=15)
LOOK_AGAIN = timedelta(seconds=10)
# Who can't be asked for that long will not answer tomorrow either.
ASKED_FOR = timedelta(hours=24)
MAX_WAITS = 64


def settle_bookings(*, now: datetime, limit: int) -> int:
    """Do the worker's part: ask about bookings of which nobody knows. Returns how many it asked about.

    What turns out to be booked is booked; what is not leaves the lead to a person, who was announced to it.
    """
    asked = 0
    for row in Booking.objects.unsettled(now).select_related("lead__workspace")[:limit]:
        if Booking.objects.claim(row.pk, due_at=row.due_at, until=now + _wait(row)):
            asked += 1
            find_out(row, now=now, timeout_s=LOOK_TIMEOUT_S)
    return asked


def find_out(booking: Booking, *, now: datetime, timeout_s: float) -> str:
    """Ask Cal.com about a booking that this process has claimed. Returns its status as it is then.

    BOOKED: Cal.com has it. FAILED: it does not, for sure, and another may be made. UNKNOWN: nothing is sure yet.
    """
    lead = booking.lead
    give_back()
    try:
        look = calcom.find_appointment(
            api_key=calendar_of(lead.workspace_id).api_key,
            email=booking.attendee_email,
            start=booking.start,
            timeout_s=timeout_s,
        )
    except NotConnected:
        return _unanswered(booking, "Cal.com is not connected any more.", now=now)
    except ProviderError as error:
        journal_error(lead, FIND_BOOKING, error, now=now)
        return _unanswered(booking, error.reason, now=now)
    journal_answer(lead, FIND_BOOKING, look.wire, now=now)
    if look.found is not None:
        adopt(booking, look.found, now=now)
        return Booking.Status.BOOKED
    if booking.looks + 1 >= LOOKS and now - booking.created_at >= settle_after():
        return _give_up(booking, "Cal.com did not have it when it was asked.", now=now)
    _unsettled(booking).update(status=Booking.Status.UNKNOWN, looks=F("looks") + 1, updated_at=now)
    return Booking.Status.UNKNOWN


def settle_after() -> timedelta:
    """Tell for how long a request to Cal.com may still be under way there."""
    return timedelta(seconds=settings.CALCOM_TIMEOUT_S) + UNDER_WAY


def adopt(booking: Booking, found: calcom.Appointment, *, now: datetime) -> bool:
    """Write down that Cal.com has it, on the booking and on the lead. False: somebody else did, or it is gone."""
    with transaction.atomic():
        won = _unsettled(booking).update(
            status=Booking.Status.BOOKED,
            uid=found.uid,
            start=found.start,
            end=found.end,
            awaits_host=found.awaits_host,
            reason="",
            updated_at=now,
        )
        if not won:
            if not Booking.objects.filter(pk=booking.pk).exists():
                # The lead was erased while Cal.com was asked.
                erasure.remember([found.uid], workspace_id=booking.lead.workspace_id, now=now)
            return False
        row = Lead.objects.filter(pk=booking.lead_id)
        where: dict[str, Any] = {"booking_uid": found.uid, "booking_start": found.start}
        if not change_status(booking.lead_id, Lead.Status.BOOKED, now=now, frm=Lead.Status.values, **where):
            row.update(**where, updated_at=now)
        row.filter(Q(email__isnull=True) | Q(email="")).update(email=booking.attendee_email)
    booking.refresh_from_db()
    return True


def release(booking: Booking, *, reason: str, now: datetime) -> None:
    """Let another booking be made: this one was refused, or never came about."""
    _unsettled(booking).update(status=Booking.Status.FAILED, reason=reason[:255], updated_at=now)


def leave_unknown(booking: Booking, *, reason: str, now: datetime) -> None:
    """Note that nobody knows; the worker asks soon."""
    unknown = {"status": Booking.Status.UNKNOWN, "reason": reason[:255], "updated_at": now}
    _unsettled(booking).update(**unknown, due_at=now + LOOK_AGAIN)


def leave_to_person(booking: Booking, *, now: datetime) -> None:
    """Have somebody look after a lead who was told that it is being checked, unless it is known by now."""
    at = words(booking.start, timezone=booking.timezone)
    reason = f"It is not known yet whether Cal.com has the appointment on {at} ({booking.timezone})."
    with transaction.atomic():
        if _unsettled(booking).exists():
            change_status(booking.lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=OPEN, reason=reason)


def _unanswered(booking: Booking, reason: str, *, now: datetime) -> str:
    if now - booking.created_at >= ASKED_FOR:
        return _give_up(booking, reason, now=now)
    _unsettled(booking).update(status=Booking.Status.UNKNOWN, reason=reason[:255], updated_at=now)
    return Booking.Status.UNKNOWN


def _give_up(booking: Booking, reason: str, *, now: datetime) -> str:
    with transaction.atomic():
        release(booking, reason=reason, now=now)
        at = words(booking.start, timezone=booking.timezone)
        told = f"The appointment on {at} ({booking.timezone}) did not come about: {reason}"
        change_status(booking.lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=OPEN, reason=told)
    return Booking.Status.FAILED


def _unsettled(booking: Booking) -> BookingQuerySet:
    return Booking.objects.filter(pk=booking.pk, status__in=Booking.UNSETTLED)


def _wait(booking: Booking) -> timedelta:
    return LOOK_AGAIN * int(min(2**booking.looks, MAX_WAITS))


def simulated(start: datetime) -> calcom.Appointment:
    """Answer for Cal.com: a test lead takes nobody's time."""
    wire = calcom.Crossing(status_code=201, request="", response="", duration_ms=0)
    end = start + timedelta(minutes=30)
    return calcom.Appointment(uid=f"test-{uuid4().hex}", start=start, end=end, awaits_host=False, wire=wire)
