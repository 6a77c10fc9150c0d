"""What people write to a workspace: stored once, an opt-out obeyed at once, everything else left to a turn."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from agents.prompt import one_line
from leads.models import Lead, Suppression
from leads.names import clean_name
from leads.status import change_status
from leads.suppression import is_suppressed, lift, suppress
from whatsapp import optout
from whatsapp.models import AgentTurn, Message, ObeyedCommand, SenderId
from whatsapp.numbers import as_a_form_has_it, spellings
from whatsapp.outbox import put_confirmation
from whatsapp.waiting import ask_for_reply, wake
from workspaces.insert_once import insert_once
from workspaces.journal import Crossing, record
from workspaces.models import Integration, LogEntry, UnknownSenders, Workspace

is_phone = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
MAX_TEXT_CHARS = 8000
MAX_NOTES = 10
# What Twilio signed is signed for ever; nobody keeps a message for longer than this to send it again.
COMMANDS_KEPT = timedelta(days=730)
SECOND_THOUGHTS = "Opted out, and now writes:"
NO_LEAD = "This phone is no lead; the workspace ignores unknown senders."
OWN_NUMBER = "This is the workspace's own number; nobody is answered."
HIDDEN = "This person hides their number from WhatsApp businesses; they can't be found as a lead and were not answered."
# The beginning of a MIME type → what the agent is told.
MEDIA = {
    "image": "image",
    "video": "video",
    "audio": "voice message",
    "text/vcard": "contact card",
    "application": "file",
}
# What WhatsApp calls a message without words → what people and the agent read.
SIGNS = {
    "reaction": "reaction",
    "order": "order from the catalog",
    "interactive": "answers to a form in WhatsApp",
    "nfm_reply": "answers to a form in WhatsApp",
    "contacts": "contact card",
    "sticker": "sticker",
    "system": "notice by WhatsApp",
    "unsupported": "message that WhatsApp can't hand over",
}
HELP = "HELP"
# Words that a workspace has entered at Twilio are known there alone.
TWILIOS = {"STOP": optout.Wish.STOP, "START": optout.Wish.START}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A message as Twilio tells it, checked."""

    sid: str
    # E.164, or what else Twilio names; "" where the person hides it.
    sender: str
    # WhatsApp's own id of the person; "" where none came.
    external_id: str
    profile_name: str
    text: str
    kind: str
    # What may be an opt-out: the words themselves, without our notes.
    words: tuple[str, ...]
    # STOP, START or HELP where Twilio's own handling of opt-outs knew the word, and has answered it already.
    handled_by_twilio: str
    params: Mapping[str, str]


def read_inbound(params: Mapping[str, str]) -> Inbound:
    """Read Twilio's form; what is missing is empty, what is unknown is left alone."""
    body = _clean(params.get("Body", ""))
    button = _clean(params.get("ButtonText", ""))
    notes = _media_notes(params) + _location_note(params)
    said = body or button
    if notes:
        kind = Message.Kind.LOCATION if params.get("Latitude") else Message.Kind.MEDIA
    elif said:
        kind = Message.Kind.BUTTON if button else Message.Kind.TEXT
    else:
        kind = Message.Kind.SIGN
        notes = [f"[{_kind_of_sign(params)}]"]
    text = "\n".join([*notes, said] if said else notes)
    return Inbound(
        sid=_clean(params.get("MessageSid", ""))[:64],
        sender=_clean(params.get("From", "")).removeprefix("whatsapp:"),
        external_id=_clean(params.get("ExternalUserId", "")).removeprefix("whatsapp:")[:128],
        profile_name=clean_name(one_line(_clean(params.get("ProfileName", ""))))[:120],
        text=text[:MAX_TEXT_CHARS],
        kind=kind,
        # A button's payload is for programs: on “Yes, please” it may be `cancel`.
        words=tuple(word for word in (body, button) if word),
        handled_by_twilio=_clean(params.get("OptOutType", "")).upper(),
        params=params,
    )


