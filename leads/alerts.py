"""Telling members by e-mail that leads need a human: remembered with the change of status, sent by the worker.

At least once: a mail server that took some of the recipients and then failed is given all of them again.
"""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPException, SMTPNotSupportedError, SMTPRecipientsRefused
from urllib.parse import urljoin
from uuid import UUID, uuid4

from django.conf import settings
from django.core import mail
from django.db.models import F, Max, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads.models import Alert, Lead
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
    return sorted(set(members.exclude(user__email="").values_list("user__email", flat=True)))


def sweep(*, now: datetime, limit: int) -> int:
    """Send what is due, one mail a workspace and recipient. Returns how many leads were told of."""
    due = Alert.objects.filter(due_at__lte=now).order_by().values_list("workspace_id", flat=True).distinct()
    told = 0
    for workspace in Workspace.objects.filter(pk__in=list(due[:limit])):
        rows = _claim(workspace, now=now)
        if not rows:
            continue
        try:
            _send(workspace, rows)
        except SMTPRecipientsRefused:
            _put_off(Alert.objects.filter(claim=rows[0].claim), now=now)
            continue
        except (SMTPException, OSError) as error:
            # One server sends for all: nobody else's mail would go, and each would wait for the same time-out.
            logger.warning("the mail server does not answer: %s", error)
            _put_off(Alert.objects.filter(Q(due_at__lte=now) | Q(claim=rows[0].claim)), now=now)
            break
        told += len(rows)
        _done(Alert.objects.filter(pk__in=[row.pk for row in rows]), told_at=now)
    return told


def find_expired(*, now: datetime) -> list[QuerySet[Alert]]:
    """Find the alerts that have served their time."""
    return [Alert.objects.filter(created_at__lt=now - KEPT)]


def _claim(workspace: Workspace, *, now: datetime) -> list[Alert]:
    """Take all of a workspace's alerts that are due, unless it had a mail just now, or another worker has them."""
    waiting = Alert.objects.filter(workspace=workspace, due_at__lte=now)
    last = Alert.objects.filter(workspace=workspace, told_at__gt=now - SPACING).order_by("-told_at").first()
    if last is not None and last.told_at is not None:
        waiting.update(due_at=last.told_at + SPACING)
        return []
    claim = uuid4()
    waiting.update(claim=claim, due_at=now + LEASE, attempts=F("attempts") + 1)
    return list(Alert.objects.filter(claim=claim, due_at__isnull=False).select_related("lead").order_by("pk"))


def _done(rows: QuerySet[Alert], *, told_at: datetime | None) -> None:
    # The reason may say something about a person, and nobody reads it here any more.
    rows.update(due_at=None, claim=None, told_at=told_at, reason="")


def _put_off(rows: QuerySet[Alert], *, now: datetime) -> None:
    """Try again later, each time a little later; give up, loudly, after a day."""
    old = rows.filter(created_at__lt=now - GIVEN_UP_AFTER)
    if given_up := old.count():
        logger.error("%d alerts are given up: the mail server took them from nobody for a day", given_up)
        _done(old, told_at=None)
    attempts = rows.aggregate(most=Max("attempts"))["most"] or 1
    wait = min(FIRST_WAIT * 2 ** min(attempts - 1, 9), LONGEST_WAIT)
    rows.filter(due_at__isnull=False).update(due_at=now + wait)


def _send(workspace: Workspace, rows: list[Alert]) -> None:
    mail_members(workspace, *_write(workspace, rows))


def mail_members(workspace: Workspace, subject: str, body: str) -> None:
    """Send a mail to each member who wants it. Raises SMTPException or OSError where the server doesn't take any.

    SMTPRecipientsRefused means these members, for now. One who can never be written to keeps it from nobody else.
    """
    recipients = find_recipients(workspace)
    if not recipients:
        logger.warning("workspace %s: somebody is needed and no member is told by e-mail", workspace.pk)
        return
    sent, later = 0, None
    with mail.get_connection() as connection:
        for recipient in recipients:
            try:
                sent += mail.EmailMessage(subject, body, to=[recipient], connection=connection).send()
            except (SMTPRecipientsRefused, SMTPNotSupportedError, SMTPDataError, UnicodeError) as refusal:
                logger.warning("workspace %s: a member's mail is refused: %s", workspace.pk, type(refusal).__name__)
                if _is_temporary(refusal):
                    later = SMTPRecipientsRefused({})
    if later and not sent:
        raise later


def _is_temporary(refusal: Exception) -> bool:
    """Say whether a refusal may end by itself, as that of a server that wants to be asked twice: 4xx (RFC 5321)."""
    if isinstance(refusal, SMTPDataError):
        return refusal.smtp_code < 500
    return isinstance(refusal, SMTPRecipientsRefused) and any(code < 500 for code, _said in refusal.recipients.values())


def _write(workspace: Workspace, rows: list[Alert]) -> tuple[str, str]:
    """Write a mail's subject and text. Phones and what leads wrote stay in the console; a name is all there is."""
    leads = {row.lead_id: row for row in rows}
    values = {"workspace": workspace.name, "name": _plain(rows[0].lead.name), "count": len(leads)}
    if len(leads) == 1:
        subject = _("%(workspace)s: “%(name)s” needs a human") % values
    else:
        subject = ngettext(
            "%(workspace)s: %(count)d lead needs a human", "%(workspace)s: %(count)d leads need a human", len(leads)
        )
        subject = subject % values
    page = reverse("admin:lead-list", args=[workspace.slug])
    context = {
        "workspace": workspace,
        "alerts": [
            {
                "name": _plain(row.lead.name),
                "reason": _plain(row.reason),
                "at": row.created_at,
                "url": _address(reverse("admin:lead-page", args=[workspace.slug, row.lead_id])),
            }
            for row in list(leads.values())[:LISTED_AT_MOST]
        ],
        "more": max(0, len(leads) - LISTED_AT_MOST),
        "list_url": _address(f"{page}?status=needs_human&kind=live"),
        "settings_url": _address(reverse("admin:alerts", args=[workspace.slug])),
    }
    return _plain(subject), render_to_string("leads/alert.txt", context)


def _plain(text: str) -> str:
    """Put text on one line, without what a mail's header or a terminal would act on."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _address(path: str) -> str:
    return urljoin(settings.PUBLIC_BASE_URL + "/", path.lstrip("/"))
