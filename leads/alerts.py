"""Telling members by e-mail that leads need a human: remembered with the change of status, sent by the worker.

Each member once: who has the mail is remembered while others wait for it. Only who is killed between the server's
answer and the note of it sends one again.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPException, SMTPNotSupportedError, SMTPRecipientsRefused
from uuid import UUID, uuid4

from django.conf import settings
from django.core import mail
from django.db.models import F, Max, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from database import clock
from leads.links import without_links
from leads.models import Alert, Lead
from workspaces.connections import give_back
from workspaces.models import Membership, Workspace

logger = logging.getLogger(__name__)

# A workspace gets a mail so often at most; what comes meanwhile goes into the next.
SPACING = timedelta(minutes=5)
LEASE = timedelta(minutes=5)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=1)
KEPT = timedelta(days=30)
LISTED_AT_MOST = 20
# Nobody's absence notice answers it (RFC 3834).
HEADERS = {"Auto-Submitted": "auto-generated"}


def remember(lead_id: UUID, *, reason: str, now: datetime) -> None:
    """Write down that members are to be told of a lead, inside the caller's transaction. Test leads alert nobody."""
    if not settings.SENDS_EMAIL:
        return
    workspace_id = Lead.objects.filter(pk=lead_id, is_test=False).values_list("workspace_id", flat=True).first()
    if workspace_id is not None:
        Alert.objects.create(
            workspace_id=workspace_id, lead_id=lead_id, reason=reason[:255], created_at=now, due_at=now
        )


def find_recipients(workspace: Workspace) -> list[str]:
    """Return the addresses of the members who want to be told."""
    members = Membership.objects.filter(workspace=workspace, email_alerts=True, user__is_active=True)
    found = sorted(set(members.exclude(user__email="").values_list("user__email", flat=True)))
    if not found:
        logger.warning("workspace %s: somebody is needed and no member is told by e-mail", workspace.pk)
    return found


def sweep(*, now: datetime, limit: int) -> int:
    """Send what is due, one mail a workspace and recipient. Returns how many leads were told of."""
    due = Alert.objects.filter(due_at__lte=now).order_by().values_list("workspace_id", flat=True).distinct()
    told = 0
    for workspace in Workspace.objects.filter(pk__in=list(due[:limit])):
        rows = _claim(workspace, now=now)
        if not rows:
            continue
        mine = Alert.objects.filter(claim=rows[0].claim)
        try:
            all_told = _send(workspace, rows, mine, now=now)
        except (SMTPException, OSError) as error:
            # One server sends for all: nobody else's mail would go, and each would wait for the same time-out.
            logger.warning("the mail server does not answer: %s", type(error).__name__)
            _put_off(Alert.objects.filter(Q(due_at__lte=now) | Q(claim=rows[0].claim)), now=now)
            break
        if not all_told:
            _put_off(mine, now=now)
            continue
        told += len(rows)
        _done(mine)
    return told


def find_expired(*, now: datetime) -> list[QuerySet[Alert]]:
    """Find the alerts that have served their time."""
    return [Alert.objects.filter(created_at__lt=now - KEPT)]


def _claim(workspace: Workspace, *, now: datetime) -> list[Alert]:
    """Take all of a workspace's alerts that are due, unless it had a mail just now, or another worker has them."""
    waiting = Alert.objects.filter(workspace=workspace, due_at__lte=now)
    lately = Alert.objects.filter(workspace=workspace, told_at__gt=now - SPACING).order_by("-told_at")
    if (told_at := lately.values_list("told_at", flat=True).first()) is not None:
        waiting.update(due_at=told_at + SPACING)
        return []
    claim = uuid4()
    waiting.update(claim=claim, due_at=now + LEASE, attempts=F("attempts") + 1)
    return list(Alert.objects.filter(claim=claim, due_at__isnull=False).select_related("lead").order_by("pk"))


def _done(rows: QuerySet[Alert]) -> None:
    # The reason may say something about a person, and nobody reads it here any more.
    rows.update(due_at=None, claim=None, reason="", told_to=[])


def _put_off(rows: QuerySet[Alert], *, now: datetime) -> None:
    """Try again later, each time a little later; give up, loudly, after a day."""
    old = rows.filter(created_at__lt=now - GIVEN_UP_AFTER)
    if given_up := old.count():
        logger.error("%d alerts are given up: the mail server did not take them for a day", given_up)
        _done(old)
    attempts = rows.aggregate(most=Max("attempts"))["most"] or 1
    wait = min(FIRST_WAIT * 2 ** min(attempts - 1, 9), LONGEST_WAIT)
    rows.filter(due_at__isnull=False).update(due_at=now + wait)


