"""What the fast path gains: the product with it and without it, in turn, on the same database."""

import functools
import itertools
from uuid import UUID

from benchmarks import load
from benchmarks.accept import SECONDS
from benchmarks.bench import LEADS, PRODUCT, Bench
from benchmarks.servers import Server


def measure(bench: Bench) -> None:
    """Measure POST of a lead at 1, 16 and 64 connections, and GET of one, both ways."""
    with bench.product() as fast, bench.product_without_fast_path() as django:
        for server in (fast, django):
            _post(bench, server, 1, seconds=0.5)
        ids = _some_leads(bench)
        for number in range(bench.rounds):
            both = (fast, django) if number % 2 == 0 else (django, fast)
            for connections, longest in SECONDS.items():
                seconds = bench.seconds(longest)
                rates = {id(each): _post(bench, each, connections, seconds=seconds).rate for each in both}
                _add(bench, f"accept, {connections}", rates[id(fast)], rates[id(django)])
            rates = {id(each): _get(bench, each, ids) for each in both}
            _add(bench, "get, 64", rates[id(fast)], rates[id(django)])


def _add(bench: Bench, what: str, fast: float, django: float) -> None:
    bench.findings.add(f"fast path: {what}, with / without", fast / django, "×")
    bench.findings.add(f"fast path: {what}, with", fast, "req/s")
    bench.findings.add(f"fast path: {what}, without", django, "req/s")
    bench.say(f"{what}: with {fast:,.0f}, without {django:,.0f}, {fast / django:.2f} ×")


def _post(bench: Bench, server: Server, connections: int, *, seconds: float) -> load.Outcome:
    return bench.post_leads(
        server,
        shape=load.Shape(connections=connections, duration_s=seconds),
        path=LEADS,
        key=f"Bearer {bench.made['accept_key']}",
        rows=functools.partial(bench.rows_on_postgres, PRODUCT),
    )


def _some_leads(bench: Bench) -> list[UUID]:
    with bench.cluster.connect(PRODUCT) as connection:
        rows = connection.execute(
            "SELECT id FROM leads_lead WHERE workspace_id = %s LIMIT 200", [bench.made["accept"]]
        ).fetchall()
    return [UUID(str(row[0])) for row in rows]


def _get(bench: Bench, server: Server, ids: list[UUID]) -> float:
    key = bench.made["accept_key"]
    headers = {"Authorization": f"Bearer {key}"}
    requests = itertools.cycle([(0, load.http_request("GET", f"{LEADS}/{each}", headers=headers)) for each in ids])
    outcome = load.drive(
        port=server.port,
        shape=load.Shape(connections=64, duration_s=bench.seconds(4)),
        next_request=lambda: next(requests),
    )
    bench.check(server, outcome, expected=200, what=f"GET one lead, {server.name}")
    return outcome.rate
