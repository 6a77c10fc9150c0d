from decimal import Decimal

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0004_past_slugs"),
    ]

    operations = [
        migrations.AddField(
            model_name="workspace",
            name="calling_from",
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="workspace",
            name="calling_until",
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="workspace",
            name="cost_a_day_per_lead_usd",
            field=models.DecimalField(decimal_places=2, default=Decimal("2"), max_digits=8),
        ),
        migrations.AddField(
            model_name="workspace",
            name="cost_a_day_usd",
            field=models.DecimalField(decimal_places=2, default=Decimal("100"), max_digits=8),
        ),
        migrations.AddField(
            model_name="workspace",
            name="no_answer_retries",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="How often a lead who didn't pick up is called again. 0: never.",
                validators=[django.core.validators.MaxValueValidator(10)],
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="no_answer_wait_min",
            field=models.PositiveIntegerField(
                default=60,
                help_text="Minutes between calls.",
                validators=[
                    django.core.validators.MinValueValidator(5),
                    django.core.validators.MaxValueValidator(10080),
                ],
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="qualification_fields",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="workspace",
            name="reply_after_s",
            field=models.PositiveSmallIntegerField(
                default=4,
                help_text="Seconds the agent waits for more before it answers; a burst of messages gets one answer.",
                validators=[django.core.validators.MaxValueValidator(120)],
            ),
        ),
        migrations.AddField(
            model_name="workspace",
            name="turns_a_day",
            field=models.PositiveIntegerField(default=5000),
        ),
        migrations.AddField(
            model_name="workspace",
            name="turns_a_day_per_lead",
            field=models.PositiveIntegerField(default=60),
        ),
        migrations.AddField(
            model_name="workspace",
            name="unknown_senders",
            field=models.CharField(
                choices=[("ignore", "Ignore"), ("lead", "Make a lead and answer")],
                default="ignore",
                help_text="WhatsApp only.",
                max_length=16,
            ),
        ),
    ]
