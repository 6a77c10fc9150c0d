"""The one way in: a checked submission becomes a lead and the promise to contact it, in one transaction."""

import hashlib
import json
import os
import secrets
import socket
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from leads.batching import GroupCommit
from leads.channels import Order, get_channel
from leads.costly import kind_and_country, why_costly
from leads.insert import COSTLY, OPTED_OUT, PAUSED, Inserted, NewLead, insert_leads
from leads.models import Consent, Lead, lease_end
from leads.status import change_status
from leads.suppression import phone_digest
from workspaces.models import Workspace

_insert = GroupCommit(insert_leads)
_SKIPPED = {Inserted.PAUSED: PAUSED, Inserted.SUPPRESSED: OPTED_OUT, Inserted.COSTLY: COSTLY}


class DuplicatePhone(Exception):
    """The phone is a lead of this workspace already."""

    def __init__(self, lead_id: UUID | None) -> None:
        super().__init__("A lead with this phone number already exists in the workspace.")
        self.lead_id = lead_id


class KeyNoLongerWorks(Exception):
    """The API key was revoked, or the workspace deleted, since it was last read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """What a person agreed to on a form, and how that can be shown. `version` is the text's number in its workspace."""

    text: str
    version: int
    given_at: datetime
    ip: str | None = None
    user_agent: str = ""
    page_url: str = ""
    embedded_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What somebody sent, trimmed, normalised and checked. `phone` is E.164."""

    workspace_id: UUID
    channel: str
    name: str
    phone: str
    email: str | None = None
    goal: str | None = None
    metadata: dict[str, Any] | None = None
    form_responses: dict[str, str] = field(default_factory=dict)
    is_test: bool = False
    source: str = Lead.Source.API
    key_id: UUID | None = None
    lead_id: UUID = field(default_factory=uuid.uuid4)
    form_version_id: UUID | None = None
    consent: ConsentGiven | None = None
    # True: nobody waits for the outcome; the worker sends it at once.
    later: bool = False
    # True: a person wants this lead contacted, whatever its number costs.
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """A committed lead and the order of its dispatch. `skipped`: why nobody is contacted, "" where somebody is."""

    order: Order
    skipped: str = ""


def claim_name() -> str:
    """Name the holder of a claim: the process, and which claim of its. Its threads must not pass for each other."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


def accept_lead(submission: Submission, *, now: datetime) -> Accepted:
    """Make the lead and its dispatch, durably.

    For a channel that sends while the request waits, the dispatch is born claimed: the caller must send it by
    `leads.dispatch` or undo it. Raises DuplicatePhone or KeyNoLongerWorks.
    """
    channel = get_channel(submission.channel)
    inline = channel.inline and not submission.later
    order = _order(submission, now=now, claimed_by=claim_name() if inline else "")
    due_at = lease_end(now) if inline else now + timedelta(seconds=channel.grace_s())
    row = _row(submission, order, due_at=due_at)
    match _insert(row) if submission.consent is None else _insert_with_consent(row, submission.consent):
        case Inserted.DUPLICATE:
            raise DuplicatePhone(find_duplicate(submission))
        case Inserted.KEY_DEAD:
            raise KeyNoLongerWorks
        case Inserted.COSTLY:
            _leave_to_person(submission, now=now)
            return Accepted(order, skipped=COSTLY)
        case outcome:
            return Accepted(order, skipped=_SKIPPED.get(outcome, ""))


def _leave_to_person(submission: Submission, *, now: datetime) -> None:
    workspace = Workspace.objects.get(pk=submission.workspace_id)
    reason = why_costly(workspace, submission.phone)
    change_status(submission.lead_id, Lead.Status.NEEDS_HUMAN, now=now, reason=reason[:255])


def _insert_with_consent(row: NewLead, consent: ConsentGiven) -> Inserted:
    """Insert the lead together with its evidence: neither is there without the other."""
    with transaction.atomic():
        inserted = insert_leads([row])[0]
        if inserted not in {Inserted.DUPLICATE, Inserted.KEY_DEAD}:
            Consent.objects.create(
                lead_id=row.lead_id,
                text=consent.text,
                version=consent.version,
                text_sha256=hashlib.sha256(consent.text.encode()).hexdigest(),
                given_at=consent.given_at,
                ip=consent.ip,
                user_agent=consent.user_agent[:512],
                page_url=consent.page_url[:2048],
                embedded_by=consent.embedded_by,
            )
        return inserted


def find_duplicate(submission: Submission) -> UUID | None:
    """Find the lead that has the phone; None when it is gone again."""
    same = Lead.objects.filter(workspace_id=submission.workspace_id, phone=submission.phone, is_test=submission.is_test)
    return same.values_list("id", flat=True).first()


def _order(submission: Submission, *, now: datetime, claimed_by: str) -> Order:
    return Order(
        dispatch_id=uuid.uuid4(),
        lead_id=submission.lead_id,
        workspace_id=submission.workspace_id,
        channel=submission.channel,
        is_test=submission.is_test,
        name=submission.name,
        phone=submission.phone,
        email=submission.email,
        goal=submission.goal,
        metadata=submission.metadata or {},
        form_responses=submission.form_responses,
        form_version_id=submission.form_version_id,
        claimed_at=now,
        claimed_by=claimed_by,
    )


def _row(submission: Submission, order: Order, *, due_at: datetime) -> NewLead:
    # Test leads are never rung.
    judged = not (submission.is_test or submission.by_hand)
    kind, country = kind_and_country(order.phone) if judged else ("", "")
    return NewLead(
        lead_id=order.lead_id,
        dispatch_id=order.dispatch_id,
        workspace_id=order.workspace_id,
        key_id=submission.key_id,
        channel=order.channel,
        is_test=order.is_test,
        source=submission.source,
        name=order.name,
        phone=order.phone,
        phone_digest=phone_digest(order.workspace_id, order.phone),
        kind=kind,
        country=country,
        by_hand=submission.by_hand,
        email=order.email,
        goal=order.goal,
        metadata=None if submission.metadata is None else _json(submission.metadata),
        form_responses=_json(order.form_responses),
        form_version_id=order.form_version_id,
        at=order.claimed_at,
        due_at=due_at,
        claimed_by=order.claimed_by,
    )


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else "{}"
