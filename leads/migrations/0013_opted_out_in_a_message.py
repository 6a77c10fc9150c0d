"""An agent may note that a lead asked in a message not to be contacted any more."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the reason."""

    dependencies: ClassVar = [("leads", "0012_alert_told_to")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="suppression",
            name="reason",
            field=models.CharField(
                choices=[
                    ("stop", "the lead wrote a stop word"),
                    ("provider", "the provider reported an opt-out"),
                    ("call", "the lead asked for it in a call"),
                    ("message", "the lead asked for it in a message"),
                    ("operator", "entered by staff"),
                ],
                max_length=16,
            ),
        ),
    ]
