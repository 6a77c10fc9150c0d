"""manage.py after_restore: close what a restored backup promises and what may have been done since."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from database import clock
from workspaces.promises import OpenPromise, open_promises

AT_WORK = (
    "Somebody is at work on this database: {count} contacts or replies are being made. "
    "Stop web processes and workers first. If none runs, the backup was made seconds ago: wait a minute or add --force."
)
ALSO = (
    "What happened between the backup and now is not in this database: leads, opt-outs, erasures, appointments. "
    "Enter opt-outs and erasures again before you start the worker."
)


class Command(BaseCommand):
    """Count every kind of promise, and close those that must not be kept a second time."""

    help = "After restoring a backup and before starting anything: close the promises that may have been kept since."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="count only")
        parser.add_argument("--yes", action="store_true", help="don't ask")
        parser.add_argument("--force", action="store_true", help="also while somebody seems to be at work")
        parser.add_argument("--keep", action="append", default=[], metavar="NAME", help="leave a kind open; repeatable")
        parser.add_argument("--close", action="append", default=[], metavar="NAME", help="close a kind kept by default")

    def handle(self, *args: Any, **options: Any) -> None:
        """Show the table, ask, close."""
        now = clock.now()
        promises = open_promises(now)
        names = [promise.name for promise in promises]
        if unknown := {*options["keep"], *options["close"]} - set(names):
            raise CommandError(f"Unknown: {', '.join(sorted(unknown))}. There are {', '.join(names)}.")
        at_work = sum(promise.held.count() for promise in promises if promise.held is not None)
        if at_work and not (options["force"] or options["dry_run"]):
            raise CommandError(AT_WORK.format(count=at_work))
        kept = set(options["keep"]) | ({each.name for each in promises if each.harmless} - set(options["close"]))
        counts = {promise.name: promise.rows.count() for promise in promises}
        self._show(promises, counts, kept)
        to_close = [promise for promise in promises if promise.name not in kept and counts[promise.name]]
        if options["dry_run"] or not to_close:
            self.stdout.write("Nothing was changed." if options["dry_run"] else "There is nothing to close.")
        elif options["yes"] or self._agrees():
            for promise in to_close:
                promise.close(now)
            self.stdout.write("Closed. The worker may start.")
        else:
            raise CommandError("Nothing was changed.")
        self.stdout.write(ALSO)

    def _show(self, promises: list[OpenPromise], counts: dict[str, int], kept: set[str]) -> None:
        for promise in promises:
            what = "kept" if promise.name in kept else promise.closing
            self.stdout.write(f"{counts[promise.name]:>8,}  {promise.name:<14} {promise.title}: {what}")

    def _agrees(self) -> bool:
        try:
            return input("Close them? [y/N] ").strip().lower() in {"y", "yes"}
        except EOFError:
            return False
