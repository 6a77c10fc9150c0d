"""Coachbot as it runs in production: the web server's processes, the worker, and the providers' stand-ins."""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests

from tests.survival.databases import Database
from tests.survival.processes import ROOT, Process, Processes, free_port, listens, wait_for

START_S = 60
R = TypeVar("R")
_numbers = itertools.count(1_000)
OPEN = "SELECT count(*) FROM leads_dispatch WHERE status IN ('pending', 'queued', 'sending')"


def new_phone(ending: str = "") -> str:
    """Invent a British mobile number that no test used before; four last digits are what the stand-ins look for."""
    # No magic number ends in 11.
    ending = ending or "11"
    return "+4479" + f"{next(_numbers):0{8 - len(ending)}d}" + ending


def body_of(phone: str, **more: Any) -> dict[str, Any]:
    """Write a submission."""
    return {"name": "Jane Doe", "phone": phone, "consent": True} | more


@dataclass
class Simulators:
    """The providers' stand-ins and what they saw."""

    url: str

    @property
    def port(self) -> int:
        """Where they listen."""
        return int(self.url.rpartition(":")[2])

    def look(self, what: str, **query: str) -> dict[str, Any]:
        """GET /_sim/<what>."""
        answer: dict[str, Any] = requests.get(f"{self.url}/_sim/{what}", params=query, timeout=10).json()
        return answer

    def set(self, **settings: Any) -> None:
        """Change how they behave."""
        requests.post(f"{self.url}/_sim/settings", json=settings, timeout=10).raise_for_status()

    def reset(self) -> None:
        """Forget everything; how they behave included."""
        requests.delete(f"{self.url}/_sim/state", timeout=10).raise_for_status()

    def calls(self, phone: str) -> list[dict[str, Any]]:
        """List the calls that Vapi made to a phone; each of them rings."""
        found: list[dict[str, Any]] = self.look("calls", number=phone)["calls"]
        return found

    def rang(self, phone: str) -> int:
        """Say how often a phone rang."""
        return int(self.look("calls", number=phone)["rang"].get(phone, 0))

    def messages_by_phone(self) -> Counter[str]:
        """Count the WhatsApp messages that went out to each phone."""
        found = self.look("messages")["messages"]
        return Counter(m["to"].removeprefix("whatsapp:") for m in found if m["direction"] != "inbound")


