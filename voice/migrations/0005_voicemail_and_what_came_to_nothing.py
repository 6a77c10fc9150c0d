"""Tell a voicemail box from no answer, and find every call that came to nothing by the same index."""

from typing import Any, ClassVar

from django.db import migrations, models


def tell_apart(apps: Any, schema_editor: Any) -> None:
    """Name the calls that a machine answered as such."""
    calls = apps.get_model("voice", "CallSession").objects
    calls.filter(ended_reason="voicemail", outcome="no_answer").update(outcome="voicemail")


def put_together(apps: Any, schema_editor: Any) -> None:
    """Name them as before."""
    apps.get_model("voice", "CallSession").objects.filter(outcome="voicemail").update(outcome="no_answer")


class Migration(migrations.Migration):
    """Add the outcome and replace the indexes."""

    dependencies: ClassVar = [("voice", "0004_call_not_reported")]
    operations: ClassVar = [
        migrations.AlterField(
            model_name="callsession",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("completed", "completed"),
                    ("transferred", "transferred"),
                    ("no_answer", "no answer"),
                    ("voicemail", "voicemail"),
                    ("invalid_number", "invalid number"),
                    ("account", "account or configuration"),
                    ("transient", "temporary error"),
                    ("cancelled", "cancelled"),
                    ("failed", "failed"),
                ],
                default="",
                max_length=16,
            ),
        ),
        migrations.RunPython(tell_apart, put_together),
        migrations.RemoveIndex(model_name="callsession", name="call_came_to_nothing"),
        migrations.RemoveIndex(model_name="callsession", name="call_not_answered"),
        migrations.AddIndex(
            model_name="callsession",
            index=models.Index(
                condition=models.Q(("outcome__in", ["account", "transient", "invalid_number", "failed"])),
                fields=["updated_at"],
                name="call_came_to_nothing",
            ),
        ),
        migrations.AddIndex(
            model_name="callsession",
            index=models.Index(
                condition=models.Q(("outcome__in", ["no_answer", "voicemail"])),
                fields=["updated_at"],
                name="call_not_answered",
            ),
        ),
    ]
