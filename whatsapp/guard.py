"""Whether a lead may be written to: asked anew in the moment before anything leaves."""

from uuid import UUID

from leads.insert import OPTED_OUT, PAUSED
from leads.models import Lead
from leads.suppression import is_suppressed

TAKEN_OVER = "taken_over"
GONE = "gone"
# For staff, where a code alone would stand in a timeline.
WORDS = {
    OPTED_OUT: "The lead has opted out.",
    PAUSED: "The agent is switched off.",
    TAKEN_OVER: "A person has taken over.",
    GONE: "The lead was deleted.",
}


def reason_to_hold(lead_id: UUID) -> str:
    """Say why the agent must not write to a lead now, "" where it may."""
    lead = Lead.objects.select_related("workspace").filter(pk=lead_id).first()
    if lead is None:
        return GONE
    if is_suppressed(lead.workspace_id, lead.phone):
        return OPTED_OUT
    if lead.taken_over_at is not None:
        return TAKEN_OVER
    return "" if lead.workspace.agent_enabled else PAUSED


def may_be_written_to(lead: Lead) -> bool:
    """Tell whether a person may write to a lead: whoever it is, an opt-out binds them."""
    return not is_suppressed(lead.workspace_id, lead.phone)
