import uuid

import django.db.models.deletion
from django.db import migrations, models

import leads.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("leads", "0006_suppression_events_erasure"),
    ]

    operations = [
        migrations.CreateModel(
            name="Booking",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("sending", "being booked"),
                            ("unknown", "not known yet"),
                            ("booked", "booked"),
                            ("failed", "not booked"),
                            ("replaced", "no longer counts"),
                        ],
                        default="sending",
                        max_length=8,
                    ),
                ),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField(blank=True, null=True)),
                ("timezone", models.CharField(max_length=64)),
                ("attendee_name", models.CharField(max_length=120)),
                ("attendee_email", models.CharField(max_length=254)),
                ("uid", models.CharField(blank=True, default="", max_length=128)),
                ("awaits_host", models.BooleanField(default=False)),
                ("reason", models.CharField(blank=True, default="", max_length=255)),
                ("looks", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="bookings", to="leads.lead"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["sending", "unknown"])),
                        fields=["due_at"],
                        name="booking_unsettled",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["sending", "unknown", "booked"])),
                        fields=("lead",),
                        name="booking_one_active",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ToolCall",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("channel", models.CharField(max_length=16)),
                ("call_id", models.CharField(max_length=128)),
                ("name", models.CharField(max_length=64)),
                ("arguments", leads.fields.VerbatimJSONField(blank=True, null=True)),
                ("result", leads.fields.VerbatimJSONField(blank=True, null=True)),
                ("ok", models.BooleanField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tool_calls",
                        to="leads.lead",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
                "constraints": [models.UniqueConstraint(fields=("lead", "call_id"), name="tool_call_once")],
            },
        ),
    ]
