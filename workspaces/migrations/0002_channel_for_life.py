"""The database itself refuses to move a workspace to another channel."""

from typing import ClassVar

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

POSTGRES = """
CREATE FUNCTION workspaces_keep_channel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a workspace stays on its channel for life' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER workspaces_keep_channel BEFORE UPDATE OF channel ON workspaces_workspace
    FOR EACH ROW WHEN (OLD.channel IS DISTINCT FROM NEW.channel) EXECUTE FUNCTION workspaces_keep_channel();
"""
SQLITE = """
CREATE TRIGGER workspaces_keep_channel BEFORE UPDATE OF channel ON workspaces_workspace
    FOR EACH ROW WHEN OLD.channel <> NEW.channel
    BEGIN SELECT RAISE(ABORT, 'a workspace stays on its channel for life'); END;
"""


def create(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Create the trigger in this database's dialect."""
    editor.execute(POSTGRES if editor.connection.vendor == "postgresql" else SQLITE)


def drop(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Take the trigger away again."""
    if editor.connection.vendor == "postgresql":
        editor.execute("DROP TRIGGER workspaces_keep_channel ON workspaces_workspace")
        editor.execute("DROP FUNCTION workspaces_keep_channel()")
    else:
        editor.execute("DROP TRIGGER workspaces_keep_channel")


class Migration(migrations.Migration):
    """Add the trigger."""

    dependencies: ClassVar = [("workspaces", "0001_initial")]
    operations: ClassVar = [migrations.RunPython(create, drop)]
