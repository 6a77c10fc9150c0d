"""Erasing leads: the person and all that hangs on it, here at once and at the providers as soon as they do it."""

from datetime import datetime

from django.conf import settings
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.db import transaction
from django.utils.module_loading import import_string

from leads import erasures
from leads.channels import get_channel
from leads.models import Dispatch, Lead, LeadQuerySet
from leads.suppression import forget_phone
from workspaces.models import LogEntry

ERASED = "(erased)"


def erase_leads(leads: LeadQuerySet, *, now: datetime) -> int:
    """Erase leads with their dispatches, calls, messages and journal entries; their phones are free again.

    What providers keep of them is written down in the same transaction, for the worker to have deleted. A stop
    stays in force without the phone. Returns how many leads there were.
    """
    erased = 0
    for lead in leads.order_by("pk").iterator(chunk_size=500):
        with transaction.atomic():
            _lock(lead)
            erasures.remember(get_channel(lead.channel).forget(lead.pk), workspace_id=lead.workspace_id, now=now)
            traces = LogEntry.objects.filter(workspace_id=lead.workspace_id)
            traces.filter(lead_id=lead.pk).delete()
            refused = traces.filter(submission__isnull=False, submission__phone=lead.phone)
            refused.filter(submission__is_test=lead.is_test).delete()
            for path in settings.FORGET_WITH_LEAD:
                import_string(path)(lead)
            # Django admin notes a name with each change it makes.
            noted = AdminLogEntry.objects.filter(content_type__app_label="leads", object_id=str(lead.pk))
            noted.update(object_repr=ERASED, change_message="")
            if not Lead.objects.filter(workspace_id=lead.workspace_id, phone=lead.phone).exclude(pk=lead.pk).exists():
                forget_phone(workspace_id=lead.workspace_id, phone=lead.phone)
            erased += 1 if Lead.objects.filter(pk=lead.pk).delete()[0] else 0
    return erased


def _lock(lead: Lead) -> None:
    """Let nothing be added to a lead any more: what is known of it by now is listed, who comes later finds it gone.

    Its dispatches first, in the order in which the checks of a new call's foreign keys lock them.
    """
    list(Dispatch.objects.select_for_update().filter(lead_id=lead.pk).order_by("pk"))
    list(Lead.objects.select_for_update().filter(pk=lead.pk))
