"""A workspace may want a lead of each unknown caller."""

from importlib import import_module
from typing import ClassVar

from django.db import migrations, models

for_life = import_module("workspaces.migrations.0007_channel_still_for_life")


class Migration(migrations.Migration):
    """Add the setting, off, and put back the trigger that SQLite drops with it."""

    dependencies: ClassVar = [("workspaces", "0010_faults")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="workspace",
            name="callers_become_leads",
            field=models.BooleanField(
                default=False,
                help_text="Voice only. Off: a call from a number that is no lead leaves nothing here.",
                verbose_name="unknown callers become leads",
            ),
        ),
        migrations.RunPython(for_life.restore, migrations.RunPython.noop),
    ]