def receive(workspace: Workspace, inbound: Inbound, *, now: datetime) -> Message | None:
    """Take a message in, however often and by however many it is delivered. None: it was here already, or is nobody's.

    An opt-out takes effect in the same transaction, so that nothing can be sent after it.
    """
    turn: AgentTurn | None = None
    try:
        with transaction.atomic(durable=True):
            lead = _lead_of(workspace, inbound, now=now)
            message = _store(lead, inbound, now=now) if lead else None
            wished = _obey(workspace, lead, inbound, now=now)
            _remember_sender(workspace, inbound, now=now)
            if lead and not wished:
                _tell_of_second_thoughts(lead, inbound, now=now)
            own = inbound.sender in own_numbers(workspace)
            _journal(workspace, lead, inbound, said="" if lead else OWN_NUMBER if own else NO_LEAD, now=now)
            if lead and not wished and _is_for_the_agent(lead, inbound):
                turn = ask_for_reply(lead, after_s=workspace.reply_after_s, now=now)
    except IntegrityError:
        if not Message.objects.filter(twilio_sid=inbound.sid).exists():
            raise
        return None
    if turn is not None:
        wake(turn)
    return message


def with_known_phone(workspace: Workspace, inbound: Inbound) -> Inbound:
    """Put in the phone that a person wrote from before, where they hide it now."""
    if is_phone(inbound.sender) or not inbound.external_id:
        return inbound
    rows = SenderId.objects.filter(workspace=workspace, external_id=inbound.external_id)
    phone = rows.values_list("phone", flat=True).first()
    return replace(inbound, sender=phone) if phone else inbound


def find_expired(*, now: datetime) -> list[QuerySet[ObeyedCommand]]:
    """Find commands that nobody will repeat any more."""
    return [ObeyedCommand.objects.filter(created_at__lt=now - COMMANDS_KEPT)]


def forget(lead: Lead) -> None:
    """Forget by which ids of WhatsApp's a lead that is being erased was known."""
    SenderId.objects.filter(workspace_id=lead.workspace_id, phone__in=spellings(lead.phone)).delete()


def _remember_sender(workspace: Workspace, inbound: Inbound, *, now: datetime) -> None:
    if not inbound.external_id or not is_phone(inbound.sender):
        return
    row = SenderId(workspace=workspace, external_id=inbound.external_id, phone=inbound.sender, updated_at=now)
    if not insert_once(row):
        same = SenderId.objects.filter(workspace=workspace, external_id=inbound.external_id)
        same.exclude(phone=inbound.sender).update(phone=inbound.sender, updated_at=now)


def _tell_of_second_thoughts(lead: Lead, inbound: Inbound, *, now: datetime) -> None:
    """Have a person look at who has opted out and writes something all the same. Nobody else may answer it."""
    if not is_suppressed(lead.workspace_id, lead.phone) or all(map(optout.is_courtesy, inbound.words)):
        return
    reason = f"{SECOND_THOUGHTS} {one_line(inbound.text)}"[:255]
    change_status(lead.pk, Lead.Status.NEEDS_HUMAN, now=now, frm=Lead.Status.values, reason=reason)


def note_hidden(workspace: Workspace, inbound: Inbound, *, now: datetime) -> None:
    """Write down that somebody wrote who hides their number: no lead can be found by it, and nobody answered."""
    _journal(workspace, None, inbound, said=HIDDEN, now=now)


def _lead_of(workspace: Workspace, inbound: Inbound, *, now: datetime) -> Lead | None:
    """Find who wrote, or make a lead of them where the workspace wants that."""
    if inbound.sender in own_numbers(workspace):
        return None
    # Held until the end: a hand back at this moment either sees the message or is seen by it.
    same = Lead.objects.filter(workspace=workspace, phone__in=spellings(inbound.sender), is_test=False)
    rows = list(same.select_for_update(no_key=True).order_by("-created_at"))
    lead = min(rows, key=lambda row: row.phone != inbound.sender, default=None)
    if lead is not None or workspace.unknown_senders != UnknownSenders.LEAD:
        return lead
    found = _wish_of(inbound)
    if (found and found[0] is optout.Wish.STOP) or _has_opted_out(workspace, inbound):
        return None
    fields: dict[str, Any] = {"name": inbound.profile_name or inbound.sender, "source": Lead.Source.WHATSAPP}
    fields |= {"channel": workspace.channel, "created_at": now, "updated_at": now}
    phone = as_a_form_has_it(inbound.sender)
    return Lead.objects.get_or_create(workspace=workspace, phone=phone, is_test=False, defaults=fields)[0]


def own_numbers(workspace: Workspace) -> set[str]:
    """List the numbers that the workspace itself writes and calls from: what comes from one is nobody's question."""
    rows = Integration.objects.filter(workspace=workspace).exclude(address="")
    return set(rows.values_list("address", flat=True))


def _store(lead: Lead, inbound: Inbound, *, now: datetime) -> Message:
    return Message.objects.create(
        lead=lead,
        role=Message.Role.USER,
        kind=inbound.kind,
        text=inbound.text,
        status=Message.Status.RECEIVED,
        twilio_sid=inbound.sid,
        created_at=now,
        updated_at=now,
    )


