"""Idempotency-Key: the first answer to a request is kept, and given again to whoever repeats it."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError

from apikeys.authentication import INVALID, unauthorized
from apikeys.fingerprint import digest, fingerprint
from apikeys.models import IdempotentRequest
from webapi.calls import Answer
from webapi.errors import ApiError
from workspaces.insert_once import insert_once

KEPT = timedelta(hours=24)
REPLAYED = "Idempotency-Replayed"
# These say that nothing was decided: the same key may try again.
NOT_KEPT = frozenset({401, 429})


@dataclass(frozen=True, slots=True)
class Run:
    """The right to execute a request. `lead_id` is the lead it makes: the same one on every take-over."""

    pk: int
    run_id: UUID
    lead_id: UUID
    taken_over: bool


def begin(*, key_id: UUID, key: str, body: bytes, now: datetime) -> Run | Answer:
    """Start a request, or return the answer that it got before.

    A run whose lease ended (its process died) is taken over. Raises ApiError: 400 for a key that is too long,
    422 for a key that stood over another body, 409 while the first run goes on.
    """
    key = _as_sent(key)
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise ApiError(400, "invalid_idempotency_key", message="Idempotency-Key must be 1 to 255 printable characters.")
    body_hash = fingerprint(body)
    for _ in range(3):
        run = _start(key_id=key_id, key=key, body_hash=body_hash, now=now)
        if run is not None:
            return run
        row = IdempotentRequest.objects.filter(api_key_id=key_id, key=key).first()
        if row is not None:
            # Rows of before the fingerprint hold the hash of the bytes.
            found = _meet(row, hashes={body_hash, digest(body)}, now=now)
            if found is not None:
                return found
    raise _in_progress()


def _as_sent(key: str) -> str:
    """Read a header's bytes as the UTF-8 they most likely are; WSGI hands them over as Latin-1."""
    try:
        return key.encode("latin-1").decode()
    except UnicodeError:
        return key


def finish(run: Run, answer: Answer) -> None:
    """Keep the answer, or forget the run where nothing was decided."""
    mine = IdempotentRequest.objects.filter(pk=run.pk, run_id=run.run_id)
    if answer.status in NOT_KEPT or answer.status >= 500:
        mine.delete()
        return
    mine.update(
        status=IdempotentRequest.Status.DONE,
        response_status=answer.status,
        response_body=answer.body.decode(),
    )


def wait_for_other(run: Run, *, now: datetime) -> ApiError:
    """Step back from a take-over, because what the dead run began is still open; returns the 409 to raise."""
    let_go(run, now=now)
    return _in_progress()


def let_go(run: Run, *, now: datetime) -> None:
    """Leave a run that crashed to whoever comes next with its key: what it left behind decides then."""
    IdempotentRequest.objects.filter(pk=run.pk, run_id=run.run_id).update(lease_until=now)


def _start(*, key_id: UUID, key: str, body_hash: str, now: datetime) -> Run | None:
    row = IdempotentRequest(
        api_key_id=key_id, key=key, body_hash=body_hash, lease_until=_lease_end(now), created_at=now
    )
    try:
        if not insert_once(row):
            return None
    except IntegrityError:
        # The key went with its workspace in this very moment.
        raise unauthorized(INVALID) from None
    return Run(row.pk, row.run_id, row.lead_id, taken_over=False)


def _meet(row: IdempotentRequest, *, hashes: set[str], now: datetime) -> Run | Answer | None:
    """Deal with a key that was seen before. None: it was too old and is gone, start again."""
    if row.created_at < now - KEPT:
        IdempotentRequest.objects.filter(pk=row.pk, run_id=row.run_id).delete()
        return None
    if row.body_hash not in hashes:
        raise ApiError(
            422, "idempotency_key_reused", message="This Idempotency-Key was used with a different request body."
        )
    if row.status == IdempotentRequest.Status.DONE:
        return Answer(row.response_status or 500, json.loads(row.response_body), {REPLAYED: "true"})
    if row.lease_until > now:
        raise _in_progress()
    taken = Run(row.pk, uuid.uuid4(), row.lead_id, taken_over=True)
    silent = IdempotentRequest.objects.filter(
        pk=row.pk, run_id=row.run_id, status=IdempotentRequest.Status.RUNNING, lease_until=row.lease_until
    )
    if silent.update(run_id=taken.run_id, lease_until=_lease_end(now)) != 1:
        raise _in_progress()
    return taken


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.IDEMPOTENCY_LEASE_S)


def _in_progress() -> ApiError:
    return ApiError(
        409,
        "idempotency_in_progress",
        message="The first request with this Idempotency-Key is still running.",
        headers={"Retry-After": "1"},
    )
