"""The agent's reply, in durable steps: every message answered once, no answer paid twice, nothing sent twice.

`run_reply` is the same under Inngest and in the worker. A step that is entered again finds on the rows what the one
before it left. What a provider can't do for good ends in here, in a state that a person sees; what may be tried again
raises ProviderError, and who runs the steps comes back later.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef

from database import clock
from leads.insert import OPTED_OUT
from leads.models import Lead, lease_end
from leads.status import change_status
from providers.errors import OutcomeUnknown, ProviderError, Rejected, Unavailable
from whatsapp import optout
from whatsapp.accounts import connected_account
from whatsapp.agent import write_reply
from whatsapp.claims import claim, keeper, mine, renew, wake_at
from whatsapp.delivery import OPTED_OUT_CODES, leave_to_human
from whatsapp.guard import WORDS, reason_to_hold
from whatsapp.limits import LIMIT, limit_reached
from whatsapp.models import AgentTurn, Message
from whatsapp.sending import Held, Result, send_written, settle, settle_after_s, simulate, tell
from whatsapp.splitting import split_text
from whatsapp.template import has_sentence
from whatsapp.turns import InProcess, Step
from whatsapp.waiting import look_again
from whatsapp.window import window_of
from workspaces.integrations import Account

State = AgentTurn.State
Status = Message.Status
# Until a turn that others keep waiting is left to the worker's next look.
MAX_WAITS = 60
# Who wrote is not kept waiting for a model that asks for more than that: a colleague is promised.
LONGEST_WAIT_S = 300.0
NOTHING: Result = {"outcome": "nothing"}
ANSWERED = "answered"
BROKE_OFF = "The agent's turn broke off too often."
# After that WhatsApp takes no answer any more that the lead would still wait for.
CAME_FOR_WITHIN = timedelta(hours=24)
NOBODY_CAME = "Nobody came to answer within a day: the engine that runs the agent's turns is away."


# A person says a thing twice; who says it so often in a row is an automatic reply, and would be answered for ever.
SAME_TEXTS = 10
AUTOMATIC = "The same message came ten times in a row, as automatic replies do. The agent stopped answering."
# So often the worker woke the engine for a turn before it runs it itself; the event that came with it not counted.
WOKEN_BEFORE = 1


def run_reply(step: Step, *, turn_id: str, run_id: str) -> Result:
    """Answer a lead. `run_id` is who claims the turn; the same one may come back to it.

    The outcome is `sent`, `silent` (nothing to say), `stopped` (on purpose), `failed`, `waiting` or `nothing`.
    """
    written = _generate(step, turn_id, run_id)
    if written["outcome"] != "written":
        return written
    for n, message_id in enumerate(written["message_ids"].split(",")):
        sent = step.run(_numbered("send-message", n), send_part, turn_id, message_id, run_id)
        if sent["outcome"] != "sent":
            return sent
    return step.run("persist-message", finish_turn, turn_id, run_id)


def _generate(step: Step, turn_id: str, run_id: str) -> Result:
    """Run the first step, as often as it takes until the lead is silent and no other turn of it is under way."""
    written: Result = {"outcome": "waiting"}
    for n in range(MAX_WAITS):
        written = step.run(_numbered("generate-reply", n), generate_reply, turn_id, run_id)
        if written["outcome"] != "waiting":
            return written
        if not step.sleep_until(_numbered("gather", n), datetime.fromisoformat(written["until"])):
            break
    return written


def _numbered(step_id: str, n: int) -> str:
    return f"{step_id}-{n + 1}" if n else step_id


def generate_reply(turn_id: str, run_id: str) -> Result:
    """Claim the turn with all messages that wait, and have its text written, or find the text that is there."""
    now = clock.now()
    if not claim(turn_id, run_id, now=now):
        until = _waits_until(turn_id, now=now)
        return {"outcome": "waiting", "until": until.isoformat()} if until else NOTHING
    turn = mine(turn_id, run_id).select_related("lead__workspace", "workspace").first()
    if turn is None:
        return NOTHING
    if parts := _parts(turn):
        dead = turn.attempts >= settings.DISPATCH_MAX_ATTEMPTS
        return _leave(turn, reason=BROKE_OFF, code="broken") if dead else _written(parts)
    if reason := reason_to_hold(turn.lead_id):
        return _stop(turn, reason)
    if too_much := _too_much(turn, now=now):
        return _leave(turn, reason=too_much[0], code=too_much[1], state=State.STOPPED)
    if not _has_questions(turn):
        return _close(turn, State.DONE, outcome="silent")
    if turn.attempts >= settings.REPLY_MAX_ATTEMPTS:
        return _fall_back(turn, run_id, Rejected(BROKE_OFF, code="broken"))
    return _write(turn, run_id, now=now)


def _too_much(turn: AgentTurn, *, now: datetime) -> tuple[str, str] | None:
    """Say why a person has to go on, and in a word; None where the agent may."""
    if reason := limit_reached(turn, now=now):
        return reason, LIMIT
    return (AUTOMATIC, "auto_reply") if _is_automatic(turn) else None


def _is_automatic(turn: AgentTurn) -> bool:
    """Tell whether the lead's latest messages are all the same, as a machine at the other end writes them."""
    latest = Message.objects.filter(lead_id=turn.lead_id, role=Message.Role.USER).order_by("-created_at")
    texts = [" ".join(text.casefold().split()) for text in latest.values_list("text", flat=True)[:SAME_TEXTS]]
    return len(texts) == SAME_TEXTS and len(set(texts)) == 1


