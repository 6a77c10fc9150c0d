"""A human takes the conversation, and gives it back: in between the agent says nothing."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from leads.channels import get_channel
from leads.models import Lead, LeadEvent


def take_over(lead_id: UUID, *, by_id: Any, now: datetime) -> bool:
    """Silence the agent at once. False: somebody has it already."""
    return _set(lead_id, by_id=by_id, now=now, taken=True)


def hand_back(lead_id: UUID, *, by_id: Any, now: datetime) -> bool:
    """Let the agent go on; it reads what was said meanwhile. False: it had it."""
    return _set(lead_id, by_id=by_id, now=now, taken=False)


def is_taken_over(lead_id: UUID) -> bool:
    """Tell whether a human has the conversation now: asked anew in the moment before anything is sent."""
    return Lead.objects.filter(pk=lead_id, taken_over_at__isnull=False).exists()


def _set(lead_id: UUID, *, by_id: Any, now: datetime, taken: bool) -> bool:
    with transaction.atomic():
        rows = Lead.objects.filter(pk=lead_id, taken_over_at__isnull=taken)
        after = {"taken_over_at": now if taken else None, "taken_over_by": by_id if taken else None}
        if not rows.update(**after, updated_at=now):
            return False
        kind = LeadEvent.Kind.TAKEN_OVER if taken else LeadEvent.Kind.HANDED_BACK
        LeadEvent.objects.create(lead_id=lead_id, kind=kind, at=now, by_id=by_id)
        if not taken:
            lead = Lead.objects.select_related("workspace").get(pk=lead_id)
            get_channel(lead.channel).handed_back(lead, now=now)
    return True
