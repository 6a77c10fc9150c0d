"""The consultation, booked once however often it is asked for, also when Cal.com's answer got lost.

The row comes first: its constraint lets one booking of a lead be under way, and what became of one is found out before
another is tried.
"""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError

from agents.arguments import BadArguments
from agents.booking_fields import ask_for, fill_in, learn_fields, remembered_fields
from agents.calendar import NOT_CONNECTED, UNREACHABLE, Calendar, calendar_of, lead_zone, timeout_s, words
from agents.journal import BOOK, journal_answer, journal_error
from agents.models import Booking
from agents.prompt import lines, one_line
from agents.set_up import has_booked, leave_to_human
from agents.settling import adopt, find_out, leave_to_person, leave_unknown, release, settle_after, simulated
from agents.slots import alternatives
from agents.standing import State, check_appointment, is_open
from agents.task import Result, Task, done, refused
from leads import emails
from leads.models import Lead
from leads.names import is_placeholder
from leads.phone import NotAPhoneNumber, normalise
from leads.status import OPEN, change_status
from providers import calcom
from providers.calcom_refusals import is_about_booker, is_about_time, refused_field
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from workspaces.connections import give_back
from workspaces.insert_once import insert_once
from workspaces.integrations import NotConnected

MAX_AHEAD = timedelta(days=366)
MAX_NOTES_CHARS = 1000
# The part of the time that the booking itself may use; with the rest Cal.com is asked what became of it.
BOOKING_SHARE = 0.6
LOOK_EVERY_S = 0.1

NO_EMAIL = "The lead's email address is not known. Ask for it, then call bookConsult again with it."
NOT_FOR_CALENDARS = (
    "The calendar takes plain addresses only, such as name@example.com. Ask the lead for one, then call bookConsult "
    "again with it as email."
)
NO_NAME = "The lead's name is not known. Ask for it, then call bookConsult again with it as name."
NOT_AN_EMAIL = "email is not a valid address. Ask the lead to spell it, then call bookConsult again."
BAD_START = "start must be the `start` of a time from listSlots, unchanged, like 2026-06-08T09:00:00Z."
PAST = "That time is over. Call listSlots and offer another."
TAKEN = "That time is no longer free. Offer the lead one of these."
TAKEN_NO_MORE = "That time is no longer free. Call listSlots and offer another."
CHECKING = (
    "It is not known yet whether the booking went through. Say that you are checking and that a person will confirm "
    "it. Don't promise the time and don't offer another."
)
CALLED_OFF = (
    "The appointment on {at} was called off at Cal.com, so it no longer stands. Say so and ask whether the lead wants "
    "another one. If they want that same time again, call bookConsult with it once more."
)
NOT_CHECKED = (
    "The lead was booked for {at}, but the calendar can't be asked just now whether that still stands. Say so, don't "
    "promise the time, and don't offer another."
)
STILL_AT_IT = "The booking is still being made. Say that it takes a moment, then call bookConsult again."
UNQUALIFIED = "This lead was marked unqualified. If that is wrong, call escalateToHuman."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attendee:
    name: str
    email: str
    phone: str
    notes: str
    # What the event type asks for besides, by slug.
    responses: dict[str, Any] = field(default_factory=dict)


def book_consult(task: Task) -> Result:
    """Answer the tool: book a time for this lead, or say what has become of the booking that there is."""
    return _try_to_book(task, may_repeat=True)


def _try_to_book(task: Task, *, may_repeat: bool) -> Result:
    """Book. `may_repeat`: once more where Cal.com asked for what is known of the lead."""
    try:
        calendar = calendar_of(task.lead.workspace_id)
    except NotConnected:
        return refused(NOT_CONNECTED)
    except Unavailable:
        return refused(UNREACHABLE)
    start = _start(task)
    if (standing := _standing(task, start)) is not None:
        return standing
    if task.lead.status == Lead.Status.UNQUALIFIED:
        return refused(UNQUALIFIED)
    if start <= task.now:
        return refused(PAST)
    attendee = _attendee(task)
    if attendee is None:
        return refused(NO_EMAIL)
    return _book_for(task, start, calendar, attendee, may_repeat=may_repeat)


def _book_for(task: Task, start: datetime, calendar: Calendar, attendee: _Attendee, *, may_repeat: bool) -> Result:
    """Book for a person of whom all is known that the event type is known to ask for."""
    filled = fill_in(task, remembered_fields(task, calendar), email=attendee.email, phone=attendee.phone)
    if filled.missing:
        return ask_for(filled.missing)
    booking = _claim(task, start, attendee)
    if booking is None:
        return _standing(task, start) or refused(STILL_AT_IT)
    return _book(task, booking, calendar, replace(attendee, responses=filled.values), may_repeat=may_repeat)


