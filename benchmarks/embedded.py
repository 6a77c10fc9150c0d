"""The embedded default: one process on SQLite, beside a serializer-and-ORM view on an equally tuned SQLite."""

import functools

from benchmarks import load, servers
from benchmarks.bench import LEADS, Bench, rows_on_sqlite

CONNECTIONS = 64
SECONDS = 6.0


def measure(bench: Bench) -> None:
    """Measure accepting leads at 64 connections."""
    files = {name: bench.directory / f"{name}.sqlite3" for name in ("product", "baseline")}
    env = bench.environment | {"DATABASE_URL": f"sqlite:///{files['product']}"}
    made = servers.run_module("benchmarks.seed", env=env)
    plain_env, plain_key = bench.prepare_baseline(f"sqlite:///{files['baseline']}")
    threads = servers.SQLITE_BLOCKING_THREADS
    options = ("--workers", "1", "--worker-class", "gthread", "--threads", str(threads))
    ours = servers.product(env=env, log=bench.directory / "sqlite.log", workers=1, threads=threads)
    theirs = servers.baseline(env=plain_env, log=bench.directory / "sqlite-plain.log", worker_options=options)
    shape = load.Shape(connections=CONNECTIONS, duration_s=bench.seconds(SECONDS))
    with ours as product, theirs as plain:
        for _ in range(bench.rounds):
            turns = {
                "product": (product, LEADS, f"Bearer {made['accept_key']}"),
                "baseline": (plain, "/leads", plain_key),
            }
            rates: dict[str, float] = {}
            for name, (server, path, key) in turns.items():
                rows = functools.partial(rows_on_sqlite, files[name])
                outcome = bench.post_leads(server, shape=shape, path=path, key=key, rows=rows)
                rates[name] = outcome.rate
                bench.findings.add(f"sqlite: {name}, {CONNECTIONS}", outcome.rate, "req/s")
                bench.findings.add(f"sqlite: {name} p99, {CONNECTIONS}", outcome.percentile_ms(0.99), "ms")
            ratio = rates["product"] / rates["baseline"]
            bench.findings.add(f"sqlite: product / baseline, {CONNECTIONS}", ratio, "×")
            bench.say(f"SQLite: product {rates['product']:,.0f}, baseline {rates['baseline']:,.0f}")
