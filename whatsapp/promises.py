"""Answers that people wait for, and messages on their way."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from leads.promises import leave_to_humans
from whatsapp.models import AgentTurn, Message
from workspaces.promises import REASON, OpenPromise

RESTORED = "restored"


def open_promises(*, now: datetime) -> Iterable[OpenPromise]:
    """List turns of the agent, those that a pause holds back among them, and messages that have not left."""
    turns = AgentTurn.objects.filter(
        Q(state__in=AgentTurn.OPEN) | Q(state=AgentTurn.State.STOPPED, code__in=AgentTurn.PAUSED)
    )
    yield OpenPromise(
        name="replies",
        title="Replies on WhatsApp",
        closing="not written; each lead needs a human",
        rows=turns,
        close=lambda at: _close_turns(turns, now=at),
        # One with a reason waits to be tried again; nobody is at it.
        held=turns.filter(state=AgentTurn.State.RUNNING, due_at__gt=now, reason=""),
    )
    messages = Message.objects.filter(
        Q(status__in=[Message.Status.WRITTEN, Message.Status.SENDING]) | Q(due_at__isnull=False)
    ).exclude(role=Message.Role.USER)
    yield OpenPromise(
        name="messages",
        title="Messages written and not known to be sent",
        closing="not sent; each lead needs a human",
        rows=messages,
        close=lambda at: _close_messages(messages, now=at),
    )


def _close_turns(rows: QuerySet[AgentTurn], *, now: datetime) -> None:
    with transaction.atomic():
        lead_ids = list(rows.values_list("lead_id", flat=True))
        rows.update(state=AgentTurn.State.STOPPED, code=RESTORED, reason=REASON, finished_at=now)
        leave_to_humans(lead_ids, now=now)


def _close_messages(rows: QuerySet[Message], *, now: datetime) -> None:
    with transaction.atomic():
        lead_ids = list(rows.values_list("lead_id", flat=True))
        rows.update(status=Message.Status.FAILED, error_message=REASON, due_at=None, updated_at=now)
        leave_to_humans(lead_ids, now=now)
