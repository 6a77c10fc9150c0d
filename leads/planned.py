"""When whom is contacted who waits for it: for an hour at which they may be called, or for the next try."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from leads.channels import get_channel
from leads.models import Dispatch, Lead, Suppression
from leads.status import OPEN
from workspaces.models import Workspace


def planned_at(leads: Sequence[Lead], *, workspace: Workspace, now: datetime) -> dict[UUID, datetime]:
    """Tell which of a workspace's leads the agent will contact later, and when.

    Who is left alone by then is missing: opted out, taken over, decided about, in a workspace that is paused.
    """
    ids = [lead.pk for lead in leads if lead.taken_over_at is None]
    if not ids or not workspace.agent_enabled:
        return {}
    found = dict(get_channel(workspace.channel).planned(ids))
    still_open = Q(lead__status__in=OPEN, lead__booking_uid__isnull=True)
    waiting = Dispatch.objects.filter(
        Q(retry_of__isnull=True) | still_open, lead_id__in=ids, status=Dispatch.Status.PENDING
    )
    found |= dict(waiting.values_list("lead_id", "due_at"))
    phones = {lead.pk: lead.phone for lead in leads if lead.pk in found}
    stopped = _stopped(workspace, phones.values()) if phones else set()
    return {lead_id: at for lead_id, at in found.items() if at > now and phones[lead_id] not in stopped}


def _stopped(workspace: Workspace, phones: Iterable[str]) -> set[str]:
    """Name those of the phones that nobody may contact: what waits for them is about to be taken back."""
    rows = Suppression.objects.filter(workspace=workspace, phone__in=phones)
    return set(rows.values_list("phone", flat=True))
