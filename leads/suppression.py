"""Who said stop: no channel of the workspace dials or writes to that phone until they say otherwise."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from leads.insert import OPTED_OUT
from leads.models import Dispatch, Lead, LeadEvent, Suppression
from workspaces.models import Workspace


def phone_digest(workspace_id: UUID, phone: str) -> str:
    """Return what a phone (E.164) is known by in the list: it outlives the erasure of the phone itself."""
    return hashlib.sha256(f"{workspace_id.hex}:{phone}".encode()).hexdigest()


def is_suppressed(workspace_id: UUID, phone: str) -> bool:
    """Tell whether nobody may contact this phone."""
    return Suppression.objects.filter(
        workspace_id=workspace_id, phone_digest=phone_digest(workspace_id, phone)
    ).exists()


def opted_out_of(leads: Iterable[Lead], *, workspace: Workspace) -> set[UUID]:
    """Tell which of a workspace's leads nobody may contact."""
    digests = {phone_digest(workspace.pk, lead.phone): lead.pk for lead in leads}
    rows = Suppression.objects.filter(workspace=workspace, phone_digest__in=digests)
    return {digests[digest] for digest in rows.values_list("phone_digest", flat=True)}


def suppress(
    *, workspace_id: UUID, phone: str, reason: str, now: datetime, detail: str = "", by_id: Any = None
) -> bool:
    """Stop every contact with a phone: nothing waiting is sent, nothing new begins. False: it was stopped already.

    `reason` is one of Suppression.Reason. What is under way at a provider this moment can't be called back.
    """
    with transaction.atomic():
        _row, made = Suppression.objects.get_or_create(
            workspace_id=workspace_id,
            phone_digest=phone_digest(workspace_id, phone),
            defaults={
                "phone": phone,
                "reason": reason,
                "detail": detail[:255],
                "created_at": now,
                "created_by_id": by_id,
            },
        )
        _skip_waiting(workspace_id=workspace_id, phone=phone, now=now)
        if made:
            _note(workspace_id, phone, LeadEvent.Kind.OPTED_OUT, {"reason": reason, "detail": detail}, now, by_id)
    return made


def lift(*, workspace_id: UUID, phone: str, now: datetime, detail: str = "", by_id: Any = None) -> bool:
    """Let a phone be contacted again. Nothing is sent by this. False: it was not stopped."""
    with transaction.atomic():
        rows = Suppression.objects.filter(workspace_id=workspace_id, phone_digest=phone_digest(workspace_id, phone))
        if not rows.delete()[0]:
            return False
        _note(workspace_id, phone, LeadEvent.Kind.OPTED_IN, {"detail": detail}, now, by_id)
    return True


def forget_phone(*, workspace_id: UUID, phone: str) -> None:
    """Keep of an erased person's stop no more than what keeps it in force."""
    rows = Suppression.objects.filter(workspace_id=workspace_id, phone_digest=phone_digest(workspace_id, phone))
    rows.update(phone="", detail="")


def _skip_waiting(*, workspace_id: UUID, phone: str, now: datetime) -> None:
    waiting = Dispatch.objects.filter(
        workspace_id=workspace_id,
        lead__phone=phone,
        lead__workspace_id=workspace_id,
        status__in=[Dispatch.Status.PENDING, Dispatch.Status.QUEUED],
    )
    waiting.update(status=Dispatch.Status.SKIPPED, reason=OPTED_OUT, finished_at=now)


def _note(workspace_id: UUID, phone: str, kind: str, data: dict[str, Any], now: datetime, by_id: Any) -> None:
    leads = Lead.objects.filter(workspace_id=workspace_id, phone=phone)
    LeadEvent.objects.bulk_create(LeadEvent(lead=lead, kind=kind, data=data, at=now, by_id=by_id) for lead in leads)
