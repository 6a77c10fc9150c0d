import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0007_source_whatsapp"),
    ]

    operations = [
        migrations.AddField(
            model_name="dispatch",
            name="retry_of",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="retry",
                to="leads.dispatch",
            ),
        ),
    ]