def send_part(turn_id: str, message_id: str, run_id: str) -> Result:
    """Send one message of the turn, once. The credentials are fetched here and stay here."""
    message = Message.objects.select_related("lead__workspace", "turn").filter(pk=message_id).first()
    turn = mine(turn_id, run_id).select_related("lead__workspace").first()
    if message is None or turn is None:
        return NOTHING
    try:
        if message.status == Status.SENDING:
            settle(message, now=clock.now())
            message.refresh_from_db(fields=["status", "twilio_sid"])
        if message.status != Status.WRITTEN:
            return _after_send(turn, tell(message))
        if not renew(turn, run_id, now=clock.now()):
            return NOTHING
        return _send(turn, message)
    except Rejected as error:
        return _refused(turn, error)
    except (Unavailable, OutcomeUnknown) as error:
        if turn.attempts + 1 < settings.DISPATCH_MAX_ATTEMPTS:
            raise
        return _leave(turn, reason=error.reason, code=error.code or "not_sent")


def finish_turn(turn_id: str, run_id: str) -> Result:
    """Close the turn, open the conversation, and see whether more came meanwhile."""
    turn = mine(turn_id, run_id).first()
    if turn is None:
        return NOTHING
    with transaction.atomic():
        change_status(turn.lead_id, Lead.Status.IN_CONVERSATION, now=clock.now(), frm=[Lead.Status.NEW])
        return _close(turn, State.FAILED if turn.code else State.DONE, outcome="sent")


def postpone(turn_id: str, run_id: str, error: ProviderError) -> float:
    """Leave the turn for a while, keeping the claim for the same run. Returns the seconds to wait."""
    attempts = AgentTurn.objects.filter(pk=turn_id).values_list("attempts", flat=True).first() or 0
    wait_s: float = settings.REPLY_RETRY_S * 2 ** min(attempts, 5)
    if isinstance(error, OutcomeUnknown):
        wait_s = max(wait_s, settle_after_s())
    wait_s = max(wait_s, getattr(error, "retry_after_s", None) or 0)
    due_at = clock.now() + timedelta(seconds=wait_s)
    mine(turn_id, run_id).update(
        due_at=due_at,
        wake_at=due_at + timedelta(seconds=settings.TURN_UNCLAIMED_S),
        attempts=F("attempts") + 1,
        reason=error.reason,
    )
    return wait_s


def give_up(turn_id: str, run_id: str, *, reason: str) -> None:
    """Leave a turn whose engine gave it up to a person."""
    turn = mine(turn_id, run_id).select_related("lead").first()
    if turn is not None:
        _leave(turn, reason=reason, code="gave_up")


def give_up_old(*, by: str, now: datetime, limit: int) -> int:
    """Leave to a person the turns that no engine came for while they could be answered. Returns how many."""
    old = AgentTurn.objects.filter(state__in=AgentTurn.OPEN, due_at__lte=now, created_at__lte=now - CAME_FOR_WITHIN)
    given_up = 0
    for turn in list(old.select_related("lead").order_by("due_at")[:limit]):
        if claim(turn.pk, by, now=now):
            turn.claimed_by = by
            given_up += _leave(turn, reason=NOBODY_CAME, code="no_engine") is not NOTHING
    return given_up


