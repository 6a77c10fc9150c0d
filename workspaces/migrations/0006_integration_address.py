import json

from django.db import migrations

import workspaces.models
from workspaces.secrets import SecretUnreadable


def fill(apps, schema_editor):
    """Copy each Twilio sender out of its credentials; what can't be read now is filled when it is entered again."""
    integrations = apps.get_model("workspaces", "Integration").objects.filter(provider="twilio")
    for pk in list(integrations.values_list("pk", flat=True)):
        try:
            credentials = json.loads(integrations.get(pk=pk).credentials)
        except (SecretUnreadable, ValueError):
            continue
        integrations.filter(pk=pk).update(address=workspaces.models.address_of("twilio", credentials))


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0005_agent_settings"),
    ]

    operations = [
        migrations.AddField(
            model_name="integration",
            name="address",
            field=workspaces.models.AddressField(blank=True, db_index=True, default="", editable=False, max_length=32),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
