"""The statement that makes leads: key checked, lead and dispatch inserted, all or nothing, for many at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from workspaces import prepared

PAUSED = "paused"
OPTED_OUT = "opted_out"
COSTLY = "costly_number"


class Inserted(Enum):
    """What became of a row."""

    ACCEPTED = "accepted"
    PAUSED = "paused"
    SUPPRESSED = "suppressed"
    COSTLY = "costly"
    DUPLICATE = "duplicate"
    KEY_DEAD = "key_dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLead:
    """A row to be: plain values, already checked. `metadata` and `form_responses` are JSON texts."""

    lead_id: UUID
    dispatch_id: UUID
    workspace_id: UUID
    key_id: UUID | None
    channel: str
    is_test: bool
    source: str
    name: str
    phone: str
    # As leads.suppression.phone_digest writes it.
    phone_digest: str
    # As leads.costly.kind_and_country tells them; both "" where the number is contacted whatever it costs.
    kind: str
    country: str
    by_hand: bool
    email: str | None
    goal: str | None
    metadata: str | None
    form_responses: str
    form_version_id: UUID | None
    at: datetime
    due_at: datetime
    # The name of the process that will send at once; "" leaves the dispatch to whoever claims it.
    claimed_by: str


_POSTGRES = """
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s::json) AS g(
        n int, lead_id uuid, dispatch_id uuid, workspace_id uuid, key_id uuid, channel text, is_test boolean,
        source text, name text, phone text, phone_digest text, email text, goal text, metadata text,
        kind text, country text, by_hand boolean,
        form_responses text, form_version_id uuid, at timestamptz, due_at timestamptz, claimed_by text)
), allowed AS MATERIALIZED (
    SELECT g.*, o.reason,
           CASE WHEN o.reason <> '' THEN 'skipped' WHEN g.claimed_by <> '' THEN 'sending' ELSE 'pending' END state
    FROM given g JOIN workspaces_workspace w ON w.id = g.workspace_id
    LEFT JOIN apikeys_apikey k ON k.id = g.key_id
    LEFT JOIN leads_suppression s ON s.workspace_id = g.workspace_id AND s.phone_digest = g.phone_digest
    CROSS JOIN LATERAL (
        SELECT CASE WHEN s.id IS NOT NULL THEN 'opted_out' WHEN NOT w.agent_enabled THEN 'paused'
                    WHEN g.kind <> '' AND position(',' || g.kind || ',' IN ',' || w.allowed_kinds || ',') = 0
                      OR g.country <> '' AND w.called_countries <> ''
                         AND position(',' || g.country || ',' IN ',' || w.called_countries || ',') = 0
                    THEN 'costly_number' ELSE '' END reason
    ) o
    WHERE g.key_id IS NULL
       OR (k.id IS NOT NULL AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > g.at))
), new_leads AS (
    INSERT INTO leads_lead (id, workspace_id, channel, is_test, source, name, phone, email, goal, metadata,
                            form_responses, form_version_id, status, created_at, updated_at)
    SELECT lead_id, workspace_id, channel, is_test, source, name, phone, email, goal, metadata,
           form_responses, form_version_id, 'new', at, at
    FROM allowed ORDER BY workspace_id, phone
    ON CONFLICT DO NOTHING
    RETURNING id
), new_dispatches AS (
    INSERT INTO leads_dispatch (id, workspace_id, lead_id, channel, status, reason, attempts, due_at, claimed_by,
                                claimed_at, created_at, finished_at, by_hand)
    SELECT a.dispatch_id, a.workspace_id, a.lead_id, a.channel, a.state,
           a.reason,
           CASE a.state WHEN 'sending' THEN 1 ELSE 0 END, a.due_at,
           CASE a.state WHEN 'sending' THEN a.claimed_by ELSE '' END,
           CASE a.state WHEN 'sending' THEN a.at END, a.at,
           CASE a.state WHEN 'skipped' THEN a.at END, a.by_hand
    FROM allowed a JOIN new_leads l ON l.id = a.lead_id
)
SELECT a.n, l.id IS NOT NULL, a.reason FROM allowed a LEFT JOIN new_leads l ON l.id = a.lead_id
"""


def insert_leads(rows: Sequence[NewLead]) -> list[Inserted]:
    """Insert leads with their dispatches and commit, or, inside a transaction, leave that to who began it.

    Rows are told apart by what became of them.
    """
    results = _by_statement(rows) if prepared.is_postgres() else _row_by_row(rows)
    return [results.get(n, Inserted.KEY_DEAD) for n in range(len(rows))]


def _by_statement(rows: Sequence[NewLead]) -> dict[int, Inserted]:
    payload = json.dumps([_plain(row, n) for n, row in enumerate(rows)], ensure_ascii=False, default=str)
    return {n: _result(inserted, reason) for n, inserted, reason in prepared.fetch(_POSTGRES, [payload])}


def _plain(row: NewLead, n: int) -> dict[str, Any]:
    return {"n": n} | {name: getattr(row, name) for name in NewLead.__slots__}


def _result(inserted: bool, reason: str) -> Inserted:
    if not inserted:
        return Inserted.DUPLICATE
    return _SKIPPED.get(reason, Inserted.ACCEPTED)


_SKIPPED = {PAUSED: Inserted.PAUSED, OPTED_OUT: Inserted.SUPPRESSED, COSTLY: Inserted.COSTLY}
_KEY = """
SELECT 1 FROM apikeys_apikey WHERE id = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s)
"""
_REASON = """
SELECT CASE WHEN s.id IS NOT NULL THEN 'opted_out' WHEN NOT w.agent_enabled THEN 'paused'
            WHEN %s <> '' AND instr(',' || w.allowed_kinds || ',', ',' || %s || ',') = 0
              OR %s <> '' AND w.called_countries <> ''
                 AND instr(',' || w.called_countries || ',', ',' || %s || ',') = 0
            THEN 'costly_number' ELSE '' END
