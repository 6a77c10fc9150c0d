"""What a lead sends once more has a place in its timeline."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Name the kind. No column changes."""

    dependencies: ClassVar = [("leads", "0009_alerts")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="leadevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("status", "status changed"),
                    ("note", "note"),
                    ("taken_over", "taken over"),
                    ("handed_back", "handed back"),
                    ("opted_out", "opted out"),
                    ("opted_in", "may be contacted again"),
                    ("call_scheduled", "call scheduled"),
                    ("call_retry", "another call after no answer"),
                    ("call_again", "called again by hand"),
                    ("agent_stopped", "the agent stopped"),
                    ("sent_again", "sent the form again"),
                ],
                max_length=16,
            ),
        ),
    ]
