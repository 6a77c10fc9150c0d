from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0003_first_message_cost"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="agentturn",
            index=models.Index(
                condition=Q(state="stopped", code__in=["paused", "paused_told"]),
                fields=["finished_at"],
                name="turn_paused",
            ),
        ),
    ]
