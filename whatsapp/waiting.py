"""What waits for an answer: the turn that a lead's messages are gathered in until it is due."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from leads.models import Lead
from whatsapp.events import ReplyWish, sender
from whatsapp.models import AgentTurn, Message
from workspaces.insert_once import insert_once

# Who writes without a pause is answered all the same after this long.
GATHER_AT_MOST_S = 30
# How long the process that took a message may take to wake the engine, before the worker does.
GRACE_S = 5.0


def ask_for_reply(lead: Lead, *, after_s: float, now: datetime) -> AgentTurn | None:
    """Have a lead answered once it has been silent for `after_s`, together with all that it writes until then.

    Returns the turn if it is new: its engine is to be woken once this is committed. None: one waits already.
    """
    for _ in range(3):
        waiting = AgentTurn.objects.filter(lead_id=lead.pk, state=AgentTurn.State.WAITING).first()
        if waiting is None:
            turn = _new_turn(lead, due_at=now + timedelta(seconds=after_s), now=now)
            if insert_once(turn):
                return turn
            # Another process was faster: join its turn.
            continue
        last = waiting.created_at + timedelta(seconds=max(GATHER_AT_MOST_S, after_s))
        due_at = max(waiting.due_at, min(now + timedelta(seconds=after_s), last))
        same = AgentTurn.objects.filter(pk=waiting.pk, state=AgentTurn.State.WAITING)
        if same.update(due_at=due_at, wake_at=due_at + timedelta(seconds=GRACE_S)):
            return None
    # Whatever claims turns that fast claims this lead's messages as well, or leaves them to the next.
    return None


def wake(turn: AgentTurn, *, after: UUID | None = None) -> None:
    """Wake the engine for a turn, where there is one; the worker finds it by itself."""
    if settings.INNGEST_CONFIGURED:
        sender.put(ReplyWish(turn.pk, turn.lead_id, after=after))


def look_again(lead_id: UUID, *, after: UUID | None) -> None:
    """Wake whoever answers what came while a turn was under way."""
    waiting = AgentTurn.objects.filter(lead_id=lead_id, state=AgentTurn.State.WAITING).first()
    if waiting is not None:
        wake(waiting, after=after)


def resume(lead: Lead, *, now: datetime) -> None:
    """Answer a lead that a person hands back, where the last word is the lead's."""
    if has_last_word(lead):
        answer_now(lead, now=now)


def answer_now(lead: Lead, *, now: datetime) -> None:
    """Have a lead answered without waiting for more, inside the caller's transaction."""
    if (turn := ask_for_reply(lead, after_s=0, now=now)) is not None:
        transaction.on_commit(lambda: wake(turn))


def has_last_word(lead: Lead) -> bool:
    """Tell whether the lead wrote last."""
    spoken = Message.objects.filter(lead_id=lead.pk).exclude(status=Message.Status.FAILED)
    # What a turn has written and not sent is taken back when it finds that it must not be sent.
    spoken = spoken.exclude(role=Message.Role.ASSISTANT, status=Message.Status.WRITTEN)
    return spoken.order_by("-created_at").values_list("role", flat=True).first() == Message.Role.USER


def _new_turn(lead: Lead, *, due_at: datetime, now: datetime) -> AgentTurn:
    return AgentTurn(
        workspace_id=lead.workspace_id,
        lead=lead,
        due_at=due_at,
        wake_at=due_at + timedelta(seconds=GRACE_S),
        created_at=now,
    )
