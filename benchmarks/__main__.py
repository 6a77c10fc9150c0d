"""Measure the product: `python -m benchmarks [--quick] [--only accept,voice,…] [--rounds N]`."""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import accept, cluster, embedded, fast_path, profile, reads, report, servers, start, voice
from benchmarks.bench import Bench
from benchmarks.cluster import CannotMeasure

SCENARIOS: dict[str, Callable[[Bench], None]] = {
    "accept": accept.measure,
    "voice": voice.measure,
    "sqlite": embedded.measure,
    "get": reads.measure_get,
    "list": reads.measure_list,
    "fast_path": fast_path.measure,
    "start": start.measure,
}
SETTINGS = (
    f"Web server: coachbot.server, {servers.WORKERS} processes × {servers.BLOCKING_THREADS} threads (SQLite: 1 × "
    f"{servers.SQLITE_BLOCKING_THREADS}). Baseline: gunicorn, 2 sync workers (SQLite: gthread 1 × "
    f"{servers.SQLITE_BLOCKING_THREADS})."
)


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, for trying; the figures mean little")
    parser.add_argument("--only", default=",".join(SCENARIOS), help=f"some of {','.join(SCENARIOS)}")
    parser.add_argument("--rounds", type=int, help="how often each is measured (3)")
    parser.add_argument("--profile", choices=("accept", "voice", "get"), help="instead: where one request's time goes")
    chosen = parser.parse_args(arguments)
    chosen.only = chosen.only.split(",")
    if unknown := set(chosen.only) - set(SCENARIOS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    return chosen


def set_up(stack: ExitStack, chosen: argparse.Namespace) -> Bench:
    """Start the database and Redis; the stack ends them."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coachbot-bench-")))
    redis_url = stack.enter_context(cluster.redis())
    bench = Bench(
        cluster=stack.enter_context(cluster.postgres()),
        directory=directory,
        environment=servers.throwaway_environment(data_dir=directory, redis_url=redis_url),
        rounds=chosen.rounds,
        quick=chosen.quick,
    )
    if not redis_url:
        bench.findings.blame("no redis-server found: limits are counted by each process for itself")
    bench.prepare()
    return bench


def run(chosen: argparse.Namespace) -> int:
    """Measure what was chosen. Returns the exit code: 1 when a floor is missed or something went wrong."""
    begun = time.monotonic()
    with ExitStack() as stack:
        bench = set_up(stack, chosen)
        if chosen.profile:
            profile.run(bench, chosen.profile)
            return 0
        for name in chosen.only:
            print(f"── {name}", flush=True)
            try:
                SCENARIOS[name](bench)
            except CannotMeasure as error:
                bench.findings.blame(f"{name}: {error}")
        version = bench.cluster.version
    findings = bench.findings
    print(f"\n{report.as_text(report.figure_rows(findings))}\n\n{report.machine(postgres=version)}\n{SETTINGS}\n")
    print(report.as_text(report.target_rows(findings)))
    print(*(f"FAULT: {fault}" for fault in findings.faults), f"{time.monotonic() - begun:.0f} s", sep="\n")
    if not chosen.quick and set(chosen.only) == set(SCENARIOS):
        report.write_results(findings, postgres=version, rounds=bench.rounds, settings=SETTINGS)
        print(f"written to {report.RESULTS}")
    return 0 if findings.passes() else 1


def main() -> int:
    """Run the command."""
    # As an exception, so that everything that was started ends on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(parsed())
    except CannotMeasure as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