def _start(task: Task) -> datetime:
    text = task.values["start"].strip()
    try:
        start = datetime.fromisoformat(text)
        if start.tzinfo is None:
            raise BadArguments(BAD_START)
        start = start.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadArguments(BAD_START) from None
    if start > task.now + MAX_AHEAD:
        raise BadArguments(BAD_START)
    return start


def _attendee(task: Task) -> _Attendee | None:
    """Say who comes: what the model was told, else what is known of the lead. None: no email address is known."""
    lead, values = task.lead, task.values
    email = values.get("email") or lead.email
    if not email:
        return None
    try:
        email = emails.normalise(email)
    except emails.NotAnEmail:
        raise BadArguments(NOT_AN_EMAIL) from None
    # Cal.com takes fewer than the standards allow.
    if not emails.is_plain(email):
        raise BadArguments(NOT_FOR_CALENDARS)
    name = one_line(values.get("name") or lead.name)
    if is_placeholder(name):
        raise BadArguments(NO_NAME)
    try:
        phone = normalise(values.get("phone", ""), region=lead.workspace.default_region)
    except NotAPhoneNumber:
        phone = lead.phone
    known = lines({"goal": lead.goal, **(lead.profile or {})})
    return _Attendee(
        name=name,
        email=email,
        phone=phone,
        notes=(values.get("notes") or known)[:MAX_NOTES_CHARS],
    )


def _standing(task: Task, start: datetime) -> Result | None:
    """Say what there is already, having found out about it where need be. None: a booking may be made."""
    booking = _active(task)
    is_under_way = booking is not None and booking.status == Booking.Status.SENDING
    if booking is not None and is_under_way:
        booking = _wait_for(task, booking)
    if booking is None:
        return None
    if booking.status != Booking.Status.BOOKED:
        status = _ask_about(task, booking)
        if status == Booking.Status.FAILED:
            return None
        if status != Booking.Status.BOOKED:
            return refused(CHECKING if status == Booking.Status.UNKNOWN else STILL_AT_IT)
        booking.refresh_from_db()
    elif is_open(task.lead):
        # A person has opened the lead again: that appointment no longer counts.
        old = Booking.objects.filter(pk=booking.pk, status=Booking.Status.BOOKED)
        old.update(status=Booking.Status.REPLACED, updated_at=task.now)
        return None
    elif not is_under_way:
        return _made_before(task, booking, start)
    return _affirm(booking, start)


def _made_before(task: Task, booking: Booking, start: datetime) -> Result | None:
    """Ask Cal.com about an appointment before it is relied on. None: it was called off, and another time is wished."""
    at = words(booking.start, timezone=booking.timezone)
    try:
        limit_s = timeout_s(task.left_s(), share=BOOKING_SHARE)
        state = check_appointment(task.lead, booking.uid, now=task.now, timeout_s=limit_s)
    except Unavailable:
        state = State.UNKNOWN
    if state is State.CALLED_OFF:
        return refused(CALLED_OFF.format(at=at)) if start == booking.start else None
    if state is State.UNKNOWN:
        return refused(NOT_CHECKED.format(at=at), booking=booking.told())
    if state is State.REFUSED:
        reason = f"Cal.com can't be asked whether the appointment on {at} ({booking.timezone}) still stands."
        frm = (*OPEN, Lead.Status.BOOKED)
        change_status(task.lead.pk, Lead.Status.NEEDS_HUMAN, now=task.now, frm=frm, reason=reason)
        return refused(f"{NOT_CHECKED.format(at=at)} A person of the team will confirm it.")
    booking.refresh_from_db()
    return _affirm(booking, start)


def _affirm(booking: Booking, start: datetime) -> Result:
    """Say that the time is booked, or that another one is."""
    if booking.start == start:
        return _booked(booking)
    at = words(booking.start, timezone=booking.timezone)
    return refused(
        f"The lead has an appointment already, on {at}. To move it, call escalateToHuman.", booking=booking.told()
    )


def _active(task: Task) -> Booking | None:
    rows = Booking.objects.filter(lead_id=task.lead.pk, status__in=Booking.ACTIVE)
    return rows.select_related("lead__workspace").first()


def _wait_for(task: Task, booking: Booking) -> Booking | None:
    """Give whoever is booking the time to come to an end. None: it did, and left no booking."""
    while booking.status == Booking.Status.SENDING and booking.due_at > task.now and task.left_s() > 2 * LOOK_EVERY_S:
        give_back()
        time.sleep(LOOK_EVERY_S)
        found = _active(task)
        if found is None:
            return None
        booking = found
    return booking


def _ask_about(task: Task, booking: Booking) -> str:
    """Find out about a booking that nobody is at any more. SENDING: somebody is."""
    is_at_it = booking.status == Booking.Status.SENDING and booking.due_at > task.now
    until = task.now + settle_after()
    if is_at_it or not Booking.objects.claim(booking.pk, due_at=booking.due_at, until=until):
        return Booking.Status.SENDING
    try:
        return find_out(booking, now=task.now, timeout_s=timeout_s(task.left_s()))
    except Unavailable:
        return Booking.Status.UNKNOWN


