"""Leads that wait longer than they should: because the agent was switched off, or because nobody runs its turns.

What was written while it was off is answered once it is on again. A person is told in time for WhatsApp's window.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from leads.insert import PAUSED
from leads.models import Dispatch, Lead
from leads.status import OPEN, change_status
from leads.suppression import is_suppressed
from whatsapp.delivery import leave_to_human
from whatsapp.guard import WORDS
from whatsapp.models import AgentTurn
from whatsapp.waiting import answer_now, has_last_word
from whatsapp.window import WINDOW, window_of
from workspaces.models import Channel

# A person is told after so long: the window is still open then, and a short pause troubles nobody.
TOLD_AFTER = timedelta(hours=1)
TOLD = "paused_told"
SEEN = "paused_seen"
NOT_ANSWERED = "The agent has not answered within an hour: what runs its turns is away. It answers when that is back."
NOT_CONTACTED = "The first message has not gone out within an hour. It is sent as soon as it can be."
ANSWERS = "The agent was switched off; it took this up when it was on again."
NOBODY = "The lead wrote while the agent was switched off, and nobody has answered."


def sweep(*, now: datetime, limit: int) -> int:
    """Look at leads that wait. Returns about how many something was done."""
    return _answer_held(now=now, limit=limit) + _tell_of_late(now=now, limit=limit)


def _tell_of_late(*, now: datetime, limit: int) -> int:
    """Have a person look after those for whom nobody has come; it is done all the same once somebody does."""
    turns = AgentTurn.objects.filter(state=AgentTurn.State.WAITING, due_at__lte=now - TOLD_AFTER)
    watched = (*OPEN, Lead.Status.BOOKED)
    unanswered = turns.filter(lead__taken_over_at=None, lead__status__in=watched).order_by("due_at")
    unseen = Lead.objects.filter(taken_over_at=None, status__in=watched).select_for_update(no_key=True)
    told = 0
    for lead_id in list(unanswered.values_list("lead_id", flat=True)[:limit]):
        with transaction.atomic():
            # Another worker may have been faster.
            if unseen.filter(pk=lead_id).first() is not None:
                leave_to_human(lead_id, reason=NOT_ANSWERED, code="no_engine", now=now)
                told += 1
    waiting = (Dispatch.Status.PENDING, Dispatch.Status.QUEUED)
    dispatches = Dispatch.objects.filter(status__in=waiting, channel=Channel.WHATSAPP, created_at__lte=now - TOLD_AFTER)
    uncontacted = dispatches.filter(lead__status=Lead.Status.NEW).order_by("created_at")
    for lead_id in list(uncontacted.values_list("lead_id", flat=True)[:limit]):
        told += change_status(lead_id, Lead.Status.NEEDS_HUMAN, now=now, frm=[Lead.Status.NEW], reason=NOT_CONTACTED)
    return told


def _answer_held(*, now: datetime, limit: int) -> int:
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
        # A later one stands for what is that old, or it would be looked at for as long as the agent is off.
        held.filter(finished_at__lte=now - WINDOW).update(code=SEEN)
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
