import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0003_journal_submissions"),
    ]

    operations = [
        migrations.CreateModel(
            name="PastSlug",
            fields=[
                ("slug", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="past_slugs",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
    ]
