"""One simulator process for the tests of this package, spoken to over loopback."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 10


class Sim:
    """The running process: its address and shortcuts to its control endpoints."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, /, **params: str) -> Any:
        return requests.get(f"{self.url}/_sim/{path}", params=params, timeout=TIMEOUT_S).json()

    def post(self, path: str, body: Any) -> requests.Response:
        return requests.post(f"{self.url}/_sim/{path}", json=body, timeout=TIMEOUT_S)

    def eventually(self, read: Callable[[], Any]) -> Any:
        """Ask until the answer is truthy, for two seconds at most."""
        deadline = time.monotonic() + 2
        while not (answer := read()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert answer
        return answer

    def webhooks(self, about: str, count: int) -> list[Any]:
        """The webhooks about a call or message, once there are `count` answered ones."""

        def answered() -> list[Any]:
            found = [hook for hook in self.get("webhooks", about=about)["webhooks"] if hook["status"]]
            return found if len(found) >= count else []

        found: list[Any] = self.eventually(answered)
        return found


@pytest.fixture(scope="session")
def process_url() -> Iterator[str]:
    command = [sys.executable, "-m", "simulators", "--port", "0", "--latency", "0", "--event-delay", "0"]
    with subprocess.Popen([*command, "--timeout-sleep", "0.1"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def sim(process_url: str) -> Sim:
    requests.delete(f"{process_url}/_sim/state", timeout=TIMEOUT_S)
    return Sim(process_url)
