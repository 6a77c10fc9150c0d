"""Lending database connections: who waits for something else gives theirs back."""

from django.db import connection


def give_back() -> None:
    """Return this thread's connection to the pool, so that whoever waits slowly holds none.

    Inside a transaction it can't be let go; SQLite has no pool, and an idle connection there is in nobody's way.
    """
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
