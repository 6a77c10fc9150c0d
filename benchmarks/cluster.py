"""A PostgreSQL cluster of the benchmark's own, and a Redis; both end and vanish with it."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "512MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "4GB",
    "log_min_messages": "fatal",
}
# What makes a committed lead survive a power cut: without these the figures would be worth nothing.
MUST_BE_ON = ("fsync", "synchronous_commit", "full_page_writes")


class CannotMeasure(Exception):
    """Something the benchmark needs is not there; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running PostgreSQL."""

    bin_dir: Path
    port: int
    user: str
    version: str

    def url(self, database: str) -> str:
        """Return a database's URL."""
        return f"postgres://{self.user}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """Connect; every statement commits by itself."""
        return psycopg.connect(self.url(database), autocommit=True)

    def create_database(self, name: str) -> None:
        """Create an empty database."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')

    def settle(self, database: str) -> None:
        """Give the planner statistics and write out what is dirty, so that no measurement pays for an earlier one."""
        with self.connect(database) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def count_clients(self, connection: psycopg.Connection[tuple[object, ...]], database: str) -> int:
        """Count the connections that clients hold to a database, asking over a connection to another one."""
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'", [database]
        ).fetchone()
        return int(str(row[0])) if row else 0


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_binaries() -> Path:
    """Find PostgreSQL's programs, the newest installed. Raises CannotMeasure."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve())
    for initdb in reversed(found):
        if (initdb.parent / "pgbench").exists():
            return initdb.parent
    raise CannotMeasure(
        "No PostgreSQL programs (initdb, postgres, pgbench) found; on Debian: apt-get install postgresql"
    )


def unprivileged_user() -> str | None:
    """Name the user PostgreSQL runs as where we are root, which it refuses to be; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise CannotMeasure("PostgreSQL does not run as root and there is no user postgres or nobody.")


@contextlib.contextmanager
def postgres() -> Iterator[Cluster]:
    """Run a fresh cluster. Raises CannotMeasure where that can't be done or it would not be durable."""
    bin_dir, as_user = find_binaries(), unprivileged_user()
    group = pwd.getpwnam(as_user).pw_gid if as_user else None
    directory = Path(tempfile.mkdtemp(prefix="coachbot-bench-pg-"))
    port = free_port()
    server: subprocess.Popen[bytes] | None = None
    try:
        if as_user:
            shutil.chown(directory, as_user)
        extra: dict[str, Any] = {"user": as_user, "group": group, "extra_groups": []} if as_user else {}
        data, log_file = directory / "data", directory / "postgres.log"
        initdb = (str(bin_dir / "initdb"), *f"-D {data} -U bench -A trust -E UTF8 --locale=C".split())
        made = subprocess.run(initdb, cwd="/", capture_output=True, check=False, **extra)
        if made.returncode:
            raise CannotMeasure(f"initdb failed: {made.stderr.decode()}")
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = (str(bin_dir / "postgres"), "-D", str(data), "-p", str(port), "-k", str(directory), *options)
        with log_file.open("wb") as log:
            server = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, start_new_session=True, **extra)
        version = _wait_for(port, log_file)
        yield Cluster(bin_dir=bin_dir, port=port, user="bench", version=version)
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(directory, ignore_errors=True)


def _wait_for(port: int, log: Path) -> str:
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with psycopg.connect(f"postgres://bench@127.0.0.1:{port}/postgres") as connection:
                for name in MUST_BE_ON:
                    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
                    if row != ("on",):
                        raise CannotMeasure(f"PostgreSQL's {name} is {row}, not on: a measurement would lie.")
                return str(connection.info.server_version // 10_000)
        except psycopg.OperationalError as error:
            if time.monotonic() > give_up_at:
                raise CannotMeasure(f"PostgreSQL did not start: {log.read_text()}") from error
            time.sleep(0.05)


def _stop(server: subprocess.Popen[bytes]) -> None:
    # SIGINT: a fast shutdown, that ends sessions instead of waiting for them.
    server.send_signal(2)
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run an empty Redis that saves nothing and yield its URL; "" where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield ""
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="coachbot-bench-redis-") as directory:
        options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory)
        server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            _stop(server)
