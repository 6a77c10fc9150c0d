"""A lead may have come by calling."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the source."""

    dependencies: ClassVar = [("leads", "0014_consent_embedded_by")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="lead",
            name="source",
            field=models.CharField(
                choices=[
                    ("api", "API"),
                    ("form", "Form"),
                    ("manual", "By hand"),
                    ("whatsapp", "Wrote on WhatsApp"),
                    ("call", "Called"),
                ],
                default="api",
                max_length=16,
            ),
        ),
    ]
