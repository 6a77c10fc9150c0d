"""The web servers that are measured, started as in production, and what they take of the machine."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster import CannotMeasure, free_port

ROOT = Path(__file__).resolve().parent.parent
# One setting for all scenarios on PostgreSQL. Threads are what lets 500 calls wait for a provider at once; workers do
# not get equal shares of the connections, so each must be able to take them all. Idle ones are not started.
WORKERS = 2
BLOCKING_THREADS = 512
SQLITE_BLOCKING_THREADS = 64
BACKLOG = 2048
READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True, kw_only=True)
class Server:
    """A running server and everything it forked."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def pids(self) -> list[int]:
        """Return the process and all its descendants."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for children in Path(f"/proc/{pid}/task").glob("*/children"):
                    found += map(int, children.read_text().split())
        return found

    def cpu_s(self) -> float:
        """Return the CPU seconds used so far, in user and kernel mode."""
        return sum(map(_cpu_of, self.pids()))

    def rss_mb(self) -> float:
        """Return the sum of resident memory; pages that processes share count once for each."""
        return sum(map(_rss_of, self.pids())) / 1e6

    def pss_mb(self) -> float:
        """Return the memory with pages that processes share counted once; 0 where the kernel does not tell."""
        return sum(map(_pss_of, self.pids())) / 1e6

    def ask(self, path: str, *, method: str = "GET", body: object = None, key: str = "") -> tuple[int, bytes]:
        """Ask for something outside of any measurement. Raises OSError where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": "application/json"} | ({"Authorization": key} if key else {})
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def complaint(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:]


def _cpu_of(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK
    return 0.0


def _rss_of(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _pss_of(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def throwaway_environment(*, data_dir: Path, redis_url: str) -> dict[str, str]:
    """Make the environment of a production server that is reached by http on this machine and calls no provider."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(data_dir),
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "coachbot.settings",
        "COACHBOT_ENV": "production",
        # As in the Dockerfile.
        "MALLOC_ARENA_MAX": "2",
        "COACHBOT_DATA_DIR": str(data_dir),
        "COACHBOT_SECRET_KEY": secrets.token_urlsafe(50),
        "COACHBOT_ENCRYPTION_KEYS": f"bench:{urlsafe_b64encode(secrets.token_bytes(32)).decode()}",
        "REDIS_URL": redis_url,
        "LOG_LEVEL": "INFO",
        "PUBLIC_BASE_URL": "http://127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
        # Named, so that a .env in the project can't send the benchmark anywhere else.
        **{f"{name}_BASE_URL": "http://127.0.0.1:9" for name in ("VAPI", "TWILIO", "OPENAI", "CALCOM")},
        **dict.fromkeys(("INNGEST_DEV", "INNGEST_BASE_URL", "INNGEST_EVENT_KEY", "INNGEST_SIGNING_KEY"), ""),
    }


@contextlib.contextmanager
def _running(
    name: str, command: list[str], *, env: dict[str, str], log: Path, ready: str, port: int
) -> Iterator[Server]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    server = Server(name=name, port=port, process=process, log=log)
    try:
        _wait_until_ready(server, ready)
        yield server
    finally:
        _stop(process)


def _wait_until_ready(server: Server, path: str) -> None:
    give_up_at = time.monotonic() + READY_TIMEOUT_S
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if server.ask(path)[0] in {200, 401, 403}:
                return
        if server.process.poll() is not None or time.monotonic() > give_up_at:
            raise CannotMeasure(f"{server.name} did not start:\n{server.complaint()}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def product(
    *, env: dict[str, str], log: Path, workers: int = WORKERS, threads: int = BLOCKING_THREADS, target: str = ""
) -> AbstractContextManager[Server]:
    """Run Coachbot as in production, or another WSGI application of it."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "coachbot.server", "--port", str(port), "--workers", str(workers)),
        *("--threads", str(threads), "--kill-timeout", "5"),
        *(("--target", target) if target else ()),
    ]
    return _running("product", command, env=env, log=log, ready="/readyz", port=port)


def baseline(*, env: dict[str, str], log: Path, worker_options: tuple[str, ...]) -> AbstractContextManager[Server]:
    """Run the plain-DRF application under gunicorn."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--backlog", str(BACKLOG)),
        *("--no-control-socket", "--log-level", "error", *worker_options, "benchmarks.baseline.wsgi:application"),
    ]
    return _running("baseline", command, env=env, log=log, ready="/leads", port=port)


def simulators(*, log: Path, latency_s: float) -> AbstractContextManager[Server]:
    """Run the stand-ins for the providers."""
    port = free_port()
    command = [sys.executable, "-m", "simulators", "--port", str(port), "--latency", str(latency_s)]
    return _running("simulators", command, env=dict(os.environ), log=log, ready="/healthz", port=port)


def run_module(module: str, *arguments: str, env: dict[str, str]) -> dict[str, str]:
    """Run one of our preparing modules in an environment and return the JSON object it prints last."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotMeasure(f"{module} failed:\n{done.stderr[-3000:]}")
    result: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return result
