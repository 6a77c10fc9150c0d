"""Create the tables, a workspace and a key: `python -m benchmarks.baseline.prepare` prints {"key": …}."""

import json
import os

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.baseline.settings")
django.setup()

from benchmarks.baseline.leads.models import Workspace, WorkspaceAPIKey  # noqa: E402

call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
_, plaintext = WorkspaceAPIKey.objects.create_key(
    name="bench", workspace=Workspace.objects.create(name="Bench", slug="bench")
)
print(json.dumps({"key": plaintext}))
