"""Fresh databases for real processes, of the kind that this test run is about, and locks held from outside."""

import contextlib
import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import psycopg
from django.conf import settings
from psycopg import sql

from tests.survival.processes import wait_for

SQLITE_NOTICE_S = 0.4
_count = itertools.count(1)


class Database(Protocol):
    """A database that belongs to one test module."""

    url: str

    def query(self, statement: str, *values: object) -> list[Any]:
        """Run one statement (placeholders: ?) and return its rows."""
        ...

    def hold_writes(self, table: str) -> "contextlib.AbstractContextManager[None]":
        """Keep everybody else from writing to a table, until the block ends; reading goes on."""
        ...

    def wait_for_writers(self, table: str, *, count: int) -> None:
        """Wait until so many writers stand before the lock."""
        ...

    def drop(self) -> None:
        """Remove it."""
        ...


class Postgres:
    """A database on the server that the test run uses."""

    def __init__(self, name: str, *, template: str = "template1") -> None:
        self.name = name
        with _maintenance() as server:
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        self.host, self.port = _server()["host"], int(_server()["port"])
        self.url = self.url_through(self.port)

    def url_through(self, port: int) -> str:
        """Return its address by way of another local port."""
        login = _server()
        password = f":{login['password']}" if login["password"] else ""
        host = self.host if port == self.port else "127.0.0.1"
        return f"postgres://{login['user']}{password}@{host}:{port}/{self.name}"

    def query(self, statement: str, *values: object) -> list[Any]:
        with psycopg.connect(**_server(), dbname=self.name, autocommit=True) as connection:
            cursor = connection.execute(statement.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def hold_writes(self, table: str) -> Iterator[None]:
        with psycopg.connect(**_server(), dbname=self.name) as connection:
            connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))
            yield
            connection.rollback()

    def wait_for_writers(self, table: str, *, count: int) -> None:
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = CAST(? AS regclass) AND NOT granted"
        wait_for(f"{count} writers at {table}", lambda: self.query(waiting, table)[0][0] >= count)

    def drop(self) -> None:
        with _maintenance() as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))


class SQLite:
    """A file."""

    def __init__(self, path: Path, *, template: Path | None = None) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        if template is not None:
            shutil.copyfile(template, path)

    def query(self, statement: str, *values: object) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def hold_writes(self, table: str) -> Iterator[None]:
        # One lock for the whole file; in WAL mode readers pass.
        with contextlib.closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    def wait_for_writers(self, table: str, *, count: int) -> None:
        # SQLite tells nobody who waits: give them the time to arrive.
        with contextlib.suppress(AssertionError):
            wait_for("never", lambda: None, timeout_s=SQLITE_NOTICE_S)

    def drop(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


def on_postgres() -> bool:
    """Say whether this test run is about PostgreSQL."""
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("postgresql")


def new_database(directory: Path, *, template: Database | None = None) -> Postgres | SQLite:
    """Make a database, empty or with all that `template` holds."""
    n = next(_count)
    if on_postgres():
        source = template.name if isinstance(template, Postgres) else "template1"
        return Postgres(f"coachbot_survival_{os.getpid()}_{n}", template=source)
    return SQLite(directory / f"survival-{n}.sqlite3", template=template.path if isinstance(template, SQLite) else None)


def _server() -> dict[str, Any]:
    config = settings.DATABASES["default"]
    return {
        "host": config.get("HOST") or "127.0.0.1",
        "port": int(config.get("PORT") or 5432),
        "user": config.get("USER") or "postgres",
        "password": config.get("PASSWORD") or "",
        "connect_timeout": 5,
    }


@contextlib.contextmanager
def _maintenance() -> Iterator["psycopg.Connection[Any]"]:
    connection = psycopg.connect(**_server(), dbname="postgres", autocommit=True)
    try:
        yield connection
    finally:
        connection.close()
