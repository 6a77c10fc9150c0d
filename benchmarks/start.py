"""How long `make run` takes until it answers, when everything was there before."""

import contextlib
import http.client
import os
import signal
import subprocess
import time

from benchmarks.bench import Bench
from benchmarks.cluster import CannotMeasure, free_port
from benchmarks.servers import ROOT

TIMEOUT_S = 120


def measure(bench: Bench) -> None:
    """Start, stop, and then time as many starts as there are rounds."""
    first = _start(bench)
    bench.findings.add("start: first make run", first, "s")
    for _ in range(bench.rounds):
        took = _start(bench)
        bench.findings.add("start: second make run", took, "s")
        bench.say(f"second start {took:.1f} s")


def _start(bench: Bench) -> float:
    port = free_port()
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env |= {"COACHBOT_DATA_DIR": str(bench.directory / "run"), "PORT": str(port), "SIM_PORT": str(free_port())}
    begun = time.monotonic()
    with (bench.directory / "run.log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "run"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() - begun > TIMEOUT_S:
                raise CannotMeasure(f"make run did not start:\n{(bench.directory / 'run.log').read_text()[-2000:]}")
            time.sleep(0.02)
        return time.monotonic() - begun
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
