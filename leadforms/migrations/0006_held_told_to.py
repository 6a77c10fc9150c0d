"""Who has a mail already is not sent it again while others wait for theirs."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the addresses."""

    dependencies: ClassVar = [("leadforms", "0005_held_link_in_name")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="contactsofday", name="told_to", field=models.JSONField(blank=True, default=list)
        ),
    ]
