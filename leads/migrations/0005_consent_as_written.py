"""The database itself refuses to change the evidence of a consent."""

from typing import ClassVar

from django.db import migrations

from workspaces.immutable import keep_as_written

COLUMNS = ("lead_id", "text", "version", "text_sha256", "given_at", "ip", "user_agent", "page_url")


class Migration(migrations.Migration):
    """Add the trigger."""

    dependencies: ClassVar = [("leads", "0004_consent_and_form_version")]
    operations: ClassVar = [keep_as_written("leads_consent", COLUMNS)]
