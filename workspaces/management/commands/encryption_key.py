"""Make a key for the secrets in the database, or say which keys are in use."""

import re
from argparse import ArgumentParser
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from workspaces.secrets import newest_version

_numbered = re.compile(r"v(\d+)").fullmatch
INSTRUCTIONS = """\
Put the line above first in COACHBOT_ENCRYPTION_KEYS, before the keys that are there, separated by a comma:

    COACHBOT_ENCRYPTION_KEYS={version}:…{rest}

Restart every process, then run `manage.py rotate_secrets`. Keep the key where your other secrets are, outside of
the database's backups: without it no stored secret can be read again."""


class Command(BaseCommand):
    """Print a fresh `version:key` pair (`--new`), or the versions that are configured."""

    help = "Print a fresh version:key pair for COACHBOT_ENCRYPTION_KEYS, or the versions in use. Stores nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--new", action="store_true", help="print a fresh pair")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the pair alone on stdout, so that a script can take it; the instructions go to stderr."""
        versions = [pair.partition(":")[0] for pair in settings.ENCRYPTION_KEYS]
        if options["new"]:
            version = next_version(versions)
            self.stdout.write(f"{version}:{Fernet.generate_key().decode()}")
            rest = "".join(f",{name}:…" for name in versions)
            self.stderr.write(INSTRUCTIONS.format(version=version, rest=rest), self.style.NOTICE)
            return
        try:
            newest = newest_version()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"New secrets are encrypted with {newest}. Configured: {', '.join(versions)}.")


def next_version(versions: list[str]) -> str:
    """Name the version after the highest numbered one; v1 where there is none."""
    numbers = [int(match[1]) for match in map(_numbered, versions) if match]
    return f"v{max(numbers, default=0) + 1}"