def claim_due(*, by: str, now: datetime, limit: int) -> Iterator[Callable[[], None]]:
    """Claim turns that are due, the longest waiting first, and yield the running of each, for want of an engine."""
    busy = AgentTurn.objects.filter(lead_id=OuterRef("lead_id"), state=State.RUNNING)
    due = AgentTurn.objects.filter(state__in=AgentTurn.OPEN, due_at__lte=now)
    due = due.exclude(Exists(busy), state=State.WAITING)
    for pk in list(due.order_by("due_at").values_list("pk", flat=True)[:limit]):
        if claim(pk, by, now=now):
            yield partial(run_here, str(pk), by)


def claim_unclaimed(*, by: str, now: datetime, limit: int) -> Iterator[Callable[[], None]]:
    """Claim turns that the engine was woken for twice and did not come for, and yield the running of each.

    Should it come all the same, the row's claim lets one of the two answer.
    """
    left = AgentTurn.objects.filter(state__in=AgentTurn.OPEN, wake_at__lte=now, wakes__gte=WOKEN_BEFORE)
    recent = left.filter(created_at__gt=now - CAME_FOR_WITHIN)
    for pk in list(recent.order_by("wake_at").values_list("pk", flat=True)[:limit]):
        if claim(pk, by, now=now):
            yield partial(run_here, str(pk), by)


def run_here(turn_id: str, run_id: str) -> None:
    """Run a claimed turn in this thread; what can't be done now is left for a later look."""
    try:
        run_reply(InProcess(), turn_id=turn_id, run_id=run_id)
    except ProviderError as error:
        postpone(turn_id, run_id, error)


def _waits_until(turn_id: str, *, now: datetime) -> datetime | None:
    """Tell when a turn that could not be claimed is due. None: it is done, somebody else's, or waits for another one.

    Nobody sits and asks for the end of that: whoever closes it wakes the engine again, and the worker is behind both.
    """
    waiting = AgentTurn.objects.filter(pk=turn_id, state=State.WAITING, due_at__gt=now)
    return waiting.values_list("due_at", flat=True).first()


def _write(turn: AgentTurn, run_id: str, *, now: datetime) -> Result:
    try:
        said = write_reply(turn, store=keeper(turn, run_id), now=now)
    except Rejected as error:
        return _fall_back(turn, run_id, error)
    except Unavailable as error:
        if turn.attempts + 1 < settings.REPLY_MAX_ATTEMPTS and (error.retry_after_s or 0) <= LONGEST_WAIT_S:
            raise
        return _fall_back(turn, run_id, error)
    if not said.text:
        return _close(turn, State.DONE, outcome="silent")
    return _keep(turn, run_id, split_text(said.text), kind=Message.Kind.TEXT)


def _keep(turn: AgentTurn, run_id: str, texts: list[str], *, kind: str) -> Result:
    """Store what is to be sent before anything is; who lost the claim stores nothing."""
    now = clock.now()
    with transaction.atomic():
        if not mine(turn.pk, run_id).update(due_at=lease_end(now), wake_at=wake_at(now), attempts=0, reason=""):
            return NOTHING
        if stored := _parts(turn):
            # The engine called a second time while the first was still at it: one answer is enough.
            return _written(stored)
        parts = Message.objects.bulk_create(
            Message(
                lead=turn.lead,
                turn=turn,
                role=Message.Role.ASSISTANT,
                kind=kind,
                text=text,
                status=Status.WRITTEN,
                created_at=now + timedelta(microseconds=n),
                updated_at=now,
            )
            for n, text in enumerate(texts)
        )
    return _written(parts)


def _parts(turn: AgentTurn) -> list[Message]:
    return list(Message.objects.filter(turn=turn, role=Message.Role.ASSISTANT).order_by("created_at"))


def _written(parts: list[Message]) -> Result:
    return {"outcome": "written", "message_ids": ",".join(str(part.pk) for part in parts)}


def _send(turn: AgentTurn, message: Message) -> Result:
    if message.lead.is_test:
        return simulate(message, now=clock.now())
    account = connected_account(message.lead, "twilio")
    now = clock.now()
    window = window_of(message.lead, now=now)
    if not window.open and not _has_template(account):
        raise Rejected(window.reason, code="window_closed")
    check = partial(_why_not, turn)
    try:
        return _after_send(turn, send_written(message, account, as_template=not window.open, check=check, now=now))
    except Held as held:
        return _close(turn, State.DONE, outcome="silent") if held.reason == ANSWERED else _stop(turn, held.reason)


