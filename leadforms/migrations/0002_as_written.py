"""The database itself refuses to change what was published and what was agreed to."""

from typing import ClassVar

from django.db import migrations

from workspaces.immutable import keep_as_written

VERSION = ("id", "form_id", "number", "content", "consent_text_id", "changes", "published_at")
CONSENT_TEXT = ("id", "workspace_id", "number", "text", "created_at")


class Migration(migrations.Migration):
    """Add the triggers."""

    dependencies: ClassVar = [("leadforms", "0001_initial")]
    operations: ClassVar = [
        keep_as_written("leadforms_formversion", VERSION),
        keep_as_written("leadforms_consenttext", CONSENT_TEXT),
    ]
