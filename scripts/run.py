"""Start Coachbot on this machine: simulators, migrations, demo data, web server, worker. `make run` calls it.

Everything it starts ends with it: on Ctrl-C, on SIGTERM, or when one of them dies. It writes to
COACHBOT_DATA_DIR alone.
"""

import base64
import contextlib
import http.client
import io
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
READY_TIMEOUT_S = 60
# Together less than ten seconds: how long a child may finish what it has begun, then how long a kill may take.
GRACE_S = 7
KILL_S = 2
SIMULATED = {
    "VAPI_BASE_URL": "/vapi",
    "TWILIO_BASE_URL": "/twilio",
    "OPENAI_BASE_URL": "/openai/v1",
    "CALCOM_BASE_URL": "/calcom",
}


class Stopped(BaseException):
    """Someone asked us to end. Not an Exception: nothing on the way up may swallow it."""


@dataclass
class Children:
    """The processes we started, each leader of its own process group, so that a group can be ended whole."""

    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        self.running[name] = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)

    def check(self) -> None:
        """Raise SystemExit when one has ended."""
        for name, child in self.running.items():
            if child.poll() is not None:
                raise SystemExit(f"{name} ended with code {child.returncode}; stopping the rest.")

    def stop(self) -> None:
        for child in self.running.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + GRACE_S
        for child in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
        for child in self.running.values():
            # The leader may be gone and its workers not.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        for child in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(KILL_S)


def fail(sentence: str) -> NoReturn:
    raise SystemExit(sentence)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_port(name: str, default: int) -> int:
    raw = os.environ.get(name) or str(default)
    if not raw.isdecimal() or not 0 < int(raw) < 65536:
        fail(f"{name} must be a port number, not {raw!r}.")
    return int(raw)


def own_secrets(path: Path) -> dict[str, str]:
    """Read this machine's development secrets; made once, readable by their owner alone."""
    if not path.exists():
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        lines = f"COACHBOT_SECRET_KEY={secrets.token_urlsafe(50)}\nCOACHBOT_ENCRYPTION_KEYS=dev:{key}\n"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(lines)
    pairs = (line.partition("=") for line in path.read_text(encoding="ascii").splitlines() if line.strip())
    return {name: value for name, _, value in pairs}


def prepare_environment(port: int) -> Path:
    """Fill in what neither the caller nor .env says. Returns the data directory."""
    import environ

    if (ROOT / ".env").is_file():
        environ.Env.read_env(str(ROOT / ".env"), overwrite=False)
    data_dir = Path(os.environ.get("COACHBOT_DATA_DIR") or ROOT / "var").expanduser().resolve()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Where collectstatic would write; whitenoise warns when it is missing.
    (data_dir / "static").mkdir(exist_ok=True)
    os.environ["COACHBOT_DATA_DIR"] = str(data_dir)
    defaults = {
        "COACHBOT_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "coachbot.settings",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "PYTHONUNBUFFERED": "1",
        **own_secrets(data_dir / "secrets.env"),
    }
    for name, value in defaults.items():
        if not os.environ.get(name):
            os.environ[name] = value
    return data_dir


def start_simulators(children: Children) -> None:
    """Start the stand-ins for the providers, unless every provider has an address of its own."""
    missing = [name for name in SIMULATED if not os.environ.get(name)]
    if not missing:
        return
    port = read_port("SIM_PORT", 9009)
    if not is_free(port):
        port = free_port()
    for name in missing:
        os.environ[name] = f"http://127.0.0.1:{port}{SIMULATED[name]}"
    children.start("simulators", sys.executable, "-m", "simulators", "--port", str(port))


def prepare_database() -> dict[str, Any]:
    """Migrate when something is missing, fill in the demo workspaces. Returns what `manage.py demo --json` says."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, connections
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print("Migrating …", flush=True)
        call_command("migrate", interactive=False, verbosity=0)
    said = io.StringIO()
    call_command("demo", "--json", stdout=said)
    connections.close_all()
    result: dict[str, Any] = json.loads(said.getvalue())
    return result


def start_web(children: Children, port: int) -> None:
    children.start(
        "web",
        *(sys.executable, "-m", "coachbot.server", "--port", str(port), "--threads", "64", "--kill-timeout", "5"),
    )


def is_ready(port: int) -> bool:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/readyz")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def wait_until_ready(children: Children, port: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not is_ready(port):
        children.check()
        if time.monotonic() > deadline:
            fail(f"http://127.0.0.1:{port}/readyz did not answer within {READY_TIMEOUT_S} s.")
        time.sleep(0.03)


def announce(demo: dict[str, Any], *, took_s: float) -> None:
    """Print where everything is, from what `manage.py demo --json` said."""
    base_url, admin = demo["baseUrl"], demo["admin"]
    lines = [
        "",
        f"Coachbot is ready ({took_s:.1f} s). Ctrl-C stops all of it.",
        f"  Console: {base_url}/admin/  user {admin['username']}  password {admin['password']}",
    ]
    for workspace in demo["workspaces"]:
        # A new phone each start: a workspace refuses one that it has.
        phone = f"+1202555{secrets.randbelow(9000) + 1000}"
        lead = {"name": "Ada Example", "phone": phone, "consent": True}
        lines += [
            "",
            f"  {workspace['slug']} ({workspace['channel']}): {base_url}/admin/{workspace['slug']}/",
            f"  {curl(f'{base_url}/api/public/leads', key=workspace['apiKey'], body=lead)}",
        ]
        twilio = os.environ["TWILIO_BASE_URL"]
        if workspace["channel"] == "whatsapp" and twilio.startswith("http://127.0.0.1:"):
            said = {"url": f"{base_url}/api/whatsapp/inbound", "from": phone, "body": "Which times are free?"}
            address = twilio.removesuffix("/twilio") + "/_sim/twilio/inbound"
            lines += ["  Then answer as she would:", f"  curl -sS {address} -d '{json.dumps(said)}'"]
    print("\n".join([*lines, ""]), flush=True)


def curl(url: str, *, key: str, body: dict[str, Any]) -> str:
    """Write a POST as one line, ready to be pasted."""
    return (
        f"curl -sS {url} -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )


def supervise(children: Children) -> None:
    started = time.monotonic()
    port = read_port("PORT", 8000)
    if not is_free(port):
        fail(f"Port {port} is taken. Choose another: make run PORT={port + 1}")
    prepare_environment(port)
    start_simulators(children)
    demo = prepare_database()
    start_web(children, port)
    children.start("worker", sys.executable, "manage.py", "worker")
    wait_until_ready(children, port)
    announce(demo, took_s=time.monotonic() - started)
    make = os.getppid()
    at_start = catches_interrupt(make)
    while catches_interrupt(make) == at_start:
        children.check()
        time.sleep(0.2)
    raise Stopped


def catches_interrupt(pid: int) -> bool | None:
    """Say whether a process has a handler for SIGINT; None where that can't be asked or the process is gone.

    GNU make passes a SIGTERM on to us but not a SIGINT sent to it alone: it drops its handler and waits for us to end.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    caught = status.partition("SigCgt:")[2].split(maxsplit=1)[0]
    return bool(int(caught, 16) >> (signal.SIGINT - 1) & 1)


def stop_on_signal(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: stopping must not be interrupted by a second Ctrl-C.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    raise Stopped


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, stop_on_signal)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    children = Children()
    try:
        supervise(children)
    except Stopped:
        print("\nStopping …", flush=True)
    finally:
        children.stop()


if __name__ == "__main__":
    main()