def _why_not(turn: AgentTurn) -> str:
    """Say why a reply must not leave, "" where it may."""
    return reason_to_hold(turn.lead_id) or ("" if _has_questions(turn) else ANSWERED)


def _has_questions(turn: AgentTurn) -> bool:
    """Tell whether the turn has messages that no colleague has answered: the agent doesn't talk over them."""
    messages = Message.objects.filter(lead_id=turn.lead_id)
    by_people = messages.filter(role=Message.Role.OPERATOR).exclude(status=Status.FAILED)
    answered_at = by_people.order_by("-created_at").values_list("created_at", flat=True).first()
    asked = messages.filter(turn=turn, role=Message.Role.USER)
    return (asked if answered_at is None else asked.filter(created_at__gt=answered_at)).exists()


def _has_template(account: Account) -> bool:
    return bool(account.options.get("content_sid")) and has_sentence(account.options)


def _after_send(turn: AgentTurn, sent: Result) -> Result:
    """Close a turn of which a part was refused; what is left of it would hang in the air."""
    if sent["outcome"] == "failed":
        return _leave(turn, reason="WhatsApp did not deliver the reply.", code="not_delivered", told=True)
    return sent


def _refused(turn: AgentTurn, error: Rejected) -> Result:
    if error.code in OPTED_OUT_CODES:
        return _stop(turn, OPTED_OUT)
    return _leave(turn, reason=error.reason, code=error.code or "rejected")


def _fall_back(turn: AgentTurn, run_id: str, error: ProviderError) -> Result:
    """Say that a colleague will answer, once in a row, and see to it that one knows."""
    now = clock.now()
    spoken = Message.objects.filter(lead_id=turn.lead_id).exclude(role=Message.Role.USER).order_by("-created_at")
    last_kind = spoken.values_list("kind", flat=True).first()
    if last_kind == Message.Kind.FALLBACK:
        return _leave(turn, reason=error.reason, code=error.code or "model")
    with transaction.atomic():
        text = optout.FALLBACK[optout.language_of(turn.lead)]
        written = _keep(turn, run_id, [text], kind=Message.Kind.FALLBACK)
        if written is not NOTHING:
            code = (error.code or "model")[:32]
            mine(turn.pk, run_id).update(reason=error.reason, code=code)
            # Whoever is told so waits for a colleague, whatever had become of them.
            leave_to_human(turn.lead_id, reason=error.reason, code=code, now=now, frm=Lead.Status.values)
    return written


def _stop(turn: AgentTurn, reason: str) -> Result:
    """End a turn on purpose. Where the lead may be answered later, its messages wait for that."""
    with transaction.atomic():
        closed = _close(turn, State.STOPPED, outcome="stopped", reason=WORDS.get(reason, reason), code=reason)
        # Who has got a part of the answer has been answered.
        if closed is not NOTHING and reason != OPTED_OUT and not _parts(turn):
            Message.objects.filter(turn=turn, role=Message.Role.USER).update(turn=None)
        return closed


def _leave(turn: AgentTurn, *, reason: str, code: str, state: str = State.FAILED, told: bool = False) -> Result:
    """End a turn that a person has to see to; `told`: they know already."""
    code = code[:32]
    previous = AgentTurn.objects.filter(lead_id=turn.lead_id, finished_at__isnull=False).order_by("-finished_at")
    known = told or (state == State.STOPPED and previous.values_list("code", flat=True).first() == code)
    with transaction.atomic():
        outcome = "failed" if state == State.FAILED else "stopped"
        closed = _close(turn, state, outcome=outcome, reason=reason, code=code)
        if closed is not NOTHING and not known:
            leave_to_human(turn.lead_id, reason=reason, code=code, now=clock.now())
        return closed


def _close(turn: AgentTurn, state: str, *, outcome: str, reason: str = "", code: str = "") -> Result:
    """Write down how a turn ended; what it had written and not sent is no part of the conversation."""
    said: dict[str, Any] = {"reason": reason[:255], "code": code[:32]} if code else {}
    with transaction.atomic():
        rows = AgentTurn.objects.filter(pk=turn.pk, state=State.RUNNING, claimed_by=turn.claimed_by)
        if not rows.update(state=state, finished_at=clock.now(), **said):
            return NOTHING
        Message.objects.filter(turn=turn, role=Message.Role.ASSISTANT, status=Status.WRITTEN).delete()
        transaction.on_commit(lambda: look_again(turn.lead_id, after=turn.pk))
    return {"outcome": outcome} | ({"reason": code} if code else {})
