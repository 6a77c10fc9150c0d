"""Whether a colleague who writes takes the conversation over."""

from importlib import import_module
from typing import ClassVar

from django.db import migrations, models

for_life = import_module("workspaces.migrations.0007_channel_still_for_life")


class Migration(migrations.Migration):
    """Add the setting, on, and put back the trigger that SQLite drops with it."""

    dependencies: ClassVar = [
        ("workspaces", "0013_costly_numbers"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="workspace",
            name="writing_takes_over",
            field=models.BooleanField(
                default=True,
                help_text="WhatsApp only. The agent is silent until the lead is handed back.",
                verbose_name="a colleague who writes takes over",
            ),
        ),
        migrations.RunPython(for_life.restore, migrations.RunPython.noop),
    ]
