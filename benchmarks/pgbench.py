"""What PostgreSQL itself does with the same statements: the limit that the product is held against."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.cluster import CannotMeasure, Cluster

_tps = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_failed = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
# pgbench can't make UUIDs: sixteen random digits, padded, are as good to an index.
_RANDOM = r"\set n random(1000000000000000, 8999999999999999)"
_OWN = {
    "leads_lead": {"id": "lpad(:n::text, 32, '0')::uuid", "phone": "'+' || :n::text"},
    "leads_dispatch": {"id": "lpad(:n::text, 32, '1')::uuid", "lead_id": "lpad(:n::text, 32, '0')::uuid"},
}
_LEAD = "JOIN leads_lead l ON l.workspace_id = w.id "


@dataclass(frozen=True, slots=True, kw_only=True)
class Pgbench:
    """Runs scripts against the product's own tables."""

    cluster: Cluster
    database: str
    directory: Path

    def run(self, script: str, *, clients: int, duration_s: float) -> float:
        """Return the transactions a second. Raises CannotMeasure when one failed."""
        file = self.directory / "script.sql"
        file.write_text(script)
        command = [
            *(str(self.cluster.bin_dir / "pgbench"), "--no-vacuum", "--protocol", "prepared", "--file", str(file)),
            *("--client", str(clients), "--jobs", str(min(2, clients)), "--time", str(max(1, round(duration_s)))),
            *("--host", "127.0.0.1", "--port", str(self.cluster.port), "--username", self.cluster.user, self.database),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found, failed = _tps.search(done.stdout), _failed.search(done.stdout)
        if done.returncode or found is None or (failed and failed[1] != "0"):
            raise CannotMeasure(f"pgbench failed:\n{done.stdout}\n{done.stderr}")
        return float(found[1])

    def accept_script(self, *, workspace_id: str, key_workspace_id: str) -> str:
        """Write the accept path as three statements in one transaction.

        The inserts repeat, column by column, the newest lead and dispatch that the product wrote for `workspace_id`,
        so they stay the product's statements when its tables change.
        """
        return "\n".join(
            [
                _RANDOM,
                "BEGIN;",
                f"{self._key_select(key_workspace_id)};",
                self._insert("leads_lead", workspace_id, key_workspace_id),
                self._insert("leads_dispatch", workspace_id, key_workspace_id),
                "COMMIT;",
            ]
        )

    def get_script(self, *, workspace_id: str, leads: int) -> str:
        """Write the read of one of `leads` seeded leads, and of the key that may see it, as one select."""
        select = self._key_select(workspace_id, more="l.*, ", join=_LEAD)
        return f"\\set n random(1, {leads})\n{select} AND l.id = {_seeded(workspace_id)};"

    def get_lead_script(self, *, workspace_id: str, leads: int) -> str:
        """Write the read of the lead alone, by its primary key."""
        # Our own ids, nobody's input.
        select = f"SELECT * FROM leads_lead WHERE id = {_seeded(workspace_id)};"  # noqa: S608
        return f"\\set n random(1, {leads})\n{select}"

    def _key_select(self, workspace_id: str, *, more: str = "", join: str = "") -> str:
        """Write the select that checks the key of a workspace, without its semicolon."""
        with self.cluster.connect(self.database) as connection:
            row = connection.execute(
                "SELECT prefix, token_hash FROM apikeys_apikey WHERE workspace_id = %s", [workspace_id]
            ).fetchone()
        if row is None:
            raise CannotMeasure("The workspace has no key.")
        # Every part comes from the benchmark's own database.
        return (
            f"SELECT {more}k.*, w.* FROM apikeys_apikey k JOIN workspaces_workspace w ON w.id = k.workspace_id {join}"  # noqa: S608
            f"WHERE k.prefix = '{row[0]}' AND k.token_hash = '{row[1]}' AND k.revoked_at IS NULL "
            "AND (k.expires_at IS NULL OR k.expires_at > now())"
        )

    def _insert(self, table: str, workspace_id: str, own_workspace_id: str) -> str:
        """Write an INSERT of a row like the newest one, into another workspace, under ids of its own."""
        with self.cluster.connect(self.database) as connection:
            newest = sql.SQL("SELECT * FROM {} WHERE workspace_id = %s ORDER BY created_at DESC LIMIT 1")
            cursor = connection.execute(newest.format(sql.Identifier(table)), [workspace_id])
            row = cursor.fetchone()
            if row is None or cursor.description is None:
                raise CannotMeasure(f"{table} has no row to copy.")
            own = _OWN[table] | {"workspace_id": f"'{own_workspace_id}'"}
            values = {
                column.name: own.get(column.name) or _literal(value, connection)
                for column, value in zip(cursor.description, row, strict=True)
            }
        # Every part comes from the benchmark's own database.
        return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())});"  # noqa: S608


def _seeded(workspace_id: str) -> str:
    """Write the id of seeded lead :n, as seed.py made it."""
    return f"md5('{workspace_id}:' || :n::text)::uuid"


def _literal(value: object, connection: psycopg.Connection[tuple[object, ...]]) -> str:
    if hasattr(value, "utcoffset"):
        return "now()"
    # A colon before a word would be a variable to pgbench, even within quotes.
    return re.sub(r":(?=\w)", ": ", sql.Literal(value).as_string(connection))
