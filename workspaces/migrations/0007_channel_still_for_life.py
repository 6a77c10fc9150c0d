"""Put back what SQLite drops whenever Django makes a table anew to add a column to it: its triggers."""

from importlib import import_module
from typing import ClassVar

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

for_life = import_module("workspaces.migrations.0002_channel_for_life")


def restore(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Create the trigger of 0002 where it is gone."""
    if editor.connection.vendor == "sqlite":
        editor.execute("DROP TRIGGER IF EXISTS workspaces_keep_channel")
        editor.execute(for_life.SQLITE)


class Migration(migrations.Migration):
    """Restore the trigger."""

    dependencies: ClassVar = [("workspaces", "0006_integration_address")]
    operations: ClassVar = [migrations.RunPython(restore, migrations.RunPython.noop)]
