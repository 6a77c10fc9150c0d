"""What a call needs to know of its workspace, read with one query."""

import logging
import time
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from agents.prompt import Business, business_of
from leads.hours import Hours, hours_of
from providers.errors import Rejected
from workspaces.models import Integration
from workspaces.secrets import SecretUnreadable

logger = logging.getLogger(__name__)

NOT_CONNECTED = "Vapi is not connected in this workspace."
UNREADABLE = "the Vapi credentials of this workspace can't be read: an encryption key is missing."
NO_ASSISTANT = "no assistant is chosen in this workspace's Vapi settings."
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """In whose name, with whose account and from which number a call is made."""

    api_key: str = field(repr=False)
    assistant_id: str
    phone_number_id: str
    webhook_secret: str = field(repr=False)
    business: Business
    # None: at any.
    hours: Hours | None = None


_remembered: dict[UUID, tuple[float, Caller]] = {}


def caller_of(workspace_id: UUID) -> Caller:
    """Read a workspace's Vapi account; remembered for VAPI_ACCOUNT_CACHE_S, so a disconnect works that much later.

    Raises Rejected, worded for the operator, where the workspace can't call.
    """
    known = _remembered.get(workspace_id)
    if known is not None and time.monotonic() < known[0]:
        return known[1]
    caller = _read(workspace_id)
    if len(_remembered) >= MAX_REMEMBERED:
        _remembered.clear()
    _remembered[workspace_id] = (time.monotonic() + settings.VAPI_ACCOUNT_CACHE_S, caller)
    return caller


def forget_callers() -> None:
    """Read every account anew at its next call."""
    _remembered.clear()


def _read(workspace_id: UUID) -> Caller:
    rows = Integration.objects.filter(workspace_id=workspace_id, provider=Integration.Provider.VAPI)
    try:
        integration = rows.select_related("workspace").first()
        credentials = integration.read_credentials() if integration else {}
    except SecretUnreadable:
        logger.exception("Vapi credentials of workspace %s", workspace_id)
        raise Rejected(UNREADABLE) from None
    if integration is None or not credentials.get("api_key"):
        raise Rejected(NOT_CONNECTED)
    if not credentials.get("assistant_id"):
        raise Rejected(NO_ASSISTANT)
    workspace = integration.workspace
    return Caller(
        api_key=credentials["api_key"],
        assistant_id=credentials["assistant_id"],
        phone_number_id=credentials.get("phone_number_id", ""),
        webhook_secret=integration.webhook_secret,
        business=business_of(workspace),
        hours=hours_of(workspace),
    )
