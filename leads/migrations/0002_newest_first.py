"""List the dispatches of a workspace newest first without sorting them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0001_initial"),
        ("workspaces", "0002_channel_for_life"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(fields=["workspace", "-created_at"], name="dispatch_newest_first"),
        ),
    ]