def _obey(workspace: Workspace, lead: Lead | None, inbound: Inbound, *, now: datetime) -> bool:
    """Do what a stop or start word says, without asking the model. False: it was no such word."""
    found = _wish_of(inbound)
    if found is None:
        return False
    # What was obeyed once is not obeyed again, whoever sends it again and however late.
    command = ObeyedCommand(workspace=workspace, twilio_sid=inbound.sid, created_at=now)
    if not insert_once(command):
        return True
    wish, language = found
    change: Callable[..., bool] = lift
    if wish is optout.Wish.STOP:
        change = partial(suppress, reason=Suppression.Reason.STOP)
    detail = inbound.text[:40]
    # All of them, or the next lead of this person comes in under another.
    changed = 0
    for phone in spellings(inbound.sender):
        changed += change(workspace_id=workspace.pk, phone=phone, detail=detail, now=now)
    if wish is optout.Wish.START and not changed:
        # Who had not opted out says something else by it.
        return False
    words = optout.STOPPED if wish is optout.Wish.STOP else optout.STARTED
    if changed and lead is not None and not inbound.handled_by_twilio:
        put_confirmation(lead, words[language].format(business=one_line(workspace.name)), now=now)
    return True


def _has_opted_out(workspace: Workspace, inbound: Inbound) -> bool:
    return any(is_suppressed(workspace.pk, phone) for phone in spellings(inbound.sender))


def _wish_of(inbound: Inbound) -> tuple[optout.Wish, str] | None:
    if (wish := TWILIOS.get(inbound.handled_by_twilio)) is not None:
        return wish, optout.language_of_phone(inbound.sender)
    for words in inbound.words:
        if (found := optout.read_wish(words)) is not None:
            return _in_own_language(found, inbound)
    return None


def _in_own_language(found: tuple[optout.Wish, str], inbound: Inbound) -> tuple[optout.Wish, str]:
    """Answer an English word, which the whole world knows, in the language of the phone's country."""
    wish, language = found
    return wish, optout.language_of_phone(inbound.sender) if language == "en" else language


def _is_for_the_agent(lead: Lead, inbound: Inbound) -> bool:
    """Tell whether the agent is to answer: not whom a person has taken over, not who wants nothing from us.

    Nor a reaction and the like, in which there are no words, nor HELP, which Twilio has answered.
    """
    if inbound.kind == Message.Kind.SIGN or inbound.handled_by_twilio == HELP:
        return False
    return lead.taken_over_at is None and not is_suppressed(lead.workspace_id, lead.phone)


def _journal(workspace: Workspace, lead: Lead | None, inbound: Inbound, *, said: str, now: datetime) -> None:
    crossing = Crossing(
        provider="twilio",
        operation="inbound message",
        direction=LogEntry.Direction.IN,
        outcome=LogEntry.Outcome.OK,
        status_code=200,
        request=dict(inbound.params),
        response=said,
    )
    record(crossing, workspace_id=workspace.pk, lead_id=lead.pk if lead else None, now=now)


def _media_notes(params: Mapping[str, str]) -> list[str]:
    """Write what else came as the agent can read it: it sees no picture and hears no voice."""
    count = params.get("NumMedia", "0")
    notes = []
    for n in range(min(int(count), MAX_NOTES) if count.isascii() and count.isdigit() else 0):
        mime = params.get(f"MediaContentType{n}", "").lower()
        known = (word for start, word in MEDIA.items() if mime.startswith(start))
        notes.append(f"[{next(known, 'file')}]")
    return notes


def _location_note(params: Mapping[str, str]) -> list[str]:
    latitude, longitude = one_line(params.get("Latitude", ""))[:20], one_line(params.get("Longitude", ""))[:20]
    if not (latitude and longitude):
        return []
    place = ", ".join(part for name in ("Label", "Address") if (part := one_line(_clean(params.get(name, "")))[:200]))
    return [f"[location: {place} ({latitude}, {longitude})]" if place else f"[location: {latitude}, {longitude}]"]


def _kind_of_sign(params: Mapping[str, str]) -> str:
    """Name what came without words, in ours: a reaction, an order, the answers to a form inside of WhatsApp."""
    kind = one_line(params.get("MessageType", "")).lower()[:40]
    return SIGNS.get(kind, f"message without words: {kind}" if kind not in {"", "text"} else "message without words")


def _clean(text: str) -> str:
    """Leave out what no database takes: NUL, and half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode().strip()
