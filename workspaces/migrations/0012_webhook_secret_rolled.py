"""The webhook secret of a workspace can be rolled: for a day the old one is taken as well."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import workspaces.secrets


class Migration(migrations.Migration):
    """Add the old secret, until when it is taken, and who rolled it when."""

    dependencies: ClassVar = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("workspaces", "0011_callers_become_leads"),
    ]
    operations: ClassVar = [
        migrations.AddField(
            model_name="integration",
            name="old_webhook_secret",
            field=workspaces.secrets.EncryptedTextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="integration", name="old_secret_until", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            model_name="integration", name="secret_rolled_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            model_name="integration",
            name="secret_rolled_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
