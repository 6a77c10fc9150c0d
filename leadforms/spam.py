"""What gives a submission away as spam, before it costs a call.

Nothing here refuses anybody: what is caught is held, and staff can release it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import F, QuerySet, Sum
from django.utils.crypto import salted_hmac

from apikeys import limits
from leadforms.models import ContactsOfDay, HeldSubmission, LeadForm
from leadforms.tokens import Token
from leads.links import has_link
from webapi.client_ip import network_of
from workspaces.models import Workspace

Reason = HeldSubmission.Reason
# A person whose browser fills in the whole form still has to tick the consent and press the button.
QUICK_S = 5.0


def find_reason(
    *, form: LeadForm, token: Token, honeypot: str, name: str, texts: Sequence[str], ip: str | None, now: datetime
) -> Reason | None:
    """Return what gives a valid submission away, None if nothing does; count it toward the form's limits.

    `texts` are the answers in the visitor's own words. The hidden field (`honeypot`) never decides alone, because
    browsers and password managers may fill it in: it takes haste or the content of an answer as well.
    What is caught counts no further: nobody can fill up a form's hour with what never reached it. While Redis is away
    nothing is counted and everything passes. May call Redis, so no transaction should be open.
    """
    if honeypot and (token.age_s(now) < QUICK_S or _is_machine_made(name, texts)):
        return Reason.HONEYPOT
    if token.age_s(now) < settings.FORM_MIN_SECONDS:
        return Reason.TOO_FAST
    # A greeting by such a name would carry a stranger's advertisement to the phone's owner.
    if has_link(name):
        return Reason.LINK_IN_NAME
    network = network_of(ip)
    # Counted for each form: what one business' visitors do must not shut out another's.
    by_address = limits.Window("form-ip", 600, settings.FORM_LIMIT_PER_IP)
    if network and not limits.let_through(f"form:{form.pk}:{_hide(network)}", by_address):
        return Reason.MANY_FROM_IP
    by_form = limits.Window("form-hour", 3600, settings.FORM_LIMIT_PER_HOUR)
    if not limits.let_through(f"form:{form.pk}", by_form):
        return Reason.MANY_FOR_FORM
    return None


def _is_machine_made(name: str, texts: Sequence[str]) -> bool:
    """Return whether the answers are as machines write them: with links, or the same everywhere."""
    return name in texts or any(has_link(text) for text in texts)


def take_contact(form: LeadForm, *, now: datetime) -> bool:
    """Take one of the day's contacts. False: the form's daily cap is reached; with a cap of 0 it always is.

    Part of the caller's transaction: where it is rolled back (the phone was known already, say) nothing was taken.
    Exactly as many succeed as the cap says, however many try at once.
    """
    if not form.daily_cap:
        return False
    left = today_of(form.workspace, now=now).filter(count__lt=form.daily_cap)
    if left.update(count=F("count") + 1):
        return True
    make_today(form.workspace, now=now)
    return left.update(count=F("count") + 1) == 1


def count_made_way(workspace: Workspace, number: int, *, now: datetime) -> None:
    """Count held submissions that were deleted because too many waited; part of the caller's transaction."""
    make_today(workspace, now=now).update(made_way=F("made_way") + number)


def contacts_taken(form: LeadForm, *, now: datetime) -> int:
    """Return how many of today's contacts are used."""
    return today_of(form.workspace, now=now).values_list("count", flat=True).first() or 0


def made_way(workspace: Workspace) -> int:
    """Return how many held submissions were deleted because too many waited, as far back as days are kept."""
    return ContactsOfDay.objects.filter(workspace=workspace).aggregate(all=Sum("made_way"))["all"] or 0


def make_today(workspace: Workspace, *, now: datetime) -> QuerySet[ContactsOfDay]:
    """Make the row of the workspace's day where there is none, and return it as `today_of` does."""
    row = ContactsOfDay(workspace=workspace, day=_day_of(workspace, now=now))
    ContactsOfDay.objects.bulk_create([row], ignore_conflicts=True)
    return today_of(workspace, now=now)


def today_of(workspace: Workspace, *, now: datetime) -> QuerySet[ContactsOfDay]:
    """Find the row of the day that it is on the workspace's own calendar."""
    return ContactsOfDay.objects.filter(workspace=workspace, day=_day_of(workspace, now=now))


def _day_of(workspace: Workspace, *, now: datetime) -> date:
    return now.astimezone(ZoneInfo(workspace.timezone)).date()


def _hide(network: str) -> str:
    """Write an address so that a counter's name does not tell it."""
    return salted_hmac("leadforms.spam", network, algorithm="sha256").hexdigest()[:32]
