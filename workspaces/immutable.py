"""For migrations: rows that the database itself refuses to change."""

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython
from django.db.migrations.state import StateApps


def keep_as_written(table: str, columns: Sequence[str]) -> RunPython:
    """Add a trigger that refuses any UPDATE of these columns; deleting stays possible.

    Columns that others' deletion sets to NULL must be left out. SQLite drops the trigger when a later migration adds a
    column to the table, because Django makes the table anew: that migration has to add the trigger again.
    """
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

    return RunPython(create, drop)
