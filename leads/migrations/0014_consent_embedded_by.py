"""The evidence of a consent names the site that showed our page in a frame."""

from typing import ClassVar

from django.db import migrations, models

from workspaces.immutable import keep_as_written, let_change

COLUMNS = ("lead_id", "text", "version", "text_sha256", "given_at", "ip", "user_agent", "page_url")


class Migration(migrations.Migration):
    """Add the column, which the database protects as it does the others."""

    dependencies: ClassVar = [("leads", "0013_opted_out_in_a_message")]
    operations: ClassVar = [
        let_change("leads_consent", COLUMNS),
        migrations.AddField(
            model_name="consent",
            name="embedded_by",
            field=models.CharField(blank=True, default="", max_length=300),
        ),
        keep_as_written("leads_consent", (*COLUMNS, "embedded_by")),
    ]
