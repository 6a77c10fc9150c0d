"""WhatsApp leads: POST → committed with their dispatch → 201. Beside it a plain DRF view, and pgbench as the limit."""

import functools

from benchmarks import load, servers
from benchmarks.bench import BASELINE, LEADS, PRODUCT, Bench
from benchmarks.servers import Server

SECONDS = {1: 2.0, 16: 4.0, 64: 6.0}


def measure(bench: Bench) -> None:
    """Measure the product, the baseline and pgbench in turn at 1, 16 and 64 connections."""
    bench.cluster.create_database(BASELINE)
    env, key = bench.prepare_baseline(bench.cluster.url(BASELINE))
    workers = ("--workers", str(servers.WORKERS), "--worker-class", "sync")
    log = bench.directory / "baseline.log"
    with bench.product() as product, servers.baseline(env=env, log=log, worker_options=workers) as plain:
        _post(bench, product, 1, seconds=0.2)
        limit = bench.pgbench().accept_script(workspace_id=bench.made["accept"], key_workspace_id=bench.made["limit"])
        bench.cluster.settle(PRODUCT)
        for number in range(bench.rounds):
            for connections, seconds in SECONDS.items():
                _take_turns(bench, product, plain, key, limit, connections, bench.seconds(seconds))
            bench.say(f"round {number + 1} of {bench.rounds} done")


def _take_turns(
    bench: Bench, product: Server, plain: Server, key: str, limit: str, connections: int, seconds: float
) -> None:
    tps = bench.pgbench().run(limit, clients=connections, duration_s=seconds)
    ours = _post(bench, product, connections, seconds=seconds)
    theirs = bench.post_leads(
        plain,
        shape=load.Shape(connections=connections, duration_s=seconds),
        path="/leads",
        key=key,
        rows=functools.partial(bench.rows_on_postgres, BASELINE),
    )
    add = bench.findings.add
    add(f"accept: product / baseline, {connections}", ours.rate / theirs.rate, "×")
    add(f"accept: product / pgbench, {connections}", 100 * ours.rate / tps, "%")
    add(f"accept: pgbench, {connections}", tps, "tx/s")
    for name, outcome in (("product", ours), ("baseline", theirs)):
        add(f"accept: {name}, {connections}", outcome.rate, "req/s")
        add(f"accept: {name} p50, {connections}", outcome.percentile_ms(0.5), "ms")
        add(f"accept: {name} p99, {connections}", outcome.percentile_ms(0.99), "ms")
        add(f"accept: {name} CPU a lead, {connections}", 1e6 * outcome.server_cpu_s / outcome.answered, "µs")
    add(f"accept: load generator's CPU, {connections}", 100 * ours.client_cpu_s / ours.window_s, "% of a core")
    bench.say(
        f"{connections:>2} connections: product {ours.rate:,.0f}, baseline {theirs.rate:,.0f}, pgbench {tps:,.0f}"
    )


def _post(bench: Bench, product: Server, connections: int, *, seconds: float) -> load.Outcome:
    return bench.post_leads(
        product,
        shape=load.Shape(connections=connections, duration_s=seconds),
        path=LEADS,
        key=f"Bearer {bench.made['accept_key']}",
        rows=functools.partial(bench.rows_on_postgres, PRODUCT),
    )
