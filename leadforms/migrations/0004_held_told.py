"""Members are told once a day that submissions wait which may be people's."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Remember when to tell them, and that they were told."""

    dependencies: ClassVar = [("leadforms", "0003_held_at_most")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="contactsofday",
            name="tell_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="contactsofday",
            name="told",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="contactsofday",
            index=models.Index(condition=models.Q(("tell_at__isnull", False)), fields=["tell_at"], name="held_to_tell"),
        ),
    ]
