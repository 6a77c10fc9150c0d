"""Erasing leads: the person and all that hangs on it."""

from datetime import datetime

from django.conf import settings
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.db import transaction
from django.utils.module_loading import import_string

from leads.channels import get_channel
from leads.models import Lead, LeadQuerySet
from workspaces.models import LogEntry

ERASED = "(erased)"


def erase_leads(leads: LeadQuerySet, *, now: datetime) -> int:
    """Erase leads with their dispatches, calls, messages and journal entries; their phones are free again.

    Returns how many there were.
    """
    erased = 0
    for lead in leads.order_by("pk").iterator(chunk_size=500):
        with transaction.atomic():
            get_channel(lead.channel).forget(lead.pk)
            traces = LogEntry.objects.filter(workspace_id=lead.workspace_id)
            traces.filter(lead_id=lead.pk).delete()
            refused = traces.filter(submission__isnull=False, submission__phone=lead.phone)
            refused.filter(submission__is_test=lead.is_test).delete()
            for path in settings.FORGET_WITH_LEAD:
                import_string(path)(lead)
            # Django admin notes a name with each change it makes.
            noted = AdminLogEntry.objects.filter(content_type__app_label="leads", object_id=str(lead.pk))
            noted.update(object_repr=ERASED, change_message="")
            erased += 1 if Lead.objects.filter(pk=lead.pk).delete()[0] else 0
    return erased
