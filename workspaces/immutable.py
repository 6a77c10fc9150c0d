"""For migrations: rows that the database itself refuses to change."""

from collections.abc import Callable, Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython
from django.db.migrations.state import StateApps

Change = Callable[[StateApps, BaseDatabaseSchemaEditor], None]


def keep_as_written(table: str, columns: Sequence[str]) -> RunPython:
    """Add a trigger that refuses any UPDATE of these columns; deleting stays possible.

    Columns that others' deletion sets to NULL must be left out. A later migration that adds a column stands between
    `let_change` with the old columns and `keep_as_written` with the new ones: on SQLite Django copies the table, which
    drops the trigger.
    """
    return RunPython(*_trigger(table, columns))


def let_change(table: str, columns: Sequence[str]) -> RunPython:
    """Remove the trigger that `keep_as_written` added with the same arguments."""
    create, drop = _trigger(table, columns)
    return RunPython(drop, create)


def _trigger(table: str, columns: Sequence[str]) -> tuple[Change, Change]:
    """Return what creates the trigger and what drops it."""
    name = f"{table}_as_written"
    message = f"{table} is kept as it was written"

    def create(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        of = ", ".join(columns)
        if editor.connection.vendor == "postgresql":
            editor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; END $$"
            )
            editor.execute(
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {of} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
        else:
            editor.execute(
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {of} ON {table} "
                f"FOR EACH ROW BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )

    def drop(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP TRIGGER {name} ON {table}")
            editor.execute(f"DROP FUNCTION {name}()")
        else:
            editor.execute(f"DROP TRIGGER {name}")

    return create, drop
