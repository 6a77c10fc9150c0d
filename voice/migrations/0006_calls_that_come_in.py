"""A call may have come in: then no dispatch of ours has made it."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Let the dispatch be missing, and say who called whom."""

    dependencies: ClassVar = [("leads", "0001_initial"), ("voice", "0005_voicemail_and_what_came_to_nothing")]
    operations: ClassVar = [
        migrations.AddField(model_name="callsession", name="inbound", field=models.BooleanField(default=False)),
        migrations.AlterField(
            model_name="callsession",
            name="dispatch",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="call_sessions",
                to="leads.dispatch",
            ),
        ),
    ]
