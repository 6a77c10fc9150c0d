"""Voice leads: every request waits for a provider that answers after a second."""

import functools
import json
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks import load, servers
from benchmarks.bench import LEADS, PRODUCT, Bench
from benchmarks.servers import Server

PROVIDER_S = 1.0
SECONDS = {50: 5.0, 200: 6.0, 500: 8.0}
SAMPLE_EVERY_S = 0.2
PROVIDER_SETTINGS = {"webhooks": False, "record_bodies": False, "magic": False}


@dataclass(slots=True)
class _Sampler:
    """Looks at the server's memory and database connections while a run goes on; keeps the highest."""

    bench: Bench
    server: Server
    connections: int = 0
    rss_mb: float = 0.0
    pss_mb: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "_Sampler":
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        with self.bench.cluster.connect() as connection:
            while not self._stop.wait(SAMPLE_EVERY_S):
                self.connections = max(self.connections, self.bench.cluster.count_clients(connection, PRODUCT))
                self.rss_mb = max(self.rss_mb, self.server.rss_mb())
            self.pss_mb = self.server.pss_mb()


def measure(bench: Bench) -> None:
    """Measure 50, 200 and 500 requests in flight."""
    log = bench.directory / "simulators.log"
    with ExitStack() as stack:
        provider = stack.enter_context(servers.simulators(log=log, latency_s=PROVIDER_S))
        product = stack.enter_context(bench.product(VAPI_BASE_URL=f"http://127.0.0.1:{provider.port}/vapi"))
        bench.cluster.settle(PRODUCT)
        bench.findings.add("voice: memory, idle", product.rss_mb(), "MB")
        for number in range(bench.rounds):
            for in_flight, seconds in SECONDS.items():
                _call(bench, product, provider, in_flight, max(3.0, bench.seconds(seconds)))
            bench.say(f"round {number + 1} of {bench.rounds} done")


def _call(bench: Bench, product: Server, provider: Server, in_flight: int, seconds: float) -> None:
    provider.ask("/_sim/state", method="DELETE")
    provider.ask("/_sim/settings", method="POST", body=PROVIDER_SETTINGS)
    with _Sampler(bench, product) as sampler:
        outcome = bench.post_leads(
            product,
            shape=load.Shape(connections=in_flight, duration_s=seconds, warmup_s=1.5, stagger_s=PROVIDER_S),
            path=LEADS,
            key=f"Bearer {bench.made['voice_key']}",
            rows=functools.partial(bench.rows_on_postgres, PRODUCT),
        )
    _check_calls(bench, provider, outcome)
    over = {share: outcome.percentile_ms(share) - 1000 * PROVIDER_S for share in (0.5, 0.99)}
    add = bench.findings.add
    add(f"voice: calls, {in_flight}", outcome.rate, "calls/s")
    add(f"voice: p50 over the provider, {in_flight}", over[0.5], "ms")
    add(f"voice: p99 over the provider, {in_flight}", over[0.99], "ms")
    add(f"voice: CPU a call, {in_flight}", 1e6 * outcome.server_cpu_s / outcome.answered, "µs")
    add(f"voice: database connections, {in_flight}", sampler.connections, "")
    add(f"voice: memory, {in_flight}", sampler.rss_mb, "MB")
    add(f"voice: memory, shared pages counted once, {in_flight}", sampler.pss_mb, "MB")
    bench.say(
        f"{in_flight:>3} in flight: {outcome.rate:,.0f} calls/s, p50 +{over[0.5]:,.0f} ms, p99 +{over[0.99]:,.0f} ms, "
        f"{sampler.connections} database connections, {sampler.rss_mb:,.0f} MB"
    )


def _check_calls(bench: Bench, provider: Server, outcome: load.Outcome) -> None:
    """One call at the provider for each 201, and no phone rung twice."""
    listed = json.loads(provider.ask("/_sim/calls")[1])
    calls, numbers = listed["total"], {call["number"] for call in listed["calls"]}
    if not outcome.statuses[201] <= calls <= outcome.statuses[201] + outcome.unanswered or len(numbers) != calls:
        bench.findings.blame(f"voice: {outcome.statuses[201]} answers 201, {calls} calls, {len(numbers)} numbers")