def _claim(task: Task, start: datetime, attendee: _Attendee) -> Booking | None:
    """Promise the booking before anybody is asked for it. None: another one was faster."""
    booking = Booking(
        lead=task.lead,
        start=start,
        timezone=lead_zone(task.lead),
        attendee_name=attendee.name,
        attendee_email=attendee.email,
        due_at=task.now + settle_after(),
        created_at=task.now,
        updated_at=task.now,
    )
    try:
        return booking if insert_once(booking) else None
    except IntegrityError:
        # The lead was erased in this very moment.
        return None


def _book(task: Task, booking: Booking, calendar: Calendar, attendee: _Attendee, *, may_repeat: bool) -> Result:
    give_back()
    try:
        found = _ask(task, booking, calendar, attendee)
    except Rejected as error:
        journal_error(task.lead, BOOK, error, now=task.now)
        release(booking, reason=error.reason, now=task.now)
        if slug := refused_field(error):
            return _ask_more(task, calendar, attendee, error, slug=slug, may_repeat=may_repeat)
        return _refused(task, booking, calendar, error)
    except Unavailable as error:
        journal_error(task.lead, BOOK, error, now=task.now)
        release(booking, reason=error.reason, now=task.now)
        return refused(UNREACHABLE)
    except OutcomeUnknown as error:
        return _look_at_once(task, booking, error)
    if not task.lead.is_test:
        journal_answer(task.lead, BOOK, found.wire, now=task.now)
        has_booked(task.lead, now=task.now)
    adopt(booking, found, now=task.now)
    return _booked(booking)


def _ask(task: Task, booking: Booking, calendar: Calendar, attendee: _Attendee) -> calcom.Appointment:
    if task.lead.is_test:
        return simulated(booking.start)
    return calcom.book(
        api_key=calendar.api_key,
        event_type_id=calendar.event_type_id,
        start=booking.start,
        name=attendee.name,
        email=attendee.email,
        timezone=booking.timezone,
        phone=attendee.phone,
        notes=attendee.notes,
        responses=attendee.responses,
        timeout_s=timeout_s(task.left_s(), share=BOOKING_SHARE),
    )


def _refused(task: Task, booking: Booking, calendar: Calendar, error: Rejected) -> Result:
    """Say what the lead can do about a refusal; one that neither they nor another time changes is a person's."""
    if calcom.is_about_account(error) or is_about_booker(error):
        return leave_to_human(task, error)
    if calcom.is_about_attendee(error):
        return refused(f"{one_line(error.reason)}. Ask the lead about it, then call bookConsult again.")
    if not is_about_time(error):
        return leave_to_human(task, error)
    others = alternatives(task, calendar, zone=booking.timezone, instead_of=booking.start)
    return refused(TAKEN, timezone=booking.timezone, slots=others) if others else refused(TAKEN_NO_MORE)


def _ask_more(
    task: Task, calendar: Calendar, attendee: _Attendee, error: Rejected, *, slug: str, may_repeat: bool
) -> Result:
    """Answer what the event type asks for with what is known of the lead and book again, or ask the lead."""
    fields = learn_fields(task, calendar, refused_slug=slug)
    filled = fill_in(task, fields, email=attendee.email, phone=attendee.phone)
    if slug in attendee.responses:
        # It was answered, and not as Cal.com wants it.
        return ask_for([each for each in fields if each.slug == slug])
    if filled.missing:
        return ask_for(filled.missing)
    return _try_to_book(task, may_repeat=False) if may_repeat else leave_to_human(task, error)


def _look_at_once(task: Task, booking: Booking, error: ProviderError) -> Result:
    """Cal.com may have it: ask, with the time that is left. Not found so soon, it may still come about."""
    journal_error(task.lead, BOOK, error, now=task.now)
    leave_unknown(booking, reason=error.reason, now=task.now)
    try:
        status = find_out(booking, now=task.now, timeout_s=timeout_s(task.left_s()))
    except Unavailable:
        status = Booking.Status.UNKNOWN
    if status != Booking.Status.BOOKED:
        leave_to_person(booking, now=task.now)
        return refused(CHECKING)
    booking.refresh_from_db()
    return _booked(booking)


def _booked(booking: Booking) -> Result:
    at = words(booking.start, timezone=booking.timezone)
    say = f"The consultation is booked: {at} ({booking.timezone}). The invitation goes to {booking.attendee_email}."
    if booking.awaits_host:
        say = f"The consultation is requested for {at} ({booking.timezone}). The host still has to confirm it by email."
    return done(booking=booking.told(), words=at, say=say)
