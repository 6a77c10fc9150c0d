"""Held submissions are bounded: find the first to go, count what went; and find the expired without reading all."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add two indexes and a counter."""

    dependencies: ClassVar = [("leadforms", "0002_as_written")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="contactsofday",
            name="made_way",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name="heldsubmission",
            index=models.Index(
                condition=models.Q(("discarded_at", None), ("released_at", None)),
                fields=["workspace", "reason", "created_at"],
                name="held_oldest_by_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="heldsubmission",
            index=models.Index(fields=["created_at"], name="held_expiry"),
        ),
    ]
