"""Statements that PostgreSQL parses and plans once a connection, for the few paths where that is what they cost.

Django's own cursor writes the values into the text, which makes every execution a new statement; and compiling a
query from the ORM takes several times what running it does. Elsewhere the ORM is the right tool.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.db import NotSupportedError, connection, connections, models

Row = TypeVar("Row", bound=models.Model)


def is_postgres() -> bool:
    """Tell whether statements in PostgreSQL's own dialect can be run."""
    return connection.vendor == "postgresql"


def fetch(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows, [] where it has none. Values come as the database's driver gives them.

    Works inside a transaction and outside, where it commits at once.
    """
    if not is_postgres():
        with connection.cursor() as plain:
            plain.execute(sql, _adapted(params))
            return list(plain.fetchall())
    try:
        return _run(sql, params)
    except NotSupportedError:
        # A migration changed a table under a plan that this connection has kept: one that is new plans anew.
        if connection.in_atomic_block:
            raise
        _discard_connection()
        return _run(sql, params)


def _run(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    own = connections["default"]
    own.ensure_connection()
    with own.wrap_database_errors, psycopg.Cursor(own.connection) as cursor:
        cursor.execute(sql, params, prepare=True)
        # Not by `description`, which makes an object of each column.
        return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else []


def _discard_connection() -> None:
    """Close the connection itself, not only this thread's hold on it: the pool replaces it."""
    if connection.connection is not None:
        connection.connection.close()
    connection.close()


def first(model: type[Row], sql: str, params: Sequence[Any]) -> Row | None:
    """Run a SELECT of `columns(model, …)` and return its first row as a model instance, None where there is none."""
    if not is_postgres():
        return next(iter(model._default_manager.raw(sql, _adapted(params))), None)
    rows = fetch(sql, params)
    if not rows:
        return None
    names, converters = _reading(model)
    values = list(rows[0])
    for place, convert in converters:
        values[place] = convert(values[place], None, connection)
    return model.from_db("default", names, values)


def insert(rows: Sequence[models.Model], *, ignore_conflicts: bool = False) -> None:
    """Insert rows of one model by one statement, whatever their number; keys that the database makes stay unknown."""
    if not rows:
        return
    model = type(rows[0])
    if not is_postgres():
        model._default_manager.bulk_create(rows, ignore_conflicts=ignore_conflicts)
        return
    payload = [{field.column: _plain(field, row) for field in _given(model)} for row in rows]
    fetch(_insert_sql(model, ignore_conflicts), [json.dumps(payload, ensure_ascii=False, default=str)])


@cache
def _reading(model: type[models.Model]) -> tuple[list[str], list[tuple[int, Any]]]:
    """List a model's attributes and, by their places, the columns whose values a field wants to convert."""
    fields = model._meta.concrete_fields
    converters = [(n, field.from_db_value) for n, field in enumerate(fields) if hasattr(field, "from_db_value")]
    return [field.attname for field in fields], converters


@cache
def _insert_sql(model: type[models.Model], ignore_conflicts: bool) -> str:
    names = ", ".join(field.column for field in _given(model))
    types = ", ".join(f"{field.column} {field.db_type(connection)}" for field in _given(model))
    ending = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    table = model._meta.db_table
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM json_to_recordset(%s::json) AS g({types}){ending}"  # noqa: S608


@cache
def _given(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]


def _plain(field: Any, row: models.Model) -> Any:
    value = getattr(row, field.attname)
    return value if isinstance(field, models.JSONField) else field.get_prep_value(value)


def columns(model: type[models.Model], alias: str) -> str:
    """List a table's columns for a SELECT, in the order in which `first` expects them."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def _adapted(params: Sequence[Any]) -> list[Any]:
    """Write values as SQLite stores them."""
    return [_adapt(value) for value in params]


def _adapt(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
