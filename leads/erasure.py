"""Erasing leads: the person and all that hangs on it."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from leads.channels import get_channel
from leads.models import Lead, LeadQuerySet
from workspaces.models import LogEntry


def erase_leads(leads: LeadQuerySet, *, now: datetime) -> int:
    """Erase leads with their dispatches, calls, messages and journal entries; their phones are free again.

    Returns how many there were.
    """
    erased = 0
    for lead in leads.order_by("pk").iterator(chunk_size=500):
        with transaction.atomic():
            get_channel(lead.channel).forget(lead.pk)
            traces = Q(lead_id=lead.pk) | Q(submission__phone=lead.phone, submission__is_test=lead.is_test)
            LogEntry.objects.filter(traces, workspace_id=lead.workspace_id).delete()
            erased += 1 if Lead.objects.filter(pk=lead.pk).delete()[0] else 0
    return erased
