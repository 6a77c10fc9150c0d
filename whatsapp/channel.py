"""WhatsApp: a promise that the engine keeps, or the worker where no engine is configured."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from agents.prompt import one_line
from database import clock
from leads.channels import Address, CannotWrite, Job, Order, Sent, Trace, Window
from leads.insert import OPTED_OUT
from leads.intake import claim_name
from leads.models import Dispatch, Lead, LeadQuerySet, Suppression
from leads.suppression import suppress
from providers import inngest, twilio
from providers.errors import Rejected, Unavailable
from whatsapp import catching_up, optout, outbox, replies, turns, waiting
from whatsapp.accounts import NEEDED, connected_twilio
from whatsapp.events import ReplyWish, Wish, sender
from whatsapp.guard import WORDS, may_be_written_to
from whatsapp.models import AgentTurn, Message
from whatsapp.numbers import spellings
from whatsapp.outbox import put_confirmation
from whatsapp.replies import CAME_FOR_WITHIN, NOBODY_CAME
from whatsapp.sending import settle
from whatsapp.turns import InProcess, give_up_dispatch, open_conversation, run_turn
from whatsapp.waiting import GRACE_S
from whatsapp.window import template_needed, window_of
from workspaces.models import Integration

SWEEP_MAX = 500
# How long a sweep waits for its events to be gone; an engine that hangs must not hold the worker up.
SEND_WITHIN_S = 1.0
# A turn nobody came for is asked for again after 1, 2, 4 … times TURN_UNCLAIMED_S, at most this many: somebody waits.
MAX_WAITS = 8
# Ends the reference of a message whose pictures or sounds are to be deleted with it.
WITH_MEDIA = "/Media"
TEMPLATE_NEEDED = gettext_noop(
    "WhatsApp refused messages because they were no approved template. Enter a template's ContentSid with the Twilio "
    "integration; until then people get nothing from the agent before they write themselves."
)
PASTE_AT_TWILIO = gettext_noop(
    "Paste it at Twilio as the webhook for incoming messages of your WhatsApp sender, or of the sandbox, method POST."
)


class WhatsAppChannel:
    """Contacts a lead by the agent's first message."""

    inline = False
    keeps_traces_at = "twilio"

    @property
    def keeps_journal(self) -> bool:
        """Whether `send` runs the turn itself, whose crossings to OpenAI and Twilio are journaled where they happen."""
        return not settings.INNGEST_CONFIGURED

    @property
    def provider(self) -> str:
        """Whom `send` speaks to."""
        return "inngest" if settings.INNGEST_CONFIGURED else "coachbot"

    @property
    def operation(self) -> str:
        """What `send` does."""
        return "send event" if settings.INNGEST_CONFIGURED else "agent turn"

    def grace_s(self) -> float:
        """Seconds for which the worker leaves a fresh promise to the process that made it."""
        return GRACE_S if settings.INNGEST_CONFIGURED else 0.0

    def announce(self, order: Order) -> None:
        """Hand the event to this process' sender; without an engine the worker finds the row by itself."""
        if settings.INNGEST_CONFIGURED:
            sender.put(Wish(order.dispatch_id, order.lead_id))

    def send(self, order: Order) -> Sent:
        """Ask the engine for the turn, or run it here and now where none is configured.

        Raises Rejected, Unavailable (code `inngest_away`: it will be there again) or OutcomeUnknown.
        """
        if settings.INNGEST_CONFIGURED:
            return _send_event(order)
        result = run_turn(InProcess(), dispatch_id=str(order.dispatch_id), run_id=order.claimed_by)
        if result["outcome"] != "sent":
            # Its own end is on the dispatch by now; nobody is left to fail it.
            raise Rejected("There was nothing to send.", code=result.get("reason") or result["outcome"])
        return Sent(reference=result["sid"], request={"messageId": result["message_id"]}, response=result)

    def find(self, order: Order) -> Sent | None:
        """Tell what became of an order: the message's own row knows, or Twilio does. None: safe to run again."""
        message = Message.objects.select_related("lead__workspace").filter(dispatch_id=order.dispatch_id).first()
        if message is None:
            return None
        if message.status == Message.Status.SENDING:
            settle(message, now=clock.now())
            message.refresh_from_db(fields=["twilio_sid"])
        return Sent(reference=message.twilio_sid) if message.twilio_sid else None

    def confirm(self, sent: Sequence[tuple[Order, Sent]], *, now: datetime) -> None:
        """Open the conversation with those who were written to; what is queued reports itself."""
        written_to = [order.lead_id for order, outcome in sent if not outcome.queued]
        if written_to:
            open_conversation(written_to, now=now)

    def reference(self, dispatch_id: UUID) -> str | None:
        """There is none: the answer to a submission doesn't wait for a message."""
        return None

    def latest_call(self, lead_id: UUID) -> dict[str, Any] | None:
        """Return None: nobody is called."""
        return None

    def why_not_again(self, lead_id: UUID) -> str:
        """Return "": one may always write once more; outside the window it goes out as a template."""
        return ""

    def planned(self, lead_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """Tell of none: Twilio is given what is to be sent now."""
        return {}

    def unreached(self, leads: LeadQuerySet) -> LeadQuerySet:
        """Keep none: a message waits for its reader."""
        return leads.none()

    def forget(self, lead_id: UUID) -> Sequence[Trace]:
        """List the messages that Twilio has of a lead; OpenAI stores none. Those of a test lead are nobody's."""
        sent = Message.objects.filter(lead_id=lead_id, lead__is_test=False).exclude(twilio_sid="")
        return [
            Trace("twilio", f"{sid}{WITH_MEDIA if kind == Message.Kind.MEDIA else ''}")
            for sid, kind in sent.values_list("twilio_sid", "kind")
        ]

    def erase(self, trace: Trace, *, workspace_id: UUID) -> bool:
        """Delete a message at Twilio, after what came with it. Raises ProviderError."""
        credentials = connected_twilio(workspace_id).credentials
        account = {name: credentials[name] for name in ("account_sid", "auth_token")}
        sid = trace.reference.removesuffix(WITH_MEDIA)
        if sid != trace.reference:
            twilio.delete_media(**account, sid=sid)
        twilio.delete_message(**account, sid=sid)
        return True

    def window(self, lead: Lead, *, now: datetime) -> Window | None:
        """Tell whether WhatsApp takes free text for the lead now."""
        return window_of(lead, now=now)

    def write(self, lead: Lead, text: str, *, by_id: Any, now: datetime) -> None:
        """Have an operator's own message sent; the worker does it at once. Raises CannotWrite."""
        if not may_be_written_to(lead):
            raise CannotWrite(WORDS[OPTED_OUT])
        window = window_of(lead, now=now)
        if not window.open:
            raise CannotWrite(window.reason)
        if not text.strip():
            raise CannotWrite("There is nothing to send.")
        outbox.put_operators(lead, text, by_id=by_id, now=now)

    def handed_back(self, lead: Lead, *, now: datetime) -> None:
        """Have the agent answer where the last word is the lead's."""
        waiting.resume(lead, now=now)

    def opted_out(self, lead: Lead, *, now: datetime) -> None:
        """Stop what else WhatsApp may call the phone, and confirm it in the lead's language."""
        for phone in spellings(lead.phone):
            suppress(workspace_id=lead.workspace_id, phone=phone, reason=Suppression.Reason.MESSAGE, now=now)
        words = optout.STOPPED[optout.language_of(lead)].format(business=one_line(lead.workspace.name))
        put_confirmation(lead, words, now=now)

    def notices(self, workspace_id: UUID) -> Sequence[str]:
        """Say what is not connected, and whether messages were refused for want of a template."""
        connected = Integration.objects.filter(workspace_id=workspace_id).values_list("provider", flat=True)
        missing = [str(Integration.Provider(name).label) for name in NEEDED if name not in set(connected)]
        found = [_("Not connected: %(names)s. Until then nobody is answered.") % {"names": ", ".join(missing)}]
        return (found if missing else []) + ([_(TEMPLATE_NEEDED)] if template_needed(workspace_id) else [])

    def addresses(self) -> Sequence[Address]:
        """List where Twilio brings what people write."""
        url = f"{settings.PUBLIC_BASE_URL}{reverse('whatsapp-inbound')}"
        return [Address(name=_("Incoming messages"), url=url, hint=_(PASTE_AT_TWILIO))]

    def claim_jobs(self, *, by: str, now: datetime, limit: int) -> Iterable[Job]:
        """Claim messages that are to be sent and replies that are due; of an engine's, what it doesn't come for."""
        jobs: Iterable[Job] = outbox.claim_due(now=now, limit=limit)
        if settings.INNGEST_CONFIGURED:
            jobs = chain(jobs, replies.claim_unclaimed(by=by, now=now, limit=limit))
            jobs = chain(jobs, turns.claim_unclaimed(by=by, now=now, limit=limit))
        else:
            jobs = chain(jobs, replies.claim_due(by=by, now=now, limit=limit))
        return islice(jobs, limit)

    def sweep(self, *, now: datetime, limit: int) -> int:
        """Ask again for turns that the engine took and nobody came for, and catch up after a pause.

        Returns how much was done.
        """
        return catching_up.sweep(now=now, limit=limit) + self._ask_again(now=now, limit=limit)

    def _ask_again(self, *, now: datetime, limit: int) -> int:
        due = Dispatch.objects.filter(channel="whatsapp", status=Dispatch.Status.QUEUED, due_at__lte=now)
        rows = due.order_by("due_at")[: min(limit, SWEEP_MAX)]
        if not settings.INNGEST_CONFIGURED:
            return sum(_take_back(row, now=now) for row in rows)
        given_up = sum(give_up_dispatch(row.pk, reason=NOBODY_CAME, now=now) for row in rows if _is_old(row, now=now))
        given_up += replies.give_up_old(by=claim_name(), now=now, limit=min(limit, SWEEP_MAX))
        wishes: list[Wish | ReplyWish] = [
            Wish(row.pk, row.lead_id, again=row.attempts) for row in rows if _postpone(row, now=now)
        ]
        wishes += _replies_to_wake(now=now, limit=min(limit, SWEEP_MAX))
        for wish in wishes:
            sender.put(wish)
        if wishes:
            sender.wait_until_idle(timeout_s=SEND_WITHIN_S)
        return len(wishes) + given_up


def _replies_to_wake(*, now: datetime, limit: int) -> Iterable[ReplyWish]:
    """Claim replies whose engine did not come in time, by setting when they are next looked at."""
    unclaimed = AgentTurn.objects.filter(state__in=AgentTurn.OPEN, wake_at__lte=now).order_by("wake_at")
    for row in unclaimed[:limit]:
        wait = timedelta(seconds=settings.TURN_UNCLAIMED_S * min(2**row.wakes, MAX_WAITS))
        same = AgentTurn.objects.filter(pk=row.pk, wake_at=row.wake_at)
        if same.update(wake_at=now + wait):
            yield ReplyWish(row.pk, row.lead_id, again=row.wakes)


def _send_event(order: Order) -> Sent:
    event = Wish(order.dispatch_id, order.lead_id).event()
    request = {"id": event.id, "name": event.name, "data": dict(event.data)}
    try:
        ids = inngest.send_events([event])
    except Unavailable as error:
        error.request = request
        raise
    return Sent(reference=ids[0], queued=True, status_code=200, request=request, response={"ids": ids})


def _is_old(row: Dispatch, *, now: datetime) -> bool:
    return now - row.created_at >= CAME_FOR_WITHIN


def _postpone(row: Dispatch, *, now: datetime) -> bool:
    """Claim an unclaimed turn for this sweep, by setting when it is next looked at. False: another worker has it."""
    waits = min(2**row.attempts, MAX_WAITS)
    same = Dispatch.objects.filter(pk=row.pk, status=Dispatch.Status.QUEUED, due_at=row.due_at)
    return same.update(due_at=now + timedelta(seconds=settings.TURN_UNCLAIMED_S * waits)) == 1


def _take_back(row: Dispatch, *, now: datetime) -> bool:
    """Leave a turn to the worker, because there is no engine any more."""
    same = Dispatch.objects.filter(pk=row.pk, status=Dispatch.Status.QUEUED, due_at=row.due_at)
    return same.update(status=Dispatch.Status.PENDING, due_at=now) == 1
