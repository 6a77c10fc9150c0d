"""Reading leads: one by its id beside pgbench's select, and pages of a million beside the first of a thousand."""

import itertools
import json
import random
from datetime import UTC, datetime, timedelta
from hashlib import md5
from urllib.parse import urlencode
from uuid import UUID

from benchmarks import load
from benchmarks.bench import LEADS, PRODUCT, Bench
from benchmarks.servers import Server

MANY, FEW, QUICK_MANY = 1_000_000, 1_000, 50_000
FIRST_OF_FEW = f"first, of {FEW:,}"
CONNECTIONS = 64
PAGE = 50
# seed.py puts one lead every 13 seconds.
LEAD_EVERY_S = 13


def seed(bench: Bench) -> int:
    """Fill the two workspaces that are read from. Returns how many leads the big one has."""
    many = QUICK_MANY if bench.quick else MANY
    if "seeded" not in bench.made:
        bench.seed_leads("small", FEW)
        bench.seed_leads("big", many)
        bench.cluster.settle(PRODUCT)
        bench.made["seeded"] = str(many)
    return many


def measure_get(bench: Bench) -> None:
    """Measure GET of one lead at 64 connections, and pgbench's select of it."""
    many = seed(bench)
    workspace, key = bench.made["big"], bench.made["big_key"]
    picked = range(1, many, max(1, many // 5000))
    ids = [UUID(md5(f"{workspace}:{n}".encode(), usedforsecurity=False).hexdigest()) for n in picked]
    requests = itertools.cycle([(0, _get(f"{LEADS}/{lead_id}", key)) for lead_id in ids])
    pgbench = bench.pgbench()
    script = pgbench.get_script(workspace_id=workspace, leads=many)
    lead_alone = pgbench.get_lead_script(workspace_id=workspace, leads=many)
    seconds = bench.seconds(5)
    with bench.product() as product:
        for _ in range(bench.rounds):
            tps = pgbench.run(script, clients=CONNECTIONS, duration_s=seconds)
            alone = pgbench.run(lead_alone, clients=CONNECTIONS, duration_s=seconds)
            shape = load.Shape(connections=CONNECTIONS, duration_s=seconds)
            outcome = load.drive(
                port=product.port, shape=shape, next_request=lambda: next(requests), probe=product.cpu_s
            )
            bench.check(product, outcome, expected=200, what="GET one lead")
            add = bench.findings.add
            add(f"get: product / pgbench, {CONNECTIONS}", 100 * outcome.rate / tps, "%")
            add(f"get: product, {CONNECTIONS}", outcome.rate, "req/s")
            add(f"get: pgbench, {CONNECTIONS}", tps, "tx/s")
            add(f"get: pgbench without the key, {CONNECTIONS}", alone, "tx/s")
            add(f"get: product p99, {CONNECTIONS}", outcome.percentile_ms(0.99), "ms")
            add(f"get: product CPU a read, {CONNECTIONS}", 1e6 * outcome.server_cpu_s / outcome.answered, "µs")
            bench.say(f"GET {outcome.rate:,.0f}, pgbench {tps:,.0f}")


def measure_list(bench: Bench) -> None:
    """Measure pages over one connection, one request of each kind and then again: their noise is the same."""
    many = seed(bench)
    with bench.product() as product:
        pages = _pages(bench, product, many)
        search = {f"q, of {many:,} (not gated)": _page("big", bench, q=f"Lead {many // 2}")}
        for _ in range(bench.rounds):
            medians = _time_pages(bench, product, pages, seconds=bench.seconds(6))
            # Apart, because whoever came after it would find the processor's caches full of it.
            searched = _time_pages(bench, product, search, seconds=bench.seconds(2))
            for name, value in (medians | searched).items():
                bench.findings.add(f"list: {name}", value, "ms")
                bench.say(f"{name} {value:.1f} ms")
            ratio = max(medians.values()) / medians[FIRST_OF_FEW]
            bench.findings.add("list: worst page / first page at 1 k", ratio, "×")


def _time_pages(bench: Bench, product: Server, pages: dict[str, bytes], *, seconds: float) -> dict[str, float]:
    """Return the median of each page in milliseconds, asked for in an order that changes every time."""
    kinds = list(enumerate(pages.values()))
    order = random.Random(1)
    requests = itertools.chain.from_iterable(order.sample(kinds, len(kinds)) for _ in itertools.count())
    outcome = load.drive(
        port=product.port,
        shape=load.Shape(connections=1, duration_s=seconds),
        next_request=lambda: next(requests),
    )
    bench.check(product, outcome, expected=200, what="list")
    return {name: outcome.percentile_ms(0.5, kind=kind) for kind, name in enumerate(pages)}


def _pages(bench: Bench, product: Server, many: int) -> dict[str, bytes]:
    """Make the requests by name, the one that all are held against first."""
    near_end = datetime.now(UTC) - timedelta(seconds=LEAD_EVERY_S * many * 0.95)
    before = f"{near_end:%Y-%m-%dT%H:%M:%S.000Z}"
    middle = many // 2
    queries: dict[str, dict[str, str]] = {
        "first": {},
        "status": {"status": "booked"},
        "status far back": {"status": "booked", "createdBefore": before},
        "createdBefore far back": {"createdBefore": before},
        "far page by cursor": _far_cursor(bench, product, before),
        "phone": {"phone": f"+4479{middle:08d}"},
        "email": {"email": f"lead{middle}@example.com"},
    }
    pages = {f"{name}, of {many:,}": _page("big", bench, **query) for name, query in queries.items()}
    return {FIRST_OF_FEW: _page("small", bench)} | pages


def _page(workspace: str, bench: Bench, **query: str) -> bytes:
    return _get(f"{LEADS}?{urlencode({'limit': str(PAGE)} | query)}", bench.made[f"{workspace}_key"])


def _far_cursor(bench: Bench, product: Server, before: str) -> dict[str, str]:
    """Take the cursor of a page far back, so that the page after it can be had without any filter."""
    query = urlencode({"limit": PAGE, "createdBefore": before})
    status, body = product.ask(f"{LEADS}?{query}", key=f"Bearer {bench.made['big_key']}")
    cursor = json.loads(body).get("nextCursor") if status == 200 else None
    if not cursor:
        bench.findings.blame(f"list: no cursor far back ({status})")
        return {"createdBefore": before}
    if product.ask(f"{LEADS}?{urlencode({'cursor': cursor})}", key=f"Bearer {bench.made['big_key']}")[0] != 200:
        # The cursor belongs to its filter.
        return {"cursor": cursor, "createdBefore": before}
    return {"cursor": cursor}


def _get(path: str, key: str) -> bytes:
    return load.http_request("GET", path, headers={"Authorization": f"Bearer {key}"})
