import uuid
from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import leads.fields


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0007_source_whatsapp"),
        ("whatsapp", "0001_initial"),
        ("workspaces", "0006_integration_address"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="attempts",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="message",
            name="by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="kind",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "text"),
                    ("media", "picture, sound or file"),
                    ("location", "location"),
                    ("button", "button"),
                    ("fallback", "said when the agent couldn't answer"),
                    ("confirmation", "confirmation of an opt-out or of its end"),
                ],
                default="",
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="AgentTurn",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "under way"),
                            ("done", "answered"),
                            ("stopped", "not answered on purpose"),
                            ("failed", "failed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("claimed_by", models.CharField(blank=True, default="", max_length=64)),
                ("due_at", models.DateTimeField()),
                ("wake_at", models.DateTimeField()),
                ("wakes", models.PositiveSmallIntegerField(default=0)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("items", leads.fields.VerbatimJSONField(blank=True, default=list)),
                ("input_tokens", models.PositiveIntegerField(default=0)),
                ("output_tokens", models.PositiveIntegerField(default=0)),
                ("cost_usd", models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=12)),
                ("reason", models.CharField(blank=True, default="", max_length=255)),
                ("code", models.CharField(blank=True, default="", max_length=32)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lead",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="turns",
                        to="leads.lead",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.AddField(
            model_name="message",
            name="turn",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="messages",
                to="whatsapp.agentturn",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="message_due"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("error_code", ""), _negated=True),
                fields=["error_code", "-created_at"],
                name="message_refused",
            ),
        ),
        migrations.AddIndex(
            model_name="agentturn",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "running"])), fields=["due_at"], name="turn_due"
            ),
        ),
        migrations.AddIndex(
            model_name="agentturn",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "running"])), fields=["wake_at"], name="turn_to_wake"
            ),
        ),
        migrations.AddIndex(
            model_name="agentturn",
            index=models.Index(fields=["workspace", "started_at"], name="turn_by_day"),
        ),
        migrations.AddIndex(
            model_name="agentturn",
            index=models.Index(fields=["lead", "created_at"], name="turn_by_lead"),
        ),
        migrations.AddConstraint(
            model_name="agentturn",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting")), fields=("lead",), name="turn_one_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentturn",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("lead",), name="turn_one_running"
            ),
        ),
    ]
