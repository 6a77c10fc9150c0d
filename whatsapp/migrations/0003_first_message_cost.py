from decimal import Decimal

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("whatsapp", "0002_agent_turns"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="cost_usd",
            field=models.DecimalField(decimal_places=6, default=Decimal(0), max_digits=12),
        ),
    ]
