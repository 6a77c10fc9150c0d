"""Submissions that were kept back: as spam, or because the day's cap was reached. Staff release or discard them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from leadforms import held_mail, spam
from leadforms.models import ContactsOfDay, HeldSubmission, SpentToken
from leads.dispatch import deliver
from leads.intake import Accepted, ConsentGiven, DuplicatePhone, Submission, accept_lead
from leads.models import Dispatch, Lead
from workspaces.models import Workspace

Reason = HeldSubmission.Reason
# A token lives for a day; after two nobody can send it again.
TOKENS_KEPT = timedelta(days=2)
COUNTS_KEPT = timedelta(days=7)
# So many wait in a workspace at most, whoever sends whatever.
MOST_WAITING = 10_000
# Rows deleted along with a new one, where there are more than that.
MOST_AT_ONCE = 100
_REST = ("email", "goal", "metadata", "form_responses")


class AlreadyDecided(Exception):
    """Somebody released or discarded it before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A submission that is a lead now. `status` and `reason` are those of its dispatch, as far as it has come."""

    lead_id: UUID
    status: str
    reason: str = ""


@dataclass(slots=True)
class ReleasedMany:
    """What became of many: how many are leads now, and which ones stayed because their phones were leads before."""

    released: int = 0
    known: list[HeldSubmission] = field(default_factory=list)


def hold(submission: Submission, *, reason: Reason, now: datetime) -> HeldSubmission:
    """Keep a submission back, whole, with the consent that was given with it.

    Part of the caller's transaction. Where MOST_WAITING wait already others make way: it may be this one.
    """
    if submission.consent is None or submission.form_version_id is None:
        raise ValueError("Only what came through a form is held.")
    rest: Any = {name: getattr(submission, name) for name in _REST}
    consent: Any = asdict(submission.consent) | {"given_at": submission.consent.given_at.isoformat()}
    held = HeldSubmission.objects.create(
        workspace_id=submission.workspace_id,
        form_version_id=submission.form_version_id,
        reason=reason,
        name=submission.name,
        phone=submission.phone,
        submission=rest,
        consent=consent,
        ip=submission.consent.ip,
        created_at=now,
    )
    _make_room(submission.workspace_id, now=now)
    held_mail.remember(submission.workspace_id, reason, now=now)
    return held


def _make_room(workspace_id: UUID, *, now: datetime) -> None:
    """Delete what is too much, and count it: what nobody ever saw must not be lost in silence."""
    waiting = HeldSubmission.objects.waiting().filter(workspace_id=workspace_id)
    over = min(waiting.count() - MOST_WAITING, MOST_AT_ONCE)
    gone: list[UUID] = []
    for reason in Reason:
        if len(gone) < over:
            oldest = waiting.filter(reason=reason).order_by("created_at").select_for_update(skip_locked=True)
            gone += oldest.values_list("pk", flat=True)[: over - len(gone)]
    if gone:
        HeldSubmission.objects.filter(pk__in=gone).delete()
        spam.count_made_way(Workspace.objects.get(pk=workspace_id), len(gone), now=now)


def release(held: HeldSubmission, *, by_id: Any, now: datetime) -> Released:
    """Make it a lead after all and contact it, while the caller waits where the channel sends so.

    The lead keeps the consent of the day it was given. It doesn't count toward the day's cap: a person decided. However
    often it is clicked, it is released once. Raises AlreadyDecided, or DuplicatePhone: then it goes on waiting.
    """
    accepted = _accept(held, by_id=by_id, now=now, later=False)
    deliver(accepted, undo_refused=False)
    row = Dispatch.objects.filter(pk=accepted.order.dispatch_id).first()
    return Released(lead_id=accepted.order.lead_id, status=row.status if row else "", reason=row.reason if row else "")


def release_many(rows: Iterable[HeldSubmission], *, by_id: Any, now: datetime) -> ReleasedMany:
    """Make them leads, each in a transaction of its own; the worker contacts them."""
    outcome = ReleasedMany()
    for held in rows:
        try:
            accepted = _accept(held, by_id=by_id, now=now, later=True)
        except AlreadyDecided:
            continue
        except DuplicatePhone:
            outcome.known.append(held)
            continue
        deliver(accepted, undo_refused=False)
        outcome.released += 1
    return outcome


def discard(rows: QuerySet[HeldSubmission], *, by_id: Any, now: datetime) -> int:
    """Put those that still wait aside. Returns how many that were."""
    waiting = rows.filter(released_at=None, discarded_at=None)
    return waiting.update(discarded_at=now, decided_by_id=by_id)


def put_back(rows: QuerySet[HeldSubmission]) -> int:
    """Let those that were discarded wait again. Returns how many that were."""
    return rows.filter(discarded_at__isnull=False).update(discarded_at=None, decided_by_id=None)


def find_expired(*, now: datetime) -> list[QuerySet[Any]]:
    """Return the rows that have served their time."""
    return [
        HeldSubmission.objects.filter(created_at__lt=now - timedelta(days=settings.HELD_RETENTION_DAYS)),
        SpentToken.objects.filter(spent_at__lt=now - TOKENS_KEPT),
        ContactsOfDay.objects.filter(day__lt=(now - COUNTS_KEPT).date()),
    ]


def forget(lead: Lead) -> None:
    """Erase what a lead's person sent besides, inside the caller's transaction."""
    if not lead.is_test:
        HeldSubmission.objects.filter(workspace_id=lead.workspace_id, phone=lead.phone).delete()


def _accept(held: HeldSubmission, *, by_id: Any, now: datetime, later: bool) -> Accepted:
    """Decide and make the lead, both or neither."""
    submission = _submission_of(held, later=later)
    with transaction.atomic(durable=True):
        mine = HeldSubmission.objects.waiting().filter(pk=held.pk)
        if not mine.update(released_at=now, decided_by_id=by_id, lead_id=submission.lead_id):
            raise AlreadyDecided
        return accept_lead(submission, now=now)


def _submission_of(held: HeldSubmission, *, later: bool) -> Submission:
    consent: Any = held.consent
    rest: Any = held.submission
    return Submission(
        workspace_id=held.workspace_id,
        channel=held.workspace.channel,
        name=held.name,
        phone=held.phone,
        source=Lead.Source.FORM,
        form_version_id=held.form_version_id,
        consent=ConsentGiven(**consent | {"given_at": datetime.fromisoformat(consent["given_at"])}),
        later=later,
        # A person has looked at it.
        by_hand=True,
        **rest,
    )
