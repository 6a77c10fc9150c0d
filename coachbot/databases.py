"""What each kind of database needs so that simultaneous requests neither fail nor wait for nothing."""

from typing import Any

_SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000; PRAGMA foreign_keys=ON;"


def tuned(config: dict[str, Any], *, pool_size: int) -> dict[str, Any]:
    """Return Django's database dictionary with our options added.

    PostgreSQL: a pool of at most `pool_size` connections a process; a statement that runs for 30 s is ended.
    SQLite: write-ahead log, full sync, and transactions that take the write lock when they begin, because one
    that upgrades its lock midway fails at once under load instead of waiting.
    """
    if config["ENGINE"].endswith("sqlite3"):
        return config | {
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 10, "init_command": _SQLITE_PRAGMAS},
            "CONN_MAX_AGE": 600,
        }
    return config | {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,  # required with a pool: "closing" gives the connection back
        "OPTIONS": {
            "pool": {
                "min_size": min(2, pool_size),
                "max_size": pool_size,
                "timeout": 5,
                "max_waiting": 1000,
                "max_lifetime": 600,
            },
            "prepare_threshold": 3,
            "connect_timeout": 3,
            # A network that swallows packets: give up after about 30 s, as with a statement.
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            # After a failover: never a server that only reads.
            "target_session_attrs": "read-write",
            "options": "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000",
        },
    }
