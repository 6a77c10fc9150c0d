"""How far a lead has come, and who moved it: every change leaves a line in its timeline."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from leads import alerts
from leads.models import Lead, LeadEvent

# From these the agent may move a lead on; the others end by a person's hand alone.
OPEN = (Lead.Status.NEW, Lead.Status.IN_CONVERSATION)


def change_status(
    lead_id: UUID,
    to: str,
    *,
    now: datetime,
    frm: Iterable[str] = OPEN,
    by_id: Any = None,
    reason: str = "",
    **fields: Any,
) -> bool:
    """Move a lead from one of `frm` to `to`, with other columns of it in the same UPDATE.

    False: it was elsewhere, or there already, and nothing changed.
    """
    with transaction.atomic():
        row = Lead.objects.filter(pk=lead_id, status__in=list(frm)).exclude(status=to)
        before = row.values_list("status", flat=True).first()
        # The status that was read is part of the condition: of two at once one moves it.
        if before is None or not row.filter(status=before).update(status=to, updated_at=now, **fields):
            return False
        data = {"from": before, "to": str(to), "reason": reason}
        LeadEvent.objects.create(lead_id=lead_id, kind=LeadEvent.Kind.STATUS, data=data, at=now, by_id=by_id)
        # Who moved it by hand knows already.
        if to == Lead.Status.NEEDS_HUMAN and by_id is None:
            alerts.remember(lead_id, reason=reason, now=now)
    return True
