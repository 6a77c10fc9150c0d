"""When whom is contacted who waits for it: for an hour at which they may be called, or for the next try."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from leads.channels import get_channel
from leads.models import Dispatch, Lead
from leads.status import OPEN
from workspaces.models import Workspace


def planned_at(leads: Sequence[Lead], *, workspace: Workspace, now: datetime) -> dict[UUID, datetime]:
    """Tell which of a workspace's leads the agent will contact later, and when.

    Who is left alone when the time comes is missing: taken over, decided about, in a workspace that is paused.
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
    return {lead_id: at for lead_id, at in found.items() if at > now}
