"""What leads wrote while the agent was switched off: answered once it is on again, or left to a person in time."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from leads.insert import PAUSED
from leads.models import Lead
from leads.suppression import is_suppressed
from whatsapp.delivery import leave_to_human
from whatsapp.guard import WORDS
from whatsapp.models import AgentTurn
from whatsapp.waiting import answer_now, has_last_word
from whatsapp.window import WINDOW, window_of

# A person is told after so long: the window is still open then, and a short pause troubles nobody.
TOLD_AFTER = timedelta(hours=1)
TOLD = "paused_told"
SEEN = "paused_seen"
ANSWERS = "The agent was switched off; it took this up when it was on again."
NOBODY = "The lead wrote while the agent was switched off, and nobody has answered."


def sweep(*, now: datetime, limit: int) -> int:
    """Look at leads whose messages met a switch that was off. Returns at how many something was done."""
    # In this order: SQLite reads past what a turn has said to get at its code.
    held = AgentTurn.objects.filter(state=AgentTurn.State.STOPPED).filter(code__in=AgentTurn.PAUSED)
    due = Q(workspace__agent_enabled=True) | Q(finished_at__lte=now - WINDOW)
    due |= Q(code=PAUSED, finished_at__lte=now - TOLD_AFTER)
    rows = held.filter(due).order_by("finished_at").values_list("lead_id", flat=True)[:limit]
    return sum(_catch_up(lead_id, now=now) for lead_id in dict.fromkeys(rows))


def _catch_up(lead_id: UUID, *, now: datetime) -> bool:
    """Have a lead answered, or left to a person. False: another worker was faster, or nothing is to be done."""
    held = AgentTurn.objects.filter(lead_id=lead_id, state=AgentTurn.State.STOPPED, code__in=AgentTurn.PAUSED)
    with transaction.atomic():
        # The lead first, as whoever erases it or takes a message in.
        rows = Lead.objects.select_related("workspace").select_for_update(of=("self",), no_key=True)
        if (lead := rows.filter(pk=lead_id).first()) is None:
            return False
        can_answer = window_of(lead, now=now).open
        is_told = held.filter(code=TOLD).exists()
        if not held.update(code=SEEN if lead.workspace.agent_enabled or not can_answer else TOLD):
            return False
        if not _waits(lead):
            return False
        if lead.workspace.agent_enabled and can_answer:
            AgentTurn.objects.filter(lead_id=lead.pk, code=SEEN, reason=WORDS[PAUSED]).update(reason=ANSWERS)
            answer_now(lead, now=now)
        elif not is_told:
            leave_to_human(lead.pk, reason=NOBODY, code=PAUSED, now=now)
    return True


def _waits(lead: Lead) -> bool:
    """Tell whether the lead waits for an answer that is the agent's to give."""
    return lead.taken_over_at is None and not is_suppressed(lead.workspace_id, lead.phone) and has_last_word(lead)
