"""Where the time of one request goes: the product's WSGI application under cProfile, in one process and thread."""

import cProfile
import io
import itertools
import json
import pstats
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import servers, voice
from benchmarks.bench import LEAD, LEADS, Bench
from benchmarks.cluster import CannotMeasure
from benchmarks.servers import ROOT

WARM, MEASURED = 100, 1000
SHOWN = 45


def run(bench: Bench, scenario: str) -> None:
    """Profile requests in a process that has the product's environment and print what took longest."""
    key = bench.made["voice_key" if scenario == "voice" else "accept_key"]
    command = [sys.executable, "-m", "benchmarks.profile", scenario, key]
    log = bench.directory / "profile.log"
    with servers.simulators(log=bench.directory / "simulators.log", latency_s=0) as provider, log.open("wb") as err:
        provider.ask("/_sim/settings", method="POST", body=voice.PROVIDER_SETTINGS)
        env = bench.product_environment(VAPI_BASE_URL=f"http://127.0.0.1:{provider.port}/vapi")
        done = subprocess.run(command, cwd=ROOT, env=env, stderr=err, check=False)
    if done.returncode:
        raise CannotMeasure(log.read_text()[-2000:])


def _environ(method: str, path: str, key: str, body: bytes = b"") -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "REMOTE_ADDR": "127.0.0.1",
    }


def _ask(environ: dict[str, Any]) -> bytes:
    from coachbot.wsgi import application

    said: list[str] = []
    answer = application(environ, lambda status, headers, exc_info=None: said.append(status))
    body = b"".join(answer)
    if close := getattr(answer, "close", None):
        close()
    if not said[0].startswith("20"):
        raise SystemExit(f"{said[0]}: {body!r}")
    return body


def main(scenario: str, key: str) -> None:
    """Time plain, then under the profiler."""
    numbers = itertools.count(447_900_000_000)

    def post() -> bytes:
        return _ask(_environ("POST", LEADS, key, json.dumps(LEAD | {"phone": f"+{next(numbers)}"}).encode()))

    ask: Callable[[], bytes] = post
    if scenario == "get":
        lead_id = json.loads(post())["leadId"]

        def ask() -> bytes:
            return _ask(_environ("GET", f"{LEADS}/{lead_id}", key))

    for _ in range(WARM):
        ask()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(MEASURED):
        ask()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{1e6 * wall / MEASURED:,.0f} µs a request, {1e6 * cpu / MEASURED:,.0f} µs of it CPU here; profiled (slower):"
    )
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(MEASURED):
        ask()
    profiler.disable()
    for order in ("tottime", "cumulative"):
        pstats.Stats(profiler).sort_stats(order).print_stats(SHOWN)


if __name__ == "__main__":
    main(*sys.argv[1:3])
