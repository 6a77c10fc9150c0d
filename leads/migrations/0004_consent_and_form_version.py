import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0003_metadata_null"),
    ]

    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "lead",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="consent",
                        serialize=False,
                        to="leads.lead",
                    ),
                ),
                ("text", models.TextField()),
                ("version", models.PositiveIntegerField()),
                ("text_sha256", models.CharField(max_length=64)),
                ("given_at", models.DateTimeField()),
                ("ip", models.GenericIPAddressField(blank=True, null=True)),
                ("user_agent", models.CharField(blank=True, default="", max_length=512)),
                ("page_url", models.CharField(blank=True, default="", max_length=2048)),
            ],
        ),
        migrations.AddField(
            model_name="lead",
            name="form_version_id",
            field=models.UUIDField(blank=True, null=True),
        ),
    ]