FROM workspaces_workspace w
LEFT JOIN leads_suppression s ON s.workspace_id = w.id AND s.phone_digest = %s
WHERE w.id = %s
"""
_LEAD = """
INSERT INTO leads_lead (id, workspace_id, channel, is_test, source, name, phone, email, goal, metadata,
                        form_responses, form_version_id, status, created_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'new', %s, %s) ON CONFLICT DO NOTHING
"""
_DISPATCH = """
INSERT INTO leads_dispatch (id, workspace_id, lead_id, channel, status, reason, attempts, due_at, claimed_by,
                            claimed_at, created_at, finished_at, by_hand)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def _row_by_row(rows: Sequence[NewLead]) -> dict[int, Inserted]:
    """Do the same in SQLite, which has no INSERT inside WITH: statements a row, one commit for all."""
    results: dict[int, Inserted] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        for n, row in enumerate(rows):
            at = connection.ops.adapt_datetimefield_value(row.at)
            if row.key_id is not None and not cursor.execute(_KEY, [row.key_id.hex, at]).fetchone():
                continue
            numbers = [row.kind, row.kind, row.country, row.country]
            found = cursor.execute(_REASON, [*numbers, row.phone_digest, row.workspace_id.hex]).fetchone()
            if found is None:
                continue
            reason = found[0]
            if cursor.execute(_LEAD, [*_lead_values(row), at, at]).rowcount != 1:
                results[n] = Inserted.DUPLICATE
                continue
            cursor.execute(_DISPATCH, _dispatch_values(row, reason=reason, at=at))
            results[n] = _result(True, reason)
    return results


def _lead_values(row: NewLead) -> list[Any]:
    return [
        row.lead_id.hex,
        row.workspace_id.hex,
        row.channel,
        row.is_test,
        row.source,
        row.name,
        row.phone,
        row.email,
        row.goal,
        row.metadata,
        row.form_responses,
        None if row.form_version_id is None else row.form_version_id.hex,
    ]


def _dispatch_values(row: NewLead, *, reason: str, at: Any) -> list[Any]:
    due_at = connection.ops.adapt_datetimefield_value(row.due_at)
    identity = [row.dispatch_id.hex, row.workspace_id.hex, row.lead_id.hex, row.channel]
    if reason:
        return [*identity, "skipped", reason, 0, due_at, "", None, at, at, row.by_hand]
    if row.claimed_by:
        return [*identity, "sending", "", 1, due_at, row.claimed_by, at, at, None, row.by_hand]
    return [*identity, "pending", "", 0, due_at, "", None, at, None, row.by_hand]
