"""A web address in place of a name is a reason to hold a submission back."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Name the reason. No column changes."""

    dependencies: ClassVar = [("leadforms", "0004_held_told")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="heldsubmission",
            name="reason",
            field=models.CharField(
                choices=[
                    ("honeypot", "filled in a field that people don't see"),
                    ("too_fast", "sent faster than a person types"),
                    ("link_in_name", "a web address in place of a name"),
                    ("many_from_ip", "many submissions from one address"),
                    ("many_for_form", "more submissions than usual within an hour"),
                    ("daily_cap", "the day's cap of contacts was reached"),
                ],
                max_length=16,
            ),
        ),
    ]