@dataclass
class Api:
    """A customer's backend."""

    base_url: str
    key: str

    def post(
        self, body: dict[str, Any], *, idempotency_key: str | None = None, timeout_s: float = 30
    ) -> requests.Response:
        """POST /api/public/leads."""
        headers = {"Authorization": f"Bearer {self.key}"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        return requests.post(f"{self.base_url}/api/public/leads", json=body, headers=headers, timeout=timeout_s)

    def get(self, path: str, *, timeout_s: float = 30) -> requests.Response:
        """GET /api/public/<path>."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return requests.get(f"{self.base_url}/api/public/{path}", headers=headers, timeout=timeout_s)

    def insist(
        self, body: dict[str, Any], *, idempotency_key: str | None = None, timeout_s: float = 25
    ) -> requests.Response:
        """Post as a careful client does: again after a lost connection, and while the first attempt still runs."""

        def ask() -> requests.Response | None:
            try:
                answer = self.post(body, idempotency_key=idempotency_key)
            except requests.ConnectionError:
                return None
            running = answer.status_code == 409 and answer.json()["error"] == "idempotency_in_progress"
            return None if running or answer.status_code == 503 else answer

        return wait_for("an answer that is not 409 idempotency_in_progress", ask, timeout_s=timeout_s, poll_s=0.2)


@dataclass
class System:
    """One Coachbot: a database, web processes at one port, any number of workers."""

    processes: Processes
    database: Database
    simulators: Simulators
    keys: dict[str, str]
    directory: Path
    workers: int = 1
    threads: int = 16
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    # Seconds by which the web processes' clock is wrong.
    web_skew_s: int = 0
    web: Process | None = None

    @property
    def url(self) -> str:
        """Where the web processes answer."""
        return f"http://127.0.0.1:{self.port}"

    def api(self, key: str) -> Api:
        """Return the client that holds one of the seeded keys."""
        return Api(self.url, self.keys[key])

    def environment(self) -> dict[str, str]:
        """Build the environment of every process, without anything of the caller's own."""
        return (
            environment(
                database_url=self.database.url,
                simulators_url=self.simulators.url,
                directory=self.directory,
                url=self.url,
            )
            | self.settings
        )

    def start_web(self) -> None:
        """Start the web server and wait until it may get traffic."""
        command = [
            *("-m", "coachbot.server", "--port", str(self.port), "--workers", str(self.workers)),
            *("--threads", str(self.threads), "--kill-timeout", "5"),
        ]
        env, before = skewed(self.environment(), self.web_skew_s)
        web = self.web = self.processes.start("web", command, env, before=before)

        said = ""

        def ready() -> bool:
            nonlocal said
            assert web.alive, f"the web server ended:\n{web.said[-3000:]}"
            with contextlib.suppress(requests.RequestException):
                answer = requests.get(f"{self.url}/readyz", timeout=5)
                said = answer.text
                return answer.status_code == 200
            return False

        try:
            wait_for("/readyz answers 200", ready, timeout_s=START_S)
        except AssertionError as error:
            raise AssertionError(f"{error}: {said}\n{web.said[-3000:]}") from error

    def kill_web(self) -> None:
        """End the web server and its processes at once (SIGKILL)."""
        assert self.web is not None
        self.web.kill()
        wait_for("the port is closed", lambda: not listens(self.port))

    @contextlib.contextmanager
    def worker(self, *, skew_s: int = 0) -> Iterator[Process]:
        """Run a worker meanwhile, its clock so many seconds ahead, and kill it at the end of the block."""
        env, before = skewed(self.environment(), skew_s)
        process = self.processes.start("worker", ["manage.py", "worker"], env, before=before)
        try:
            yield process
        finally:
            process.kill()

    def settle(self, *, timeout_s: float = 30) -> None:
        """Wait until no promise is open any more."""
        wait_for("every dispatch is settled", lambda: self.database.query(OPEN)[0][0] == 0, timeout_s=timeout_s)

    def count_leads(self, phone: str) -> int:
        """Count the rows of a phone."""
        return int(self.database.query("SELECT count(*) FROM leads_lead WHERE phone = ?", phone)[0][0])

    def count_half_made(self) -> int:
        """Count leads that nothing promises to contact."""
        orphans = (
            "SELECT count(*) FROM leads_lead l WHERE NOT EXISTS (SELECT 1 FROM leads_dispatch d WHERE d.lead_id = l.id)"
        )
        return int(self.database.query(orphans)[0][0])


def environment(*, database_url: str, simulators_url: str, directory: Path, url: str) -> dict[str, str]:
    """Build an environment in which nothing reaches further than this machine. Empty values keep a .env out."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return inherited | {
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "coachbot.settings",
        "COACHBOT_ENV": "test",
        "COACHBOT_DATA_DIR": str(directory),
        "PUBLIC_BASE_URL": url,
        "DATABASE_URL": database_url,
        "REDIS_URL": "",
        "VAPI_BASE_URL": f"{simulators_url}/vapi",
        "TWILIO_BASE_URL": f"{simulators_url}/twilio",
        "OPENAI_BASE_URL": f"{simulators_url}/openai/v1",
        "CALCOM_BASE_URL": f"{simulators_url}/calcom",
        "INNGEST_DEV": "",
        "INNGEST_BASE_URL": "",
        "INNGEST_EVENT_KEY": "",
        "INNGEST_SIGNING_KEY": "",
    }


def skewed(env: dict[str, str], skew_s: int) -> tuple[dict[str, str], list[str]]:
    """Return the environment and the command that give a process a wrong clock; its timers stay right."""
    if not skew_s:
        return env, []
    # CI installs it; without it the test fails rather than measuring nothing.
    assert shutil.which("faketime"), "faketime is not installed (Debian: faketime)"
    return env | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}, ["faketime", "-f", f"{skew_s:+d}s"]


def start_simulators(processes: Processes) -> Simulators:
    """Start the stand-ins: quick, but for the numbers that time out."""
    options = ["--latency", "0.02", "--event-delay", "0.05", "--timeout-sleep", "4"]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = processes.start("simulators", ["-u", "-m", "simulators", "--port", "0", *options], env)

    def announced() -> str | None:
        assert process.alive, f"the simulators ended:\n{process.said}"
        _, found, address = process.said.partition("listening on ")
        return address.split()[0] if found and "\n" in address else None

    return Simulators(wait_for("the simulators announce themselves", announced))


def run_seed(env: dict[str, str]) -> dict[str, str]:
    """Migrate and fill a database in a process of its own. Returns the keys."""
    keys: dict[str, str] = json.loads(_seed(env, "fill"))
    return keys


def add_leads(system: System, slug: str, count: int) -> None:
    """Give a workspace many leads, and the server a superuser `staff`, whose password is `correct horse`."""
    _seed(system.environment(), "leads", slug, str(count))


def _seed(env: dict[str, str], *command: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "tests.survival.seed", *command],
        cwd=ROOT,
        env=env,
        capture_output=True,
        timeout=START_S * 2,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-3000:]
    return done.stdout


def at_once(actions: Sequence[Callable[[], R]]) -> list[R]:
    """Run actions at the same moment, each in its own thread. Returns what they returned, in their order."""
    barrier = threading.Barrier(len(actions), timeout=20)

    def act(action: Callable[[], R]) -> R:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(act, actions, timeout=120))


class Background:
    """Requests under way while the test goes on. A lost connection is an answer, too: None."""

    def __init__(self, pool: ThreadPoolExecutor, actions: Sequence[Callable[[], requests.Response]]) -> None:
        self._pool = pool
        self._actions = actions
        self._futures: list[Future[requests.Response | None]] = []

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._actions)

    def begin(self) -> None:
        """Send them all."""
        self._futures = [self._pool.submit(self._act, action) for action in self._actions]

    def answers(self) -> list[requests.Response | None]:
        """Wait for all of them."""
        return [future.result(timeout=60) for future in self._futures]

    @staticmethod
    def _act(action: Callable[[], requests.Response]) -> requests.Response | None:
        try:
            return action()
        except requests.RequestException:
            return None


@contextlib.contextmanager
def in_background(actions: Sequence[Callable[[], requests.Response]]) -> Iterator[Background]:
    """Prepare requests that `begin()` sends, each in its own thread."""
    with ThreadPoolExecutor(len(actions)) as pool:
        yield Background(pool, actions)


def timed(action: Callable[[], R]) -> tuple[R, float]:
    """Return what an action returned and how many seconds it took."""
    started = time.monotonic()
    return action(), time.monotonic() - started