def _send(workspace: Workspace, rows: list[Alert], mine: QuerySet[Alert], *, now: datetime) -> bool:
    """Send each member what they have not been told yet. False: some are to be asked for again."""

    def untold(recipient: str) -> list[Alert]:
        return [row for row in rows if recipient not in row.told_to]

    def note(recipient: str) -> None:
        for row in untold(recipient):
            row.told_to.append(recipient)
        Alert.objects.bulk_update(rows, ["told_to"])
        # A slow server gets its time: the lease begins anew with each mail.
        mine.update(told_at=now, due_at=max(clock.now(), now) + LEASE)

    waiting = [recipient for recipient in find_recipients(workspace) if untold(recipient)]
    return mail_members(workspace, waiting, lambda recipient: _write(workspace, untold(recipient)), note=note)


def mail_members(
    workspace: Workspace,
    recipients: list[str],
    write: Callable[[str], tuple[str, str]],
    *,
    note: Callable[[str], None],
) -> bool:
    """Send each their mail, a subject and a text. Raises SMTPException or OSError where the server takes no more.

    `note` hears of each with whom it is done: who was told, and who can never be written to. False: some were refused
    for now. One who is refused keeps it from nobody else.
    """
    all_done = True
    give_back()
    with mail.get_connection() as connection:
        for recipient in recipients:
            subject, body = write(recipient)
            give_back()
            try:
                mail.EmailMessage(subject, body, to=[recipient], connection=connection, headers=HEADERS).send()
            except (SMTPRecipientsRefused, SMTPNotSupportedError, SMTPDataError, ValueError) as refusal:
                logger.warning("workspace %s: a member's mail is refused: %s", workspace.pk, type(refusal).__name__)
                if _is_temporary(refusal):
                    all_done = False
                    continue
            note(recipient)
    return all_done


def _is_temporary(refusal: Exception) -> bool:
    """Say whether a refusal may end by itself, as that of a server that wants to be asked twice: 4xx (RFC 5321)."""
    if isinstance(refusal, SMTPDataError):
        return refusal.smtp_code < 500
    return isinstance(refusal, SMTPRecipientsRefused) and any(code < 500 for code, _said in refusal.recipients.values())


def _write(workspace: Workspace, rows: list[Alert]) -> tuple[str, str]:
    """Write a mail's subject and text. Phones and what leads wrote stay in the console, but for the name.

    Anyone can type a name into a form, so neither it nor a reason may become a link in a mail from our address.
    """
    leads = {row.lead_id: row for row in rows}
    page = reverse("admin:lead-list", args=[workspace.slug])
    context = {
        "workspace": workspace,
        "alerts": [
            {
                "name": _name(row.lead),
                "reason": _plain(without_links(_without_phone(row))),
                "at": row.created_at,
                "url": f"{settings.PUBLIC_BASE_URL}{reverse('admin:lead-page', args=[workspace.slug, row.lead_id])}",
            }
            for row in list(leads.values())[:LISTED_AT_MOST]
        ],
        "more": max(0, len(leads) - LISTED_AT_MOST),
        "list_url": f"{settings.PUBLIC_BASE_URL}{page}?status=needs_human&kind=live",
        "settings_url": f"{settings.PUBLIC_BASE_URL}{reverse('admin:alerts', args=[workspace.slug])}",
    }
    subject = _subject(workspace, [row.lead for row in leads.values()])
    return _plain(subject), render_to_string("leads/alert.txt", context)


def _subject(workspace: Workspace, leads: list[Lead]) -> str:
    """Name who needs a human, as the leads' pages say it; where nobody does, of whom there are news."""
    needed = [lead for lead in leads if lead.status == Lead.Status.NEEDS_HUMAN]
    named = needed or leads
    values = {"workspace": workspace.name, "name": _name(named[0]), "count": len(named)}
    if len(named) == 1:
        one = _("%(workspace)s: “%(name)s” needs a human") if needed else _("%(workspace)s: news of “%(name)s”")
        return one % values
    many = _("%(workspace)s: %(count)d leads need a human") if needed else _("%(workspace)s: news of %(count)d leads")
    return many % values


def _name(lead: Lead) -> str:
    return _plain(without_links(lead.name)) or _("no name")


def _without_phone(row: Alert) -> str:
    """Take the phone out of a reason: a provider's refusal may name it."""
    digits = row.lead.phone.removeprefix("+")
    return row.reason.replace(f"+{digits}", "…").replace(digits, "…") if digits else row.reason


def _plain(text: str) -> str:
    """Put text on one line, without what a mail's header or a terminal would act on."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
