"""Leads whom nobody has reached: the call was made, nobody answered, and nothing more is planned."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from leads.channels import get_channel
from leads.models import Dispatch, Lead, LeadQuerySet

# Beside the statuses in the console's filter. The lead itself stays `new`, as the API shows it.
NO_ANSWER = "no_answer"
LABEL = _("No answer")


def unreached(leads: LeadQuerySet, *, channel: str) -> LeadQuerySet:
    """Keep the new leads of a channel whose last contact reached nobody and who are not contacted again."""
    promised = Dispatch.objects.filter(lead_id=OuterRef("pk"), status__in=Dispatch.OPEN)
    return get_channel(channel).unreached(leads).exclude(Exists(promised))


def unreached_of(leads: Sequence[Lead], *, channel: str) -> set[UUID]:
    """Name those of some leads of one workspace whom nobody has reached."""
    ids = [lead.pk for lead in leads if lead.status == Lead.Status.NEW]
    return (
        set(unreached(Lead.objects.filter(pk__in=ids), channel=channel).values_list("pk", flat=True)) if ids else set()
    )
