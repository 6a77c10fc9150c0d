"""Who has a mail already is not sent it again while others wait for theirs."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the addresses."""

    dependencies: ClassVar = [("leads", "0011_erasures_keep_workspace")]
    operations: ClassVar = [
        migrations.AddField(model_name="alert", name="told_to", field=models.JSONField(blank=True, default=list)),
    ]
