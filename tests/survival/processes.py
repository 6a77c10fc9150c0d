"""Processes that a test starts: each leader of its own group, each reaped whatever becomes of the test."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent.parent
POLL_S = 0.02
T = TypeVar("T")


def free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Say whether somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_for(what: str, ask: Callable[[], T | None], *, timeout_s: float = 20, poll_s: float = POLL_S) -> T:
    """Ask until there is an answer (neither None nor False) and return it. Fails when that takes too long."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = ask()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain: {what}")
        time.sleep(poll_s)


@dataclass
class Process:
    """One child and its log."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path

    @property
    def said(self) -> str:
        """All that it wrote to stdout and stderr so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.popen.poll() is None

    def kill(self) -> None:
        """End the whole group at once, as a power cut or the OOM killer would (SIGKILL)."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(10)

    def terminate(self, *, timeout_s: float = 10) -> int:
        """Ask it to end (SIGTERM) and return its exit code; fails when it takes longer."""
        self.popen.terminate()
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.name} still runs {timeout_s} s after SIGTERM:\n{self.said[-3000:]}") from error


@dataclass
class Processes:
    """Every child of a test."""

    directory: Path
    started: list[Process] = field(default_factory=list)

    def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], *, before: Sequence[str] = ()
    ) -> Process:
        """Start a Python that survives none of us; `before` is what starts it, faketime say."""
        log = self.directory / f"{name}-{len(self.started)}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [*before, sys.executable, *command],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = Process(name, popen, log)
        self.started.append(process)
        return process

    def stop(self) -> None:
        """End all of them."""
        for process in self.started:
            process.kill()
        self.started.clear()
