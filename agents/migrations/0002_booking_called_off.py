"""An appointment may have been called off at Cal.com."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the status."""

    dependencies: ClassVar = [("agents", "0001_tool_calls_and_bookings")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="booking",
            name="status",
            field=models.CharField(
                choices=[
                    ("sending", "being booked"),
                    ("unknown", "not known yet"),
                    ("booked", "booked"),
                    ("failed", "not booked"),
                    ("replaced", "no longer counts"),
                    ("canceled", "called off"),
                ],
                default="sending",
                max_length=8,
            ),
        ),
    ]
