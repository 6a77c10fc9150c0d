"""manage.py vapi_tools: what to enter at Vapi so that an assistant can use the agent's tools."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.tools import schemas
from workspaces.models import Channel, Integration, Workspace

PLACEHOLDER = "<the workspace's tool secret>"
# Ours are out within 5 s.
SERVER_TIMEOUT_S = 8


class Command(BaseCommand):
    """Print the seven tools of a workspace as Vapi's API takes them (POST /tool), a JSON list."""

    help = "Print the agent's tools as Vapi's API takes them: one object each, to create under Tools."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the workspace and --with-secret."""
        parser.add_argument("slug", help="the workspace's slug")
        parser.add_argument("--with-secret", action="store_true", help="print the tool secret, not a placeholder")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print them."""
        workspace = Workspace.objects.filter(slug=options["slug"], channel=Channel.VOICE).first()
        if workspace is None:
            raise CommandError(f"There is no voice workspace {options['slug']!r}.")
        secret = PLACEHOLDER
        if options["with_secret"]:
            vapi = workspace.integrations.filter(provider=Integration.Provider.VAPI).first()
            if vapi is None:
                raise CommandError("Vapi is not connected in this workspace.")
            secret = vapi.webhook_secret
        tools = [
            {
                "type": "function",
                "function": schema,
                "server": {
                    "url": f"{settings.PUBLIC_BASE_URL}/api/vapi/{workspace.pk}/tools/{schema['name']}",
                    "timeoutSeconds": SERVER_TIMEOUT_S,
                    "headers": {"Authorization": f"Bearer {secret}"},
                },
            }
            for schema in schemas(workspace, strict=False)
        ]
        self.stdout.write(json.dumps(tools, ensure_ascii=False, indent=2))
