"""What every scenario is given: the databases, the environment, the length of a run, and where findings go."""

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load, servers
from benchmarks.cluster import CannotMeasure, Cluster
from benchmarks.pgbench import Pgbench
from benchmarks.report import Findings
from benchmarks.servers import Server

PRODUCT, BASELINE = "product", "baseline"
LEADS = "/api/public/leads"
# A number of its own for every lead: +44 79, two digits of the run, six of the lead.
LEADS_A_RUN = 1_000_000
LEAD = {
    "name": "Jane Doe",
    "email": "jane@acme.com",
    "goal": "Lose five kilos by summer",
    "metadata": {"companyName": "Acme Corp", "utm_source": "newsletter"},
    "consent": True,
    "phone": "PHONE",
}


@dataclass(slots=True, kw_only=True)
class Bench:
    """One run of `make bench`."""

    cluster: Cluster
    directory: Path
    environment: dict[str, str]
    rounds: int
    quick: bool
    findings: Findings = field(default_factory=Findings)
    # Ids and keys of the product's workspaces on PostgreSQL, see seed.py.
    made: dict[str, str] = field(default_factory=dict)
    _run_numbers: Iterator[int] = field(default_factory=itertools.count)

    def seconds(self, value: float) -> float:
        """Shorten a measurement where only a try is wanted."""
        return min(value, 2.0) if self.quick else value

    def say(self, line: str) -> None:
        """Tell the terminal how it goes."""
        print(f"  {line}", flush=True)

    def product_environment(self, **more: str) -> dict[str, str]:
        """Return the environment of the product on PostgreSQL."""
        return self.environment | {"DATABASE_URL": self.cluster.url(PRODUCT)} | more

    def prepare(self) -> None:
        """Create and migrate the product's database on PostgreSQL, with its workspaces and keys."""
        self.cluster.create_database(PRODUCT)
        self.made = servers.run_module("benchmarks.seed", env=self.product_environment())

    def prepare_baseline(self, database_url: str) -> tuple[dict[str, str], str]:
        """Create the baseline's tables. Returns its environment and the value of its Authorization header."""
        env = self.environment | {
            "BASELINE_DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "benchmarks.baseline.settings",
        }
        made = servers.run_module("benchmarks.baseline.prepare", env=env)
        return env, f"Api-Key {made['key']}"

    def seed_leads(self, workspace: str, count: int) -> None:
        """Give one of the workspaces on PostgreSQL many leads."""
        self.say(f"seeding {count:,} leads …")
        servers.run_module("benchmarks.seed", "leads", self.made[workspace], str(count), env=self.product_environment())

    def product(self, **more: str) -> AbstractContextManager[Server]:
        """Run the product on PostgreSQL."""
        return servers.product(env=self.product_environment(**more), log=self.directory / "product.log")

    def product_without_fast_path(self) -> AbstractContextManager[Server]:
        """Run the product with Django and DRF answering everything."""
        log = self.directory / "django.log"
        return servers.product(env=self.product_environment(), log=log, target="coachbot.wsgi:django_alone")

    def pgbench(self) -> Pgbench:
        """Return pgbench on the product's database."""
        return Pgbench(cluster=self.cluster, database=PRODUCT, directory=self.directory)

    def new_phones(self) -> tuple[str, str, Callable[[], str]]:
        """Return the first and the last number of a range that no other run uses, and what hands them out."""
        first = 447_900_000_000 + next(self._run_numbers) * LEADS_A_RUN
        numbers = iter(range(first, first + LEADS_A_RUN))
        return f"+{first}", f"+{first + LEADS_A_RUN - 1}", lambda: f"+{next(numbers)}"

    def rows_on_postgres(self, database: str, first: str, last: str) -> tuple[int, int]:
        """Count the leads of a range of phones, and their dispatches."""
        with self.cluster.connect(database) as connection:
            row = connection.execute(_COUNT.format(mark="%s"), [first, last]).fetchone()
        return (int(str(row[0])), int(str(row[1]))) if row else (0, 0)

    def post_leads(
        self, server: Server, *, shape: load.Shape, path: str, key: str, rows: "Callable[[str, str], tuple[int, int]]"
    ) -> load.Outcome:
        """Drive POSTs of new leads and hold the rows against the answers."""
        first, last, next_phone = self.new_phones()
        before, after = request_around(path=path, key=key)
        outcome = load.drive(
            port=server.port,
            shape=shape,
            next_request=lambda: (0, before + next_phone().encode() + after),
            probe=server.cpu_s,
        )
        self.check(server, outcome, expected=201, what=f"{server.name}, {shape.connections} connections")
        leads, dispatches = rows(first, last)
        created = outcome.statuses[201]
        if not created <= leads <= created + outcome.unanswered or leads != dispatches:
            self.findings.blame(f"{server.name}: {created} answers 201, {leads} leads, {dispatches} dispatches")
        return outcome

    def check(self, server: Server, outcome: load.Outcome, *, expected: int, what: str) -> None:
        """Blame every answer that is not the expected one, and every request without an answer."""
        others = {status: n for status, n in outcome.statuses.items() if status != expected}
        if others or outcome.unanswered:
            self.findings.blame(f"{what}: other answers {others}, unanswered {outcome.unanswered}")
            (self.directory / "fault.log").write_text(server.complaint())
            print(server.complaint()[-1500:], flush=True)
        if not outcome.answered:
            raise CannotMeasure(f"{what}: nothing was answered within the window.\n{server.complaint()}")


_COUNT = (
    "SELECT count(*), count(dispatch.id) FROM leads_lead lead LEFT JOIN leads_dispatch dispatch "
    "ON dispatch.lead_id = lead.id WHERE lead.phone BETWEEN {mark} AND {mark} "
    # pgbench's own phones are longer, and as texts some stand between two of ours.
    "AND length(lead.phone) = 13"
)


def rows_on_sqlite(file: Path, first: str, last: str) -> tuple[int, int]:
    """Count the leads of a range of phones, and their dispatches."""
    connection = sqlite3.connect(file)
    try:
        leads, dispatches = connection.execute(_COUNT.format(mark="?"), [first, last]).fetchone()
    finally:
        connection.close()
    return int(leads), int(dispatches)


def request_around(*, path: str, key: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the phone in the bytes of a POST of a lead."""
    body = json.dumps(LEAD, separators=(",", ":")).replace("PHONE", "+447000000000").encode()
    request = load.http_request("POST", path, headers={"Authorization": key}, body=body)
    before, _, after = request.partition(b"+447000000000")
    return before, after
