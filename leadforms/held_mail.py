"""Telling members by e-mail, once a day, that submissions wait which may be people's: the worker sends it.

Each member once; what a mail server did not take is tried again.
"""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Value
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from database import clock
from leadforms import spam
from leadforms.models import ContactsOfDay, HeldSubmission
from leads import alerts
from workspaces.models import Workspace

logger = logging.getLogger(__name__)
Reason = HeldSubmission.Reason
# Of what no person does nobody is told: there is always some of it.
LIKELY_PEOPLE = (Reason.MANY_FROM_IP, Reason.MANY_FOR_FORM, Reason.DAILY_CAP)
TRIED_AGAIN_AFTER = timedelta(minutes=15)


def remember(workspace_id: UUID, reason: Reason, *, now: datetime) -> None:
    """Write down that members are to be told, inside the caller's transaction."""
    if reason not in LIKELY_PEOPLE or not settings.SENDS_EMAIL:
        return
    today = spam.make_today(Workspace.objects.get(pk=workspace_id), now=now)
    # Written also where it changes nothing: the worker, about to find that nothing waits, waits for this transaction.
    today.filter(told=False).update(tell_at=Coalesce("tell_at", Value(now)))


def sweep(*, now: datetime, limit: int) -> int:
    """Send what is due. Returns how many workspaces were told."""
    told = 0
    for row in ContactsOfDay.objects.filter(tell_at__lte=now).select_related("workspace").order_by("tell_at")[:limit]:
        counts = _claim(row, now=now)
        if not counts:
            continue
        try:
            all_told = _tell(row, counts, now=now)
        except (SMTPException, OSError) as error:
            logger.warning("members could not be told of held submissions: %s", type(error).__name__)
            # One server sends for all: each would wait for the same time-out.
            break
        if all_told:
            told += 1
            ContactsOfDay.objects.filter(pk=row.pk).update(tell_at=None, told=True, told_to=[])
    return told


def _claim(row: ContactsOfDay, *, now: datetime) -> dict[str, int]:
    """Take a day's mail, and count what waits by its reason; {} where another worker has it, or nothing waits."""
    mine = ContactsOfDay.objects.filter(pk=row.pk)
    # Counted with the row in hand: what is stored in this moment is counted, or asks for a mail anew.
    with transaction.atomic():
        if not mine.filter(tell_at=row.tell_at).update(tell_at=now + TRIED_AGAIN_AFTER):
            return {}
        counts = _count_waiting(row.workspace)
        if not counts:
            # All was decided on meanwhile; what comes later today is told of.
            mine.update(tell_at=None)
    return counts


def _count_waiting(workspace: Workspace) -> dict[str, int]:
    waiting = HeldSubmission.objects.waiting().filter(workspace=workspace, reason__in=LIKELY_PEOPLE).order_by()
    return dict(waiting.values_list("reason").annotate(Count("pk")))


def _tell(row: ContactsOfDay, counts: dict[str, int], *, now: datetime) -> bool:
    """Write to the members who have no such mail of that day. False: some are to be asked for again."""
    workspace = row.workspace
    context = {
        "workspace": workspace,
        "reasons": [(counts[reason.value], reason.label) for reason in LIKELY_PEOPLE if reason.value in counts],
        "url": f"{settings.PUBLIC_BASE_URL}{reverse('admin:form-held', args=[workspace.slug])}",
        "settings_url": f"{settings.PUBLIC_BASE_URL}{reverse('admin:alerts', args=[workspace.slug])}",
    }
    name = " ".join(workspace.name.split())
    subject = _("%(workspace)s: submissions of your form wait for you") % {"workspace": name}
    body = render_to_string("leadforms/held.txt", context)

    def note(recipient: str) -> None:
        row.told_to.append(recipient)
        # A slow server gets its time: the lease begins anew with each mail.
        lease_end = max(clock.now(), now) + TRIED_AGAIN_AFTER
        ContactsOfDay.objects.filter(pk=row.pk).update(told_to=row.told_to, tell_at=lease_end)

    waiting = [recipient for recipient in alerts.find_recipients(workspace) if recipient not in row.told_to]
    return alerts.mail_members(workspace, waiting, lambda _recipient: (subject, body), note=note)
