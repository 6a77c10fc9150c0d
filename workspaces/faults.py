"""Faults of a workspace's accounts at providers: its pages show them until something works again."""

import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef

from workspaces.models import Fault, Integration

MAX_REASON_CHARS = 500
MAX_CODE_CHARS = 160
# Every lead meets the same fault. Who has just written it down doesn't do so again.
NOTED_FOR_S = 30.0
MAX_REMEMBERED = 10_000
_noted: dict[tuple[UUID, str, str], float] = {}


def note_fault(*, workspace_id: UUID, provider: str, code: str, reason: str, now: datetime) -> None:
    """Write down that the account is not in order. `reason` tells an operator what to do."""
    code, key = code[:MAX_CODE_CHARS], (workspace_id, provider, code[:MAX_CODE_CHARS])
    if time.monotonic() < _noted.get(key, 0.0):
        return
    row = Fault(
        workspace_id=workspace_id,
        provider=provider,
        code=code,
        reason=reason.replace("\x00", "")[:MAX_REASON_CHARS],
        since=now,
        at=now,
    )
    told = Fault.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["workspace", "provider"],
        update_fields=["code", "reason", "at"],
    )
    if told:
        _remember(key)


def mend_fault(
    *, workspace_id: UUID, provider: str, before: datetime, proves: Callable[[str], bool] = lambda code: True
) -> bool:
    """Take the notice back, because what began at `before` has worked. False: there was none that this disproves.

    `proves` tells by the code of a fault whether it is gone with that.
    """
    found = Fault.objects.filter(workspace_id=workspace_id, provider=provider, at__lt=before)
    code = found.values_list("code", flat=True).first()
    if code is None or not proves(code):
        return False
    _noted.clear()
    return bool(found.filter(code=code).delete()[0])


def dismiss_fault(*, workspace_id: UUID, provider: str) -> None:
    """Take the notice back, because a person says that it is mended."""
    _noted.clear()
    Fault.objects.filter(workspace_id=workspace_id, provider=provider).delete()


def standing_faults(workspace_id: UUID) -> list[Fault]:
    """List what is wrong; an account that was changed here since is given the benefit of the doubt."""
    same = Integration.objects.filter(workspace_id=OuterRef("workspace_id"), provider=OuterRef("provider"))
    found = Fault.objects.filter(Exists(same.filter(updated_at__lte=OuterRef("at"))), workspace_id=workspace_id)
    return list(found.order_by("provider"))


def forget_noted() -> None:
    """Write each fault down at its next meeting."""
    _noted.clear()


def _remember(key: tuple[UUID, str, str]) -> None:
    if len(_noted) >= MAX_REMEMBERED:
        _noted.clear()
    _noted[key] = time.monotonic() + NOTED_FOR_S
