"""Faults of a workspace's accounts at providers, for a notice on its pages."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the table."""

    dependencies: ClassVar = [("workspaces", "0009_no_slug_like_an_id")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Fault",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "provider",
                    models.CharField(
                        choices=[
                            ("vapi", "Vapi"),
                            ("twilio", "Twilio"),
                            ("openai", "OpenAI"),
                            ("calcom", "Cal.com"),
                        ],
                        max_length=16,
                    ),
                ),
                ("code", models.CharField(blank=True, default="", max_length=160)),
                ("reason", models.CharField(max_length=500)),
                ("since", models.DateTimeField()),
                ("at", models.DateTimeField()),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="faults",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("workspace", "provider"), name="fault_once")]},
        ),
    ]
