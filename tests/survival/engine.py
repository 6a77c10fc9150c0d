"""Inngest's executor, as far as our functions need one: takes the events that the stand-in got, and runs them."""

import contextlib
import hashlib
import hmac
import json
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Self

import requests

from tests.survival.system import System

FUNCTION = "coachbot-agent-turn"
MAX_ATTEMPTS = 12
LONGEST_WAIT_S = 12.0


class Engine:
    """Runs each event once: step after step through the signed endpoint, one step of a lead at a time."""

    def __init__(self, system: System, *, signing_key: str) -> None:
        self._system = system
        self._key = signing_key
        self._stopping = threading.Event()
        self._seen: set[str] = set()
        self._one_at_a_time: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._pool = ThreadPoolExecutor(16)
        self._poller = threading.Thread(target=self._poll, daemon=True)

    def __enter__(self) -> Self:
        self._poller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._poller.join(10)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _poll(self) -> None:
        since = "0"
        while not self._stopping.wait(0.1):
            for entry in self._system.simulators.look("events", since=since)["events"]:
                since = str(entry["seq"])
                event = entry["event"]
                if event["id"] not in self._seen:
                    self._seen.add(event["id"])
                    self._pool.submit(self._run, event, entry["internal_id"])

    def _run(self, event: dict[str, Any], run_id: str) -> None:
        steps: dict[str, Any] = {}
        attempt = 0
        while attempt < MAX_ATTEMPTS and not self._stopping.is_set():
            with self._one_at_a_time[event["data"]["lead_id"]]:
                answer = self._call(event, run_id, steps, attempt)
            if answer is not None and answer.status_code == 200:
                return
            step = answer.json()[0] if answer is not None and answer.status_code == 206 else {}
            if step.get("op") in {"StepRun", "Sleep"}:
                steps[step["id"]] = {"data": step.get("data")}
                attempt = 0
                if step["op"] == "Sleep":
                    self._stopping.wait(_seconds_until(step["name"]))
            else:
                attempt += 1
                self._stopping.wait(_retry_after_s(answer))

    def _call(
        self, event: dict[str, Any], run_id: str, steps: dict[str, Any], attempt: int
    ) -> requests.Response | None:
        body = {
            "ctx": {
                "attempt": attempt,
                "disable_immediate_execution": False,
                "run_id": run_id,
                "stack": {"stack": list(steps)},
            },
            "event": event,
            "events": [event],
            "steps": steps,
            "use_api": False,
        }
        raw, now = json.dumps(body, sort_keys=True, separators=(",", ":")), int(time.time())
        mac = hmac.new(self._key.encode(), raw.encode() + str(now).encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Inngest-Signature": f"t={now}&s={mac}",
            "X-Inngest-Server-Kind": "cloud",
        }
        url = f"{self._system.url}/api/inngest?fnId={FUNCTION}&stepId=step"
        with contextlib.suppress(requests.RequestException):
            return requests.post(url, raw, headers=headers, timeout=60)
        return None


def _seconds_until(moment: str) -> float:
    return max(0.0, (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds())


def _retry_after_s(answer: requests.Response | None) -> float:
    said = answer.headers.get("Retry-After", "") if answer is not None else ""
    with contextlib.suppress(ValueError):
        return min(_seconds_until(said), LONGEST_WAIT_S)
    return min(float(said), LONGEST_WAIT_S) if said.isdigit() else 0.5
