"""A calendar that can't be booked as it is set up: the lead goes to a human, and the workspace learns what to do."""

from datetime import datetime

from agents.task import Result, Task, refused
from leads.models import Lead
from leads.status import OPEN, change_status
from providers.calcom_refusals import set_up_problem
from providers.errors import ProviderError
from workspaces.faults import mend_fault, note_fault
from workspaces.models import Integration

ACCOUNT = "The calendar takes no bookings. Say that a person of the team will get in touch to arrange the time."
# What the answer to a look at free times disproves.
_SHOWN_BY_SLOTS = frozenset({"key", "event_type"})


def leave_to_human(task: Task, error: ProviderError) -> Result:
    """Hand the lead over because Cal.com refuses for a reason that neither they nor another time can change."""
    reason = tell_workspace(task.lead, error, now=task.now)
    change_status(task.lead.pk, Lead.Status.NEEDS_HUMAN, now=task.now, frm=OPEN, reason=reason)
    return refused(ACCOUNT)


def tell_workspace(lead: Lead, error: ProviderError, *, now: datetime) -> str:
    """Have the workspace's pages say what is wrong with its calendar. Returns the reason in an operator's words."""
    problem = set_up_problem(error)
    if problem is None:
        return error.reason
    reason = f"{problem.advice} ({error.reason})"
    calcom = Integration.Provider.CALCOM
    note_fault(workspace_id=lead.workspace_id, provider=calcom, code=problem.code, reason=reason, now=now)
    return reason


def has_booked(lead: Lead, *, now: datetime) -> None:
    """Take back what the workspace's pages say of its calendar: it was booked."""
    mend_fault(workspace_id=lead.workspace_id, provider=Integration.Provider.CALCOM, before=now)


def has_slots(lead: Lead, *, now: datetime) -> None:
    """Take back what an answer about free times disproves."""
    mend_fault(
        workspace_id=lead.workspace_id,
        provider=Integration.Provider.CALCOM,
        before=now,
        proves=lambda code: code in _SHOWN_BY_SLOTS,
    )
