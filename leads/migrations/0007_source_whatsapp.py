from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0006_suppression_events_erasure"),
    ]

    operations = [
        migrations.AlterField(
            model_name="lead",
            name="source",
            field=models.CharField(
                choices=[("api", "API"), ("form", "Form"), ("manual", "By hand"), ("whatsapp", "Wrote on WhatsApp")],
                default="api",
                max_length=16,
            ),
        ),
    ]
